import { type Metrics, TIME_BUCKETS } from 'corelet/plugin'
import type { UpstreamObserver } from '../../src/forwarding/metrics.ts'

/** The metrics that CoreDNS's plugin of this name has. */
export function createGrpcMetrics(metrics: Metrics): (to: string) => UpstreamObserver {
  const requests = metrics.counter('coredns_grpc_requests_total', 'Answered exchanges per upstream.', ['to'])
  const responses = metrics.counter('coredns_grpc_responses_total', 'Answers per upstream and rcode.', ['rcode', 'to'])
  const duration = metrics.histogram(
    'coredns_grpc_request_duration_seconds',
    'Time that each upstream took to answer.',
    TIME_BUCKETS,
    ['to'],
  )
  return (to) => ({
    answeredWith(rcode) {
      const [counted, answered, durations] = [requests.with(to), responses.with(rcode, to), duration.with(to)]
      return (seconds) => {
        counted.inc()
        answered.inc()
        durations.observe(seconds)
      }
    },
  })
}
