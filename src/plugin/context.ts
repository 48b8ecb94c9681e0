import type { ProxySettings as ListenerProxy } from '../net/proxy-header.ts'
import type { TlsIdentity } from '../net/tls.ts'
import type { Clock } from './clock.ts'
import type { Listener } from './listener.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Query } from './query.ts'
import type { Reply } from './reply.ts'
import type { HostPort } from './values.ts'

export type { ProxyPolicy } from '../net/proxy-header.ts'
export type { ClientAuth, TlsIdentity } from '../net/tls.ts'
export type { ListenerProxy }

/**
 * Settings of a server block that plugins without a handler change before anything starts; shared by all keys of the block.
 */
export interface BlockSettings {
  /** Addresses to listen on, in order; empty list when no `bind` was given. undefined listens everywhere. */
  bind: string[] | undefined
  /** Folder that relative paths in the block start from; `root`. */
  root: string
  /** Zones, as text, of the names for whose queries metadata is collected; empty for none. */
  metadata: readonly string[]
  /** Name of the block's view, for metrics; empty for none. */
  view: string
  /** DEBUG lines are written and a throwing handler is not caught. */
  debug: boolean
  /** Classes other than IN reach the chain. */
  anyClass: boolean
  /** Milliseconds that a new generation is watched and may be taken back; 0 for never. Of all blocks the longest counts. */
  watch: number
  /** The log line of a throwing handler has the stack. */
  stacktrace: boolean
  /** Milliseconds; those that are not set are other blocks' on the same listener, or the server's. */
  timeouts: { read?: number; write?: number; idle?: number }
  /** Queries per TCP connection; -1 is unlimited. Set like a timeout. */
  maxTcpQueries: number | undefined
  /** How the listeners of encrypted transports identify themselves; undefined leaves them in clear text. */
  tls: ListenerTls | undefined
  /** Proxies that say for whom they speak; undefined takes all clients for what they seem to be. */
  proxy: ListenerProxy | undefined
  /** Of the listeners of a transport; 0 is without limit. */
  limits: { https?: ListenerLimits; grpc?: ListenerLimits }
  /** Processes that are to read from the block's sockets; undefined when that is not said. */
  processes: number | undefined
}

/** Named as in the Corefile. */
export interface ListenerLimits {
  max_connections?: number
  max_streams?: number
}

/** Filled in before the listeners open, and again when the certificate was renewed: connections from then on see the new one. */
export interface ListenerTls {
  readonly current: TlsIdentity | undefined
}

/** The server block that a plugin runs in. */
export interface BlockInfo {
  /** Zones of its keys as text, in the Corefile's order, doubles removed. */
  readonly zones: readonly string[]
  readonly listeners: readonly Listener[]
  /** First zone of the keys that a listener of the block has. */
  zoneAt(listener: Listener): string
  /** Names of the plugins that have a handler, in the order of the chain; complete when `listening` is called. */
  readonly handlers: readonly string[]
  /** Changes with each word that the block says to the plugins that stand behind this one in the chain. */
  hashBehind(): string
  /** Name of the block's view, else empty. */
  readonly view: string
  readonly settings: Readonly<BlockSettings>
}

export interface HttpRequest {
  method: string
  path: string
  /** What stands behind the `?`, empty when there is none. */
  search: string
  headers: Record<string, string | string[] | undefined>
}

export interface HttpResponse {
  status: number
  headers?: Record<string, string>
  body: string | Uint8Array
}

/** Makes an HTTP endpoint an HTTPS one; certificates and key in PEM. */
export interface HttpTls {
  cert: string
  key: string
  /** Authorities that clients' certificates are checked with. */
  ca?: string
  /** Whether clients must show a certificate that `ca` signed; `none` when left out. */
  clientAuth?: 'none' | 'require-and-verify'
  /** `TLSv1.2` when left out. */
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** HTTP endpoints of a generation. Servers are shared by address and stay open over reloads. */
export interface HttpServers {
  /**
   * Serves `path` (any method) at `address` from the moment the generation takes over until it stops.
   * @returns the address that it listens on, once it does
   * @throws (rejects) when the address can't be listened on, or the generation serves it with other TLS settings
   */
  serve(
    address: HostPort,
    path: string,
    handle: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>,
    tls?: HttpTls,
  ): Promise<HostPort>
}

/** The running server as the `reload` and `loop` plugins see it. */
export interface InstanceControl {
  /** Hash of the configuration that runs, hexadecimal SHA-512. */
  readonly hash: string
  /** Files that the configuration was made of: Corefile, imports, plugin.cfg, plugins from paths. */
  readonly files: readonly string[]
  /** Reads the configuration again without using it. */
  examine(): Promise<{ hash: string; files: readonly string[] } | { error: string }>
  /** Builds a new generation and lets it take over. When it fails the old one goes on. */
  reload(): Promise<{ ok: true } | { ok: false; error: string }>
  /** Why the configuration that was tried last does not run; undefined when it does. */
  problem(): string | undefined
  /** Logs a FATAL line and ends the process with status 1. */
  fatal(message: string): void
}

/** State that {@link PluginContext.carry} hands on. */
export interface Carried {
  /** Called once, when no generation holds it any more: at the end, or after a reload that did not take it over. */
  release?(): void | Promise<void>
}

/** All that a plugin gets from the outside. */
export interface PluginContext {
  /** Name of the plugin. */
  readonly plugin: string
  readonly block: BlockInfo
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly http: HttpServers
  readonly instance: InstanceControl
  /**
   * Sends a query into the entry point of the listener it names, block choice included, as CoreDNS's upstream lookups do.
   */
  ask(query: Query): Reply | Promise<Reply>
  /** A value that all blocks of this generation share, made by the first that asks. */
  share<T>(key: string, create: () => T): T
  /**
   * State that outlives a reload: what the same plugin, in a block with the same keys, made for an equal `fingerprint`, else what `make`
   * gives. For a while two generations hold it, and the older one may come back. `fingerprint` says all that the state depends on.
   */
  carry<State extends Carried>(fingerprint: string, make: () => State): State
  /** Plugins that are not ready yet; asked by `ready`. */
  notReady(): string[]
  /** True until the process was told to end. */
  readonly running: boolean
}
