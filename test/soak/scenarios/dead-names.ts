import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { toAnswer } from '../../../src/upstream/testing.ts'
import { serveCli } from '../../kit/process.ts'
import { Traffic } from '../../kit/traffic.ts'
import { toQuery } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const RATE = 500
/** Milliseconds that a client waits for an answer at most, whatever it is. */
const WORST = 4600

/** Names whose own servers are dead: the upstream is silent to them. Others that it knows are answered as ever. */
export const scenario: Scenario = {
  name: 'dead-names',
  event: `${RATE} queries per second for names that the upstream never answers, for 30 s (5 s in short)`,
  async run(form) {
    const seconds = form === 'long' ? 30 : 5
    const upstream = await startUpstream()
    const forward = `forward . 127.0.0.1:${upstream.address().port}`
    const input = `.:0 {\n  bind 127.0.0.1\n  errors\n  cache\n  ${forward}\n}\n`
    const server = await serveCli(['-conf', 'stdin'], { input })
    try {
      const ask = (kind: string) =>
        Traffic.start({ port: server.port, rate: RATE, packet: (i) => toQuery(`${kind}-${i}.test.`) })
      const good = await ask('good')
      const dead = await ask('dead')
      await dead.until(RATE * seconds)
      const failed = await dead.stop()
      const tally = await good.stop()
      const wrong = tally.sent - (tally.rcodes[0] ?? 0)
      return {
        sent: tally.sent + failed.sent,
        lost: tally.lost + failed.lost,
        measured: {
          'good names without an address': wrong,
          'good names, p99 ms': tally.p99,
          'dead names with SERVFAIL': `${failed.rcodes[2] ?? 0} of ${failed.sent}`,
          'worst answer ms': failed.worst,
        },
        goal: `0 lost, each good name answered, each dead one SERVFAIL within ${WORST} ms`,
        met: tally.lost + failed.lost + wrong === 0 && failed.rcodes[2] === failed.sent && failed.worst <= WORST,
      }
    } finally {
      server.kill('SIGTERM')
      await server.ended
      upstream.close()
    }
  },
}

/** Octet 13 is the first letter of the name. */
async function startUpstream(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.on('message', (wire, { port }) => {
    if (wire[13] !== 0x64) socket.send(toAnswer({ wire }), port, '127.0.0.1')
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}
