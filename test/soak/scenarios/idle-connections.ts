import { openFiles, residentMemory } from '../../kit/proc.ts'
import { askNewly, closeAll, openMany, untilAtMost } from '../connections.ts'
import { startRig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const MEMORY_MIB = 60

/** Clients that connect and say nothing; valid ones over UDP and over new TCP connections beside them. */
export const scenario: Scenario = {
  name: 'idle-connections',
  event: 'idle TCP connections, 10,000 (1,500 in short)',
  async run(form) {
    const [connections, overTcp] = form === 'long' ? [10_000, 1000] : [1500, 100]
    const rig = await startRig()
    try {
      const { pid, port } = rig.server
      const [files, memory] = [openFiles(pid), residentMemory(pid)]
      const clients = await rig.clients(2000, 10)
      const opening = openMany(port, connections)
      const duringLost = await askNewly(port, overTcp)
      const sockets = await opening
      const lostOverTcp = duringLost + (await askNewly(port, overTcp))
      const grown = Math.round(residentMemory(pid) - memory)
      const left = (await untilAtMost(files + 64, () => openFiles(pid))) - files
      const tally = await clients.stop()
      await closeAll(sockets)
      const lost = tally.lost + lostOverTcp
      return {
        sent: tally.sent + 2 * overTcp,
        lost,
        measured: { 'lost over TCP': lostOverTcp, 'memory grown MiB': grown, 'worst answer ms': tally.worst },
        goal: `0 lost, memory < +${MEMORY_MIB} MiB, the server closes them`,
        met: lost === 0 && grown < MEMORY_MIB && left <= 64,
      }
    } finally {
      await rig.stop()
    }
  },
}
