import { execFileSync } from 'node:child_process'
import { openFiles } from '../../kit/proc.ts'
import type { Cli } from '../../kit/process.ts'
import { closeAll, openMany, untilAtMost } from '../connections.ts'
import { startRig } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const LIMIT = 64

/** A process that may have 64 open files, and more idle TCP clients than that. */
export const scenario: Scenario = {
  name: 'descriptors',
  event: 'file descriptors run out: 64 allowed, 200 idle TCP connections',
  async run(form) {
    const seconds = form === 'long' ? 20 : 3
    const rig = await startRig()
    try {
      const { pid } = rig.server
      // sockets to the upstream that are open already would not be needed any more; what the limit means is settled with a configuration
      await reload(rig.server, 1)
      await untilAtMost(LIMIT / 2, () => openFiles(pid))
      execFileSync('prlimit', [`--nofile=${LIMIT}:${LIMIT}`, '--pid', String(pid)])
      await reload(rig.server, 2)
      const sockets = await openMany(rig.server.port, 200)
      const clients = await rig.clients(1000, 50)
      await clients.until(1000 * seconds)
      const tally = await clients.stop()
      await closeAll(sockets)
      const failed = tally.rcodes[2] ?? 0
      return {
        sent: tally.sent,
        lost: tally.lost,
        measured: { SERVFAIL: failed, 'worst answer ms': tally.worst },
        goal: '0 lost, no SERVFAIL, half of the queries being misses',
        met: tally.lost === 0 && failed === 0,
      }
    } finally {
      await rig.stop()
    }
  },
}

/** Has it read its Corefile for the nth time. */
async function reload(server: Cli, nth: number): Promise<void> {
  server.kill('SIGUSR1')
  await server.printed(new RegExp(`(?:Reloading complete[^]*){${nth}}`))
}
