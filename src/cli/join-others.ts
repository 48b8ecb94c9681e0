import type { ExportedFamily } from '../observe/metric-family.ts'
import type { ProcessMetrics } from '../observe/metrics.ts'
import type { SupervisorLink } from '../supervisor/link.ts'
import type { Restarts } from '../supervisor/messages.ts'
import { SIGTERM_TEXT, type Signals } from './signals.ts'

/** Makes this process one of those that a supervisor keeps. */
export function joinOthers(link: SupervisorLink, metrics: ProcessMetrics, signals: Signals): void {
  link.events = {
    report: () => metrics.export(),
    onEnd: (why) => signals.end(why === 'told' ? SIGTERM_TEXT : 'The supervisor is gone: Shutting down'),
  }
  metrics.merge(async () => {
    const { metrics: others, restarts } = await link.survey()
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
