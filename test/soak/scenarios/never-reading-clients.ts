import { toFrames } from '../../../src/net/testing.ts'
import { residentMemory } from '../../kit/proc.ts'
import { closeAll, openMany } from '../connections.ts'
import { BIG, startRig, toQuery } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

/** Octets of queries that each client sends; the answers would be ninety times as many. */
const SENT = 1_350_000
/** Garbage of the work for them all, and what each of their sockets holds. */
const MEMORY_MIB = { all: 40, each: 1 }

/** TCP clients that ask for large answers without end and read none of them. */
export const scenario: Scenario = {
  name: 'never-reading-clients',
  event: `TCP clients that send ${SENT / 1e6} MB of queries for answers of ${BIG} octets and read nothing, 50 (10 in short)`,
  async run(form) {
    const count = form === 'long' ? 50 : 10
    const rig = await startRig()
    try {
      const { pid, port } = rig.server
      const query = toFrames(toQuery('big.test.', 16))
      const burst = Buffer.concat(new Array(Math.floor(SENT / query.length)).fill(query))
      const clients = await rig.clients(2000, 10)
      await clients.until(2000)
      const before = residentMemory(pid)
      const sockets = await openMany(port, count)
      let highest = before
      const timer = setInterval(() => {
        highest = Math.max(highest, residentMemory(pid))
      }, 50)
      for (const socket of sockets) socket.pause().write(burst)
      await clients.until(2000 + (form === 'long' ? 20_000 : 6000))
      clearInterval(timer)
      await closeAll(sockets)
      const tally = await clients.stop()
      const grown = Math.round(highest - before)
      return {
        sent: tally.sent,
        lost: tally.lost,
        measured: { 'memory grown MiB': grown, 'worst answer ms': tally.worst },
        goal: `0 lost, memory < +${MEMORY_MIB.all} MiB and ${MEMORY_MIB.each} for each of them`,
        met: tally.lost === 0 && grown < MEMORY_MIB.all + MEMORY_MIB.each * count,
      }
    } finally {
      await rig.stop()
    }
  },
}
