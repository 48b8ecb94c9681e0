import { type Metrics, TIME_BUCKETS } from 'corelet/plugin'
import type { UpstreamObserver } from '../../src/forwarding/metrics.ts'

/** The metrics that the external plugin of this name has. */
export function createFanoutMetrics(metrics: Metrics): (to: string) => UpstreamObserver {
  const duration = metrics.histogram(
    'coredns_fanout_request_duration_seconds',
    'Time that each upstream took to answer.',
    TIME_BUCKETS,
    ['to'],
  )
  const requests = metrics.counter('coredns_fanout_request_count_total', 'Answered exchanges per upstream.', ['to'])
  const rcodes = metrics.counter('coredns_fanout_response_rcode_count_total', 'Answers per upstream and rcode.', [
    'to',
    'rcode',
  ])
  return (to) => ({
    answeredWith(rcode) {
      const [durations, counted, answered] = [duration.with(to), requests.with(to), rcodes.with(to, rcode)]
      return (seconds) => {
        durations.observe(seconds)
        counted.inc()
        answered.inc()
      }
    },
  })
}
