import type { Log } from '../observe/log.ts'
import type { ExportedFamily } from '../observe/metric-family.ts'
import type { ProcessMetrics } from '../observe/metrics.ts'
import type { SupervisorLink } from '../supervisor/link.ts'
import type { Restarts } from '../supervisor/messages.ts'

/** Makes this process one of those that a supervisor keeps. */
export function joinOthers(link: SupervisorLink, metrics: ProcessMetrics, log: Log): void {
  link.events = {
    report: () => metrics.export(),
    onLost() {
      log.line('error', 'The supervisor is gone')
      process.emit('SIGTERM')
    },
  }
  metrics.merge(async (own) => {
    const { metrics: others, restarts } = await link.survey(own)
    return [[toFamily(restarts)], ...(others as ExportedFamily[][])]
  })
}

function toFamily(restarts: Restarts): ExportedFamily {
  return {
    name: 'corelet_worker_restarts_total',
    help: 'Worker processes that died and were replaced, by reason.',
    type: 'counter',
    aggregator: 'sum',
    values: Object.entries(restarts).map(([reason, value]) => ({ labels: { reason }, value })),
  }
}
