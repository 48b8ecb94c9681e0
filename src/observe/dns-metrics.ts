/** The metrics of queries, as CoreDNS's core and its `prometheus` plugin count them. */
import {
  type Counter,
  type Family,
  type Gauge,
  type Histogram,
  type Metrics,
  type Query,
  type Reply,
  SIZE_BUCKETS,
  TIME_BUCKETS,
  TYPES,
  toRcodeName,
} from '../plugin/index.ts'

/** Types with an own value of the label `type`; all others are `other`. */
const COUNTED_TYPES = [
  'A',
  'AAAA',
  'CNAME',
  'DNSKEY',
  'DS',
  'MX',
  'NSEC3',
  'NSEC',
  'NS',
  'PTR',
  'RRSIG',
  'SOA',
  'SRV',
  'TXT',
  'HTTPS',
  'SVCB',
  'IXFR',
  'AXFR',
  'ANY',
] as const
const TYPE_LABELS = new Map<number, string>(COUNTED_TYPES.map((name) => [TYPES[name], name]))

/** Label `zone` of queries that reached no server block. */
export const DROPPED = 'dropped'

/** `coredns_panics_total`: handlers that threw. */
export function panicsCounter(metrics: Metrics): Counter {
  return metrics.counter('coredns_panics_total', 'Exceptions thrown by plugins and caught by the server.').with()
}

/** `corelet_reload_rollbacks_total`: configurations that were taken back. */
export function rollbacksCounter(metrics: Metrics): Counter {
  return metrics.counter('corelet_reload_rollbacks_total', 'Configurations taken back because they did worse.').with()
}

/** `corelet_tcp_evicted_connections_total`: connections above the limits of a listener. */
export function evictedConnectionsCounter(metrics: Metrics): Family<Counter> {
  const help = 'TCP connections closed to make room for others, or not taken.'
  return metrics.counter('corelet_tcp_evicted_connections_total', help, ['server'])
}

/** `corelet_tcp_cut_connections_total`: connections that took too long or too much, by reason. */
export function cutConnectionsCounter(metrics: Metrics): Family<Counter> {
  const help = 'TCP connections cut because the client was too slow or wanted too much, by reason.'
  return metrics.counter('corelet_tcp_cut_connections_total', help, ['server', 'reason'])
}

/** `corelet_tcp_pauses_total`: times that a connection was not read from. */
export function pausesCounter(metrics: Metrics): Family<Counter> {
  const help = 'Times that a TCP connection was not read from, as too many answers had to be made or taken.'
  return metrics.counter('corelet_tcp_pauses_total', help, ['server'])
}

/** `corelet_unsent_answers_total`: UDP answers that the network did not take. */
export function unsentAnswersCounter(metrics: Metrics): Family<Counter> {
  const help = 'UDP answers that could not be sent, as the network took no more.'
  return metrics.counter('corelet_unsent_answers_total', help, ['server'])
}

/** `corelet_http_refused_connections_total`: connections to endpoints such as /metrics above their limit. */
export function refusedConnectionsCounter(metrics: Metrics): Counter {
  const help = 'Connections to HTTP endpoints that were not taken, as too many were open.'
  return metrics.counter('corelet_http_refused_connections_total', help).with()
}

/** `corelet_udp_backend`: which of the two kinds of UDP sockets serves. */
export function udpBackendGauge(metrics: Metrics): Family<Gauge> {
  const help = 'Always 1; its label says which kind of UDP sockets serves.'
  return metrics.gauge('corelet_udp_backend', help, ['backend'], 'max')
}

/** `corelet_overloads_total`: queries that would have had to wait when too many did. */
export function overloadsCounter(metrics: Metrics): Family<Counter> {
  const help = 'Queries failed because they would have had to wait and too many did already.'
  return metrics.counter('corelet_overloads_total', help, ['server'])
}

/** Children with the labels server, zone and view; those with more labels are kept once they were needed. */
interface ZoneMetrics {
  server: string
  zone: string
  view: string
  duration: Histogram
  dnssecOk: Counter
  udp: Sizes
  tcp: Sizes
  /** By type, protocol and family; see {@link requestKey}. */
  requests: Map<number, Counter>
  /** By plugin, then rcode. */
  responses: Map<string, Map<number, Counter>>
}

interface Sizes {
  request: Histogram
  response: Histogram
}

/** Counts finished queries. Once the labels of a query were seen, counting another like it allocates nothing. */
export class DnsMetrics {
  readonly #requests: Family<Counter>
  readonly #duration: Family<Histogram>
  readonly #requestSize: Family<Histogram>
  readonly #responseSize: Family<Histogram>
  readonly #dnssecOk: Family<Counter>
  readonly #responses: Family<Counter>
  readonly #httpResponses: Family<Counter>
  readonly #zones = new Map<string, Map<string, Map<string, ZoneMetrics>>>()
  /** Most queries have the same as the one before. */
  #last: ZoneMetrics | undefined

  constructor(metrics: Metrics) {
    const zone = ['server', 'zone', 'view']
    const counter = (name: string, help: string, labels: string[]) => metrics.counter(name, help, [...zone, ...labels])
    const histogram = (name: string, help: string, buckets: readonly number[], labels: string[]) =>
      metrics.histogram(name, help, buckets, [...zone, ...labels])
    this.#requests = counter('coredns_dns_requests_total', 'DNS requests.', ['proto', 'family', 'type'])
    this.#duration = histogram(
      'coredns_dns_request_duration_seconds',
      'Time each request took, in seconds.',
      TIME_BUCKETS,
      [],
    )
    this.#requestSize = histogram('coredns_dns_request_size_bytes', 'Size of requests in bytes.', SIZE_BUCKETS, [
      'proto',
    ])
    this.#responseSize = histogram('coredns_dns_response_size_bytes', 'Size of responses in bytes.', SIZE_BUCKETS, [
      'proto',
    ])
    this.#dnssecOk = counter('coredns_dns_do_requests_total', 'DNS requests with the DO bit.', [])
    this.#responses = counter('coredns_dns_responses_total', 'DNS responses by rcode and plugin.', ['rcode', 'plugin'])
    this.#httpResponses = metrics.counter('coredns_dns_https_responses_total', 'Answers over HTTPS by HTTP status.', [
      'server',
      'status',
    ])
  }

  /** Counts an answer over HTTPS by its HTTP status. */
  recordHttp(server: string, status: number): void {
    this.#httpResponses.with(server, String(status)).inc()
  }

  /**
   * Counts a query and what became of it.
   * @param milliseconds that it took
   * @param zone the label; {@link DROPPED} when no block served it, then `view` is empty too
   */
  record(query: Query, reply: Reply, milliseconds: number, zone: string, view: string): void {
    const metrics = this.#zoneMetrics(query.listener.server, zone, view)
    this.#requestCounter(metrics, query, zone, view).inc()
    this.#responseCounter(metrics, query, reply, zone, view).inc()
    const sizes = metrics[query.proto]
    sizes.request.observe(query.packet.length)
    sizes.response.observe(responseSize(query, reply))
    metrics.duration.observe(milliseconds / 1000)
    if (query.dnssecOk) metrics.dnssecOk.inc()
  }

  /** Counts anew for a server; what was counted for it is removed by {@link ProcessMetrics.forget}. */
  forget(server: string): void {
    this.#zones.delete(server)
    this.#last = undefined
  }

  #zoneMetrics(server: string, zone: string, view: string): ZoneMetrics {
    const last = this.#last
    if (last && last.server === server && last.zone === zone && last.view === view) return last
    this.#last = this.#zones.get(server)?.get(zone)?.get(view) ?? this.#createZoneMetrics(server, zone, view)
    return this.#last
  }

  #createZoneMetrics(server: string, zone: string, view: string): ZoneMetrics {
    const sizes = (proto: 'udp' | 'tcp'): Sizes => ({
      request: this.#requestSize.with(server, zone, view, proto),
      response: this.#responseSize.with(server, zone, view, proto),
    })
    const created: ZoneMetrics = {
      server,
      zone,
      view,
      duration: this.#duration.with(server, zone, view),
      dnssecOk: this.#dnssecOk.with(server, zone, view),
      udp: sizes('udp'),
      tcp: sizes('tcp'),
      requests: new Map(),
      responses: new Map(),
    }
    const zones = getOrAdd(this.#zones, server, () => new Map<string, Map<string, ZoneMetrics>>())
    getOrAdd(zones, zone, () => new Map<string, ZoneMetrics>()).set(view, created)
    return created
  }

  #requestCounter(metrics: ZoneMetrics, query: Query, zone: string, view: string): Counter {
    const key = requestKey(query)
    const known = metrics.requests.get(key)
    if (known) return known
    const type = TYPE_LABELS.get(query.qtype) ?? 'other'
    const { server } = query.listener
    const created = this.#requests.with(server, zone, view, query.proto, String(query.family), type)
    metrics.requests.set(key, created)
    return created
  }

  #responseCounter(metrics: ZoneMetrics, query: Query, reply: Reply, zone: string, view: string): Counter {
    const plugin = reply.kind === 'drop' || zone === DROPPED ? '' : reply.plugin
    const known = metrics.responses.get(plugin)?.get(reply.rcode)
    if (known) return known
    const created = this.#responses.with(query.listener.server, zone, view, toRcodeName(reply.rcode), plugin)
    getOrAdd(metrics.responses, plugin, () => new Map<number, Counter>()).set(reply.rcode, created)
    return created
  }
}

/** Uncompressed octets of the answer without OPT: header and question for failures, 0 for silence. */
export function responseSize(query: Query, reply: Reply): number {
  if (reply.kind === 'failure') return query.questionEnd
  return reply.kind === 'drop' ? 0 : reply.size
}

/** Types without an own label share the key of type 0. */
function requestKey(query: Query): number {
  const type = TYPE_LABELS.has(query.qtype) ? query.qtype : 0
  return type * 4 + (query.proto === 'tcp' ? 2 : 0) + query.family - 1
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
