import { toFrames } from '../../../src/net/testing.ts'
import { askNewly, closeAll, openMany } from '../connections.ts'
import { startRig, toQuery } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

/** Milliseconds between the octets of one client. */
const PAUSE = 400

/** TCP clients that send one octet at a time and never come to an end in time; the server cuts them. */
export const scenario: Scenario = {
  name: 'trickling-clients',
  event: 'TCP clients that send an octet now and then, 1,500 (300 in short)',
  async run(form) {
    const [count, overTcp] = form === 'long' ? [1500, 1000] : [300, 50]
    const rig = await startRig()
    try {
      const { port } = rig.server
      const clients = await rig.clients(2000, 10)
      const begun = performance.now()
      const sockets = await openMany(port, count)
      const open = new Set(sockets)
      for (const socket of sockets) {
        socket.on('close', () => open.delete(socket))
        socket.resume()
      }
      const frame = toFrames(toQuery(`a-name-that-never-ends.${'x'.repeat(40)}.names.test.`))
      let at = 0
      const timer = setInterval(() => {
        for (const socket of open) socket.write(frame.subarray(at, at + 1))
        at++
      }, PAUSE)
      const lostOverTcp = await askNewly(port, overTcp)
      while (open.size > 0 && at < frame.length) await new Promise((resolve) => setTimeout(resolve, 50))
      const seconds = (performance.now() - begun) / 1000
      clearInterval(timer)
      const left = open.size
      await closeAll(sockets)
      const tally = await clients.stop()
      const lost = tally.lost + lostOverTcp
      return {
        sent: tally.sent + overTcp,
        lost,
        measured: { 'all cut after s': seconds.toFixed(1), 'worst answer ms': tally.worst },
        goal: '0 lost, all of them cut before their message is whole',
        met: lost === 0 && left === 0,
      }
    } finally {
      await rig.stop()
    }
  },
}
