import { type Metrics, TIME_BUCKETS } from 'corelet/plugin'
import type { UpstreamObserver } from '../../src/forwarding/metrics.ts'

/** Metrics that CoreDNS 1.10 had and 1.11 dropped. */
export function createOldMetrics(metrics: Metrics): (to: string) => UpstreamObserver {
  const requests = metrics.counter('coredns_forward_requests_total', 'Answered exchanges per upstream.', ['to'])
  const responses = metrics.counter('coredns_forward_responses_total', 'Answers per upstream and rcode.', [
    'to',
    'rcode',
  ])
  const duration = metrics.histogram(
    'coredns_forward_request_duration_seconds',
    'Time that each upstream took to answer.',
    TIME_BUCKETS,
    ['to', 'rcode'],
  )
  const probeFailures = metrics.counter('coredns_forward_healthcheck_failures_total', 'Failed health probes.', ['to'])
  return (to) => ({
    answeredWith(rcode) {
      const [counted, answered, durations] = [requests.with(to), responses.with(to, rcode), duration.with(to, rcode)]
      return (seconds) => {
        counted.inc()
        answered.inc()
        durations.observe(seconds)
      }
    },
    probeFailed: () => probeFailures.with(to).inc(),
  })
}
