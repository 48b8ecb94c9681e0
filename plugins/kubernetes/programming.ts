import type { Metrics } from 'corelet/plugin'
import type { EndpointSlice, Service } from './objects.ts'

/** Seconds: 1 ms doubled 19 times. */
const BUCKETS = Array.from({ length: 20 }, (_, i) => 0.001 * 2 ** i)

/** Measures how long it took from a change in the cluster until it was known here. @param now milliseconds since 1970 */
export function observeProgramming(
  metrics: Metrics,
  now: () => number,
  find: (namespace: string, service: string) => Service | undefined,
): (slice: EndpointSlice) => void {
  const durations = metrics.histogram(
    'coredns_kubernetes_dns_programming_duration_seconds',
    'Time from a change of the endpoints of a service until it is answered.',
    BUCKETS,
    ['service_kind'],
  )
  return ({ namespace, service, triggered }) => {
    const found = triggered === undefined ? undefined : find(namespace, service)
    if (!found || triggered === undefined) return
    durations.with(found.isHeadless ? 'headless_with_selector' : 'cluster_ip').observe((now() - triggered) / 1000)
  }
}
