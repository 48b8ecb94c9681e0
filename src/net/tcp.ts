/** A TCP server that bounds its connections, takes TLS off them if it is to, and leaves to others what is spoken on them. */
import { createServer, type Server, type Socket } from 'node:net'
import type { BindOptions } from './bind.ts'
import { bindAddresses, isWithoutIPv6, unmapAddress } from './bind.ts'
import type { SocketClock } from './clock.ts'
import type { Bound, Connection, ConnectionServer, ConnectionSettings, Converse, Ends } from './connection.ts'
import { Greeting } from './greeting.ts'
import { takeProxyHeader } from './proxied-connection.ts'
import type { ProxyPolicy, ProxySettings } from './proxy-header.ts'
import { handleOfServer, type SocketHandle } from './shared-sockets.ts'
import { shareEvenly, steerAway } from './tcp-steering.ts'
import { type TlsSource, TlsTerminator } from './tls.ts'

export interface TcpSettings extends ConnectionSettings {
  /** Connections in all and for each client address. */
  maxConnections: number
  maxPerClient: number
  /** What clients that connect are shown; all is clear text when left out. */
  tls?: TlsSource | undefined
  /** Which clients are proxies; nobody is when left out. */
  proxy?: ProxySettings | undefined
}

export const TCP_DEFAULTS: TcpSettings = {
  timeouts: { read: 3000, write: 5000, idle: 10_000 },
  maxQueries: -1,
  maxConnections: 2048,
  maxPerClient: 512,
}

export interface TcpOptions extends BindOptions {
  converse: Converse
  clock: SocketClock
  settings?: TcpSettings
  /** What TLS clients may choose by ALPN. */
  protocols?: readonly string[]
  /** Told whenever a connection has met a bound. */
  onBound?(bound: Bound): void
  /** Told of errors of the open server, which goes on. */
  onError?(error: Error): void
}

/** Octets of answers that a client has not taken above which its connection is not read from. */
const HIGH_WATER = 16 * 1024

/** Milliseconds that a connection may be in the making when the server leaves its port. */
const HANDSHAKE = 50

/** Connections that may wait in the kernel to be taken. */
const BACKLOG = 1024

/** Milliseconds that a proxy may take to say for whom it speaks. */
const PROXY_PATIENCE = 10_000

/** Milliseconds between two looks at the deadlines of all connections. */
const SWEEP = 250

/** Opens a TCP server. @throws (rejects) the system's error when it can't be bound */
export async function openTcp(options: TcpOptions): Promise<TcpServer> {
  const addresses = bindAddresses(options.address)
  for (const address of addresses) {
    try {
      return await listen(options, address)
    } catch (error) {
      if (address === addresses.at(-1) || !isWithoutIPv6(error)) throw error
    }
  }
  throw new Error('unreachable')
}

function listen(options: TcpOptions, address: string): Promise<TcpServer> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      if (options.reusePort && !options.handle) shareEvenly(server)
      resolve(new TcpServer(server, options))
    })
    const ipv6Only = address.includes(':') && options.address !== ''
    if (options.handle) server.listen(options.handle, BACKLOG)
    else {
      const reusePort = options.reusePort ?? false
      server.listen({ host: address, port: options.port, backlog: BACKLOG, ipv6Only, reusePort, exclusive: true })
    }
  })
}

export class TcpServer implements ConnectionServer {
  readonly address: string
  readonly port: number
  readonly handle: SocketHandle
  /** May be replaced at any time; holds for all connections from then on. */
  settings: TcpSettings
  readonly #server: Server
  readonly #options: TcpOptions
  readonly #tls: TlsTerminator
  readonly #connections = new Map<Socket, Held>()
  readonly #perClient = new Map<string, number>()
  #sweep: { cancel(): void } | undefined
  #closed: Promise<void> | undefined

  constructor(server: Server, options: TcpOptions) {
    const bound = server.address() as { address: string; port: number }
    this.address = bound.address
    this.port = bound.port
    this.settings = options.settings ?? TCP_DEFAULTS
    this.handle = handleOfServer(server)
    this.#server = server
    this.#options = options
    this.#tls = new TlsTerminator(options.protocols ?? [])
    server.on('connection', (socket) => this.#accept(socket))
    server.on('error', (error) => options.onError?.(error))
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size
  }

  met(bound: Bound): void {
    this.#options.onBound?.(bound)
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    const ends = toEnds(socket)
    if (!ends || this.#closed || !this.#makeRoom(ends.peer.address)) {
      socket.destroy()
      return
    }
    socket.once('close', () => this.#forget(socket))
    this.#count(ends.peer.address)
    const { proxy } = this.settings
    const policy = proxy?.policyOf(ends.peer.address) ?? 'skip'
    if (policy === 'skip') this.#secure(socket, ends)
    else this.#greetProxy(socket, ends, policy)
  }

  /** Waits for the proxy to say for whom it speaks. */
  #greetProxy(socket: Socket, ends: Ends, policy: ProxyPolicy): void {
    this.#hold(socket, ends, new Greeting(socket, this.#options.clock, this, () => PROXY_PATIENCE))
    takeProxyHeader(socket, policy, (said) => {
      if (!this.#connections.has(socket)) return
      if (typeof said === 'string') {
        this.settings.proxy?.refused(ends.peer.address, said)
        socket.destroy()
      } else if (said && !this.#move(socket, said)) socket.destroy()
      else this.#secure(socket, said ?? ends)
    })
  }

  /** Counts a connection as its real client's. @returns false when that one has too many */
  #move(socket: Socket, { peer }: Ends): boolean {
    const { connection } = this.#connections.get(socket)!
    this.#forget(socket)
    const hasRoom = this.#makeRoom(peer.address)
    this.#count(peer.address)
    this.#connections.set(socket, { connection, address: peer.address })
    return hasRoom
  }

  /** Counts a connection of a client; {@link TcpServer.#forget} is the opposite. */
  #count(address: string): void {
    this.#perClient.set(address, (this.#perClient.get(address) ?? 0) + 1)
    this.#sweep ??= this.#options.clock.interval(SWEEP, () => this.#checkDeadlines())
  }

  /** Shakes hands if TLS is spoken. */
  #secure(socket: Socket, ends: Ends): void {
    const { tls } = this.settings
    if (!tls) {
      this.#converse(socket, socket, ends)
      return
    }
    this.#hold(socket, ends, new Greeting(socket, this.#options.clock, this, () => this.settings.timeouts.read))
    if (!tls.current) {
      socket.destroy()
      return
    }
    this.#tls.secure(socket, tls, tls.current, (secured) => {
      if (this.#connections.has(socket)) this.#converse(socket, secured, ends)
      else secured.destroy()
    })
  }

  #converse(socket: Socket, stream: Socket, ends: Ends): void {
    const connection = this.#options.converse(stream, { ends, clock: this.#options.clock, server: this })
    this.#hold(socket, ends, connection)
    if (this.#closed) connection.leave()
  }

  #hold(socket: Socket, ends: Ends, connection: Connection): void {
    this.#connections.set(socket, { connection, address: ends.peer.address })
  }

  /** Whether there is room for another connection of a client, perhaps by closing an idle one. */
  #makeRoom(address: string): boolean {
    const crowded = (this.#perClient.get(address) ?? 0) >= this.settings.maxPerClient
    if (!crowded && this.size < this.settings.maxConnections) return true
    this.met('evicted')
    return this.#evict(crowded ? address : undefined)
  }

  /** Closes the connection that has waited longest without a query in work, of one client or of all. */
  #evict(address: string | undefined): boolean {
    let oldest: Connection | undefined
    let oldestSocket: Socket | undefined
    for (const [socket, { connection, address: held }] of this.#connections) {
      if (connection.pending > 0 || (address !== undefined && held !== address)) continue
      if (oldest && connection.lastActive >= oldest.lastActive) continue
      oldest = connection
      oldestSocket = socket
    }
    if (!oldest) return false
    oldest.destroy()
    this.#forget(oldestSocket!)
    return true
  }

  #forget(socket: Socket): void {
    const address = this.#connections.get(socket)?.address
    if (address === undefined) return
    this.#connections.delete(socket)
    const held = this.#perClient.get(address)! - 1
    if (held > 0) this.#perClient.set(address, held)
    else this.#perClient.delete(address)
    if (this.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #checkDeadlines(): void {
    const now = this.#options.clock.monotonic()
    for (const { connection } of this.#connections.values()) connection.checkDeadlines(now)
  }

  /**
   * Leads new connections to another server where the port is shared, and settles when those in the making were taken. Processes that take
   * them from the same socket leave with it.
   */
  async leave(): Promise<void> {
    const { reusePort, clock } = this.#options
    if (!reusePort || !(await steerAway(this.#server))) return
    await new Promise<void>((resolve) => {
      const timer = clock.interval(HANDSHAKE, () => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Takes no new connection. Those that are open end once what they brought is answered; the young ones may bring one message. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = new Promise((resolve) => this.#server.close(() => resolve()))
      for (const { connection } of this.#connections.values()) connection.leave()
    }
    return this.#closed
  }

  /** Cuts all connections. */
  destroy(): void {
    for (const { connection } of this.#connections.values()) connection.destroy()
  }
}

interface Held {
  connection: Connection
  /** Whose share of the connections it takes. */
  address: string
}

/** undefined when the client is gone already. */
function toEnds({ remoteAddress, remotePort, localAddress = '', localPort = 0 }: Socket): Ends | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return {
    peer: { address: unmapAddress(remoteAddress), port: remotePort },
    local: { address: unmapAddress(localAddress), port: localPort },
  }
}
