import { type Counter, type Metrics, RCODES, TIME_BUCKETS, toRcodeName } from '../plugin/index.ts'
import type { UpstreamEvents } from '../upstream/upstream.ts'

/** What is counted for one upstream. */
export interface UpstreamMetrics extends UpstreamEvents {
  /** An upstream answered with `rcode` after `seconds`. */
  answered(rcode: number, seconds: number): void
}

/** Counts in a plugin's own metrics what happens at one upstream. */
export interface UpstreamObserver {
  /** Gives what counts answers with this rcode, which is asked for once; takes seconds. */
  answeredWith(rcode: string): (seconds: number) => void
  probeFailed?(): void
}

export interface ForwardingMetrics {
  healthcheckBroken: Counter
  rejected: Counter
  shared: Counter
  forUpstream(to: string): UpstreamMetrics
}

const knownRcodes = new Set<number>(Object.values(RCODES))

/**
 * The metric families of a plugin that asks upstreams; all uses of the plugin share them.
 * @param plugin its name, the label `proxy_name`
 */
export function createMetrics(
  metrics: Metrics,
  plugin: string,
  observe?: (to: string) => UpstreamObserver,
): ForwardingMetrics {
  const duration = metrics.histogram(
    'coredns_proxy_request_duration_seconds',
    'Time that each upstream took to answer.',
    TIME_BUCKETS,
    ['proxy_name', 'to', 'rcode'],
  )
  const probeFailures = metrics.counter('coredns_proxy_healthcheck_failures_total', 'Failed health probes.', [
    'proxy_name',
    'to',
  ])
  const hits = metrics.counter('coredns_proxy_conn_cache_hits_total', 'Exchanges over a socket that was open.', [
    'proxy_name',
    'to',
    'proto',
  ])
  const misses = metrics.counter('coredns_proxy_conn_cache_misses_total', 'Exchanges that had to open a socket.', [
    'proxy_name',
    'to',
    'proto',
  ])
  const mismatched = metrics.counter(
    `corelet_${plugin}_mismatched_answers_total`,
    'Messages from an upstream that were not the answer to the query that was out.',
    ['to', 'reason'],
  )
  const declined = metrics.counter(
    `corelet_${plugin}_declined_queries_total`,
    'Queries that an upstream was not asked, or that gave way to newer ones, because too many wait for it.',
    ['to'],
  )
  return {
    healthcheckBroken: metrics
      .counter(`coredns_${plugin}_healthcheck_broken_total`, 'Queries that found all upstreams down.')
      .with(),
    rejected: metrics
      .counter(`coredns_${plugin}_max_concurrent_rejects_total`, 'Queries refused because of max_concurrent.')
      .with(),
    shared: metrics
      .counter(`corelet_${plugin}_shared_queries_total`, 'Queries answered with the answer to an identical one.')
      .with(),
    forUpstream(to) {
      const observer = observe?.(to)
      const byProto = (family: typeof hits) => ({
        udp: family.with(plugin, to, 'udp'),
        tcp: family.with(plugin, to, 'tcp'),
        'tcp-tls': family.with(plugin, to, 'tcp-tls'),
      })
      const [reused, opened] = [byProto(hits), byProto(misses)]
      const byRcode = new Map<number, (seconds: number) => void>()
      const countersOf = (number: number) => {
        const rcode = knownRcodes.has(number) ? toRcodeName(number) : String(number)
        const durations = duration.with(plugin, to, rcode)
        const more = observer?.answeredWith(rcode)
        return (seconds: number) => {
          durations.observe(seconds)
          more?.(seconds)
        }
      }
      return {
        answered(rcode, seconds) {
          const count = byRcode.get(rcode) ?? countersOf(rcode)
          byRcode.set(rcode, count)
          count(seconds)
        },
        declined: () => declined.with(to).inc(),
        mismatch: (reason) => mismatched.with(to, reason).inc(),
        cached: (proto, hit) => (hit ? reused : opened)[proto].inc(),
        probeFailed() {
          probeFailures.with(plugin, to).inc()
          observer?.probeFailed?.()
        },
      }
    },
  }
}
