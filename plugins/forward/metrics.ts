import { type Counter, type Histogram, type Metrics, RCODES, TIME_BUCKETS, toRcodeName } from 'corelet/plugin'
import type { UpstreamEvents } from '../../src/upstream/upstream.ts'

/** What is counted for one upstream. */
export interface UpstreamMetrics extends UpstreamEvents {
  /** An upstream answered with `rcode` after `seconds`. */
  answered(rcode: number, seconds: number): void
}

export interface ForwardMetrics {
  healthcheckBroken: Counter
  rejected: Counter
  shared: Counter
  forUpstream(to: string): UpstreamMetrics
}

const PROXY = 'forward'
const knownRcodes = new Set<number>(Object.values(RCODES))

/** The metric families of `forward`; all uses of the plugin share them. */
export function createMetrics(metrics: Metrics): ForwardMetrics {
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
  const oldRequests = metrics.counter('coredns_forward_requests_total', 'Answered exchanges per upstream.', ['to'])
  const oldResponses = metrics.counter('coredns_forward_responses_total', 'Answers per upstream and rcode.', [
    'to',
    'rcode',
  ])
  const oldDuration = metrics.histogram(
    'coredns_forward_request_duration_seconds',
    'Time that each upstream took to answer.',
    TIME_BUCKETS,
    ['to', 'rcode'],
  )
  const oldProbeFailures = metrics.counter('coredns_forward_healthcheck_failures_total', 'Failed health probes.', [
    'to',
  ])
  const mismatched = metrics.counter(
    'corelet_forward_mismatched_answers_total',
    'Messages from an upstream that were not the answer to the query that was out.',
    ['to', 'reason'],
  )
  return {
    healthcheckBroken: metrics
      .counter('coredns_forward_healthcheck_broken_total', 'Queries that found all upstreams down.')
      .with(),
    rejected: metrics
      .counter('coredns_forward_max_concurrent_rejects_total', 'Queries refused because of max_concurrent.')
      .with(),
    shared: metrics
      .counter('corelet_forward_shared_queries_total', 'Queries answered with the answer to an identical one.')
      .with(),
    forUpstream(to) {
      const byRcode = new Map<number, { observe(seconds: number): void }>()
      const childrenOf = (number: number) => {
        const rcode = knownRcodes.has(number) ? toRcodeName(number) : String(number)
        const requests: Counter = oldRequests.with(to)
        const responses: Counter = oldResponses.with(to, rcode)
        const durations: Histogram[] = [duration.with(PROXY, to, rcode), oldDuration.with(to, rcode)]
        return {
          observe(seconds: number) {
            requests.inc()
            responses.inc()
            for (const each of durations) each.observe(seconds)
          },
        }
      }
      return {
        answered(rcode, seconds) {
          const children = byRcode.get(rcode) ?? childrenOf(rcode)
          byRcode.set(rcode, children)
          children.observe(seconds)
        },
        mismatch: (reason) => mismatched.with(to, reason).inc(),
        cached: (proto, hit) => (hit ? hits : misses).with(PROXY, to, proto).inc(),
        probeFailed() {
          probeFailures.with(PROXY, to).inc()
          oldProbeFailures.with(to).inc()
        },
      }
    },
  }
}
