import type { Key } from '../corefile/keys.ts'
import type { Bound } from '../net/connection.ts'
import type { TlsSource } from '../net/tls.ts'
import {
  cutConnectionsCounter,
  DROPPED,
  evictedConnectionsCounter,
  overloadsCounter,
  pausesCounter,
  unsentAnswersCounter,
} from '../observe/dns-metrics.ts'
import type { ListenerLimits, Metrics, Query } from '../plugin/index.ts'
import { DnsListener, type ServedTransport } from '../server/listener.ts'
import { RouteTable, type Target } from '../server/route.ts'
import type { ServerHooks } from '../server/serve.ts'
import { DEFAULT_SETTINGS, type ListenerSettings } from '../server/settings.ts'
import type { ConfiguredBlock } from './configure.ts'
import { describeError, describeStack } from './describe-error.ts'
import type { Services } from './services.ts'

/** A listener of a generation and what it is to serve. */
export interface Site {
  listener: DnsListener
  /** False for one that the generation before has opened already. */
  isNew: boolean
  blocks: { block: ConfiguredBlock; key: Key }[]
  /** What stands in `hooks` of a listener that serves generation after generation. */
  policy: Policy
}

/** What the hooks of a listener follow; changes with the generation. */
export interface Policy {
  stacktrace: boolean
}

/** Listeners by transport, address and port as configured: port 0 stays 0 whatever the system chose. */
export type Sites = Map<string, Site>

/** The listeners that the blocks need; those of `before` are taken over. Opens nothing. */
export function planSites(blocks: readonly ConfiguredBlock[], before: Sites, services: Services): Sites {
  const sites: Sites = new Map()
  for (const block of blocks) {
    for (const key of block.keys) {
      for (const address of block.settings.bind ?? ['']) {
        const id = `${key.transport}://${address}/${key.port}`
        let site = sites.get(id)
        if (!site) {
          const known = before.get(id)
          site = known ? { ...known, isNew: false, blocks: [] } : createSite(key, address, services)
          sites.set(id, site)
        }
        site.blocks.push({ block, key })
      }
    }
  }
  return sites
}

function createSite({ transport, port }: Key, address: string, services: Services): Site {
  const policy: Policy = { stacktrace: false }
  const listener = new DnsListener({
    transport: transport as ServedTransport,
    address,
    port,
    clock: services.clock,
    hooks: createHooks(policy, services),
    shared: services.shared,
    ...(port !== 0 && { heedsLeaving: services.heedsLeaving }),
    // a port of the system's choice is not shared: with SO_REUSEPORT the choice could be one that others have
    reusePort: port !== 0,
    onBound: (bound) => countBound(bound, listener.server, services.metrics),
    onUnsent: () => unsentAnswersCounter(services.metrics).with(listener.server).inc(),
    onError: limitErrors(services, (text) => services.log.line('error', `${listener.server}: ${text}`)),
  })
  return { listener, isNew: true, blocks: [], policy }
}

function countBound(bound: Bound, server: string, metrics: Metrics): void {
  if (bound === 'evicted') evictedConnectionsCounter(metrics).with(server).inc()
  else if (bound === 'paused') pausesCounter(metrics).with(server).inc()
  else cutConnectionsCounter(metrics).with(server, bound).inc()
}

/** Octets in front of a question (RFC 1035 §4.1.1). */
const HEADER = 12

/** Milliseconds between two log lines about the errors of a socket: a lasting one comes with each turn of the event loop. */
const ERROR_PAUSE = 1000

/** Tells of an error at once, and of those that follow it within a second by their number with the next one after that. */
export function limitErrors({ clock }: Pick<Services, 'clock'>, tell: (text: string) => void): (error: Error) => void {
  let next = -Infinity
  let withheld = 0
  return (error) => {
    const now = clock.monotonic()
    if (now < next) withheld++
    else {
      tell(error.message + (withheld > 0 ? ` (and ${withheld} errors before)` : ''))
      next = now + ERROR_PAUSE
      withheld = 0
    }
  }
}

function createHooks(policy: Policy, { log, metrics, dnsMetrics, panics, clock, probe }: Services): ServerHooks {
  const overloads = overloadsCounter(metrics)
  const label = probe === undefined ? undefined : Buffer.concat([Buffer.of(probe.length), Buffer.from(probe, 'latin1')])
  return {
    dropped(query: Query, rcode: number) {
      dnsMetrics.record(query, query.fail(rcode, '', undefined), clock.monotonic() - query.received, DROPPED, '')
    },
    panic(query: Query, error: unknown) {
      panics.inc()
      const text = describeError(error) + (policy.stacktrace ? describeStack(error) : '')
      log.line('error', `Recovered from panic in server: "${query.listener.server}" ${text}`)
    },
    isProbe: (packet) => label?.equals(packet.subarray(HEADER, HEADER + label.length)) ?? false,
    now: () => clock.monotonic(),
    overloaded: ({ listener }) => overloads.with(listener.server).inc(),
    answeredHttp: ({ server }, status) => dnsMetrics.recordHttp(server, status),
  }
}

/** What serves the queries of a block, whatever the zone. */
export type Service = Omit<Target, 'zone'>

/**
 * Lets a listener serve its blocks from the next query on.
 * @param connections that it may have at most
 */
export function applyRoutes(
  { listener, blocks, policy }: Site,
  services: Map<ConfiguredBlock, Service>,
  connections: number,
): void {
  const targets = blocks.flatMap(({ block, key }) =>
    key.zones.map((zone): Target => ({ zone, ...services.get(block)! })),
  )
  const settings = mergeSettings(blocks.map(({ block }) => block))
  settings.maxConnections = Math.min(settings.maxConnections, connections)
  settings.maxHttpsConnections = Math.min(settings.maxHttpsConnections, connections)
  listener.swap(new RouteTable(targets), settings)
  policy.stacktrace = blocks.at(-1)?.block.settings.stacktrace ?? false
}

/** Timeouts and limits are those of the last block that sets them, proxies and limits of a transport those of the first, certificates all of them; what is allowed in one block is allowed. */
export function mergeSettings(blocks: readonly Pick<ConfiguredBlock, 'settings'>[]): ListenerSettings {
  const settings: ListenerSettings = { ...DEFAULT_SETTINGS, timeouts: { ...DEFAULT_SETTINGS.timeouts } }
  const limitOf = (transport: 'https' | 'grpc', name: keyof ListenerLimits, standard: number) => {
    const limits = blocks.flatMap((block) => block.settings.limits[transport]?.[name] ?? [])
    return limits[0] === 0 ? Infinity : (limits[0] ?? standard)
  }
  settings.maxHttpsConnections = limitOf('https', 'max_connections', DEFAULT_SETTINGS.maxHttpsConnections)
  settings.maxGrpcConnections = limitOf('grpc', 'max_connections', DEFAULT_SETTINGS.maxGrpcConnections)
  settings.maxGrpcStreams = Math.min(
    limitOf('grpc', 'max_streams', DEFAULT_SETTINGS.maxGrpcStreams),
    settings.maxInFlight,
  )
  for (const { settings: own } of blocks) {
    settings.debug ||= own.debug
    settings.anyClass ||= own.anyClass
    Object.assign(settings.timeouts, own.timeouts)
    if (own.proxy && !settings.proxy) settings.proxy = own.proxy
    settings.maxTcpQueries = own.maxTcpQueries ?? settings.maxTcpQueries
  }
  const tls = joinTls([...new Set(blocks.flatMap((block) => block.settings.tls ?? []))])
  if (tls) settings.tls = tls
  return settings
}

/** The first one decides, but for names of which another one has the certificate. */
function joinTls([first, ...others]: readonly TlsSource[]): TlsSource | undefined {
  if (!first || others.length === 0) return first
  return {
    get current() {
      return first.current
    },
    others,
  }
}
