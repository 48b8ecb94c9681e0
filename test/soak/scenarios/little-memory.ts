import { createMemoryGroup } from '../../kit/cgroup.ts'
import { type Cli, serveCli } from '../../kit/process.ts'
import { Traffic } from '../../kit/traffic.ts'
import { startUnbound } from '../../kit/unbound.ts'
import { startClients, toQuery, UPSTREAM } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

/** MiB for a supervisor and its worker, run from the sources. */
const LIMIT = 96
const VALID = 1000

/** A flood of names where there is hardly more memory than the processes have at their start. */
export const scenario: Scenario = {
  name: 'little-memory',
  event: `a control group of ${LIMIT} MiB for a supervised server, and 5,000 distinct names per second for 30 s (2,000 for 5 s in short)`,
  async run(form) {
    const [seconds, rate] = form === 'long' ? [30, 5000] : [5, 2000]
    const group = createMemoryGroup(LIMIT)
    if (!group) return { sent: 0, lost: 0, measured: { skipped: 'no control group' }, goal: 'root', met: true }
    const upstream = await startUnbound(UPSTREAM)
    const input = `.:0 {\n  bind 127.0.0.1\n  errors\n  cache 3600\n  forward . ${upstream.address}\n}\n`
    let server: Cli | undefined
    try {
      server = await serveCli(['-conf', 'stdin', '-supervise'], { input, inside: group.inside })
      const clients = await startClients(server.port, VALID)
      const packet = (i: number) => toQuery(`${(i * 2654435761) >>> 0}.flood.names.test.`)
      const flood = await Traffic.start({ port: server.port, rate, sockets: 16, packet })
      await flood.until(rate * seconds)
      const flooded = await flood.stop()
      const tally = await clients.stop()
      return {
        sent: tally.sent,
        lost: tally.lost,
        measured: {
          'killed by the kernel': group.kills(),
          'bound hit': group.hits(),
          'flood answered %': ((100 * flooded.answered) / flooded.sent).toFixed(2),
          'worst answer ms': tally.worst,
        },
        goal: '0 lost, nothing killed',
        met: tally.lost === 0 && group.kills() === 0,
      }
    } finally {
      server?.kill('SIGTERM')
      await server?.ended
      await upstream.stop()
      group.remove()
    }
  },
}
