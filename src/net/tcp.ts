/** A TCP server for messages with a length in front, such as DNS over TCP (RFC 7766). */
import { createServer, type Server, type Socket } from 'node:net'
import type { BindOptions } from './bind.ts'
import { bindAddresses, isWithoutIPv6, unmapAddress } from './bind.ts'
import type { SocketClock } from './clock.ts'
import { TcpConnection } from './tcp-connection.ts'

export interface TcpSettings {
  /**
   * Milliseconds: for the first message to be there as a whole and for any later one once it has begun; for written octets to be taken by
   * the client; for a later message to begin.
   */
  timeouts: { read: number; write: number; idle: number }
  /** Messages that a connection may bring; -1 is unlimited. */
  maxQueries: number
  /** Connections in all and for each client address. */
  maxConnections: number
  maxPerClient: number
}

export const TCP_DEFAULTS: TcpSettings = {
  timeouts: { read: 3000, write: 5000, idle: 10_000 },
  maxQueries: -1,
  maxConnections: 2048,
  maxPerClient: 512,
}

/** Takes one message, which must be settled once with {@link TcpConnection.answer}; `message` is valid until it returns. */
export type ReceiveMessage = (message: Uint8Array, connection: TcpConnection) => void

export interface TcpOptions extends BindOptions {
  receive: ReceiveMessage
  clock: SocketClock
  settings?: TcpSettings
  /** Octets of a message that are kept; a longer one is handed out cut. All when left out. */
  longest?: number
  /** Told of errors of the open server, which goes on. */
  onError?(error: Error): void
}

/** Octets of answers that a client has not taken above which its connection is not read from. */
const HIGH_WATER = 16 * 1024

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
      resolve(new TcpServer(server, options))
    })
    const ipv6Only = address.includes(':') && options.address !== ''
    if (options.fd !== undefined) server.listen({ fd: options.fd, exclusive: true })
    else {
      const reusePort = options.reusePort ?? false
      server.listen({ host: address, port: options.port, backlog: 1024, ipv6Only, reusePort, exclusive: true })
    }
  })
}

export class TcpServer {
  readonly address: string
  readonly port: number
  /** May be replaced at any time; holds for all connections from then on. */
  settings: TcpSettings
  /** Connections that were closed to make room for another, or not taken because there was none. */
  evicted = 0
  readonly #server: Server
  readonly #options: TcpOptions
  readonly #connections = new Set<TcpConnection>()
  readonly #perClient = new Map<string, number>()
  #sweep: { cancel(): void } | undefined
  #closed: Promise<void> | undefined

  constructor(server: Server, options: TcpOptions) {
    const bound = server.address() as { address: string; port: number }
    this.address = bound.address
    this.port = bound.port
    this.settings = options.settings ?? TCP_DEFAULTS
    this.#server = server
    this.#options = options
    server.on('connection', (socket) => this.#accept(socket))
    server.on('error', (error) => options.onError?.(error))
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined || this.#closed) {
      socket.destroy()
      return
    }
    const address = unmapAddress(remoteAddress)
    const held = this.#perClient.get(address) ?? 0
    const crowded = held >= this.settings.maxPerClient
    if ((crowded || this.size >= this.settings.maxConnections) && !this.#evict(crowded ? address : undefined)) {
      this.evicted++
      socket.destroy()
      return
    }
    const connection = new TcpConnection(socket, this, {
      peer: { address, port: remotePort },
      clock: this.#options.clock,
      receive: this.#options.receive,
      longest: this.#options.longest,
      onClose: () => this.#forget(connection),
    })
    this.#connections.add(connection)
    this.#perClient.set(address, (this.#perClient.get(address) ?? 0) + 1)
    this.#sweep ??= this.#options.clock.interval(SWEEP, () => this.#checkDeadlines())
  }

  /** Closes the connection that has waited longest without a query in work, of one client or of all. */
  #evict(address: string | undefined): boolean {
    let oldest: TcpConnection | undefined
    for (const connection of this.#connections) {
      if (connection.pending > 0 || (address !== undefined && connection.peer.address !== address)) continue
      if (!oldest || connection.lastActive < oldest.lastActive) oldest = connection
    }
    if (!oldest) return false
    this.evicted++
    oldest.destroy()
    return true
  }

  #forget(connection: TcpConnection): void {
    if (!this.#connections.delete(connection)) return
    const { address } = connection.peer
    const held = this.#perClient.get(address)! - 1
    if (held > 0) this.#perClient.set(address, held)
    else this.#perClient.delete(address)
    if (this.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #checkDeadlines(): void {
    const now = this.#options.clock.monotonic()
    for (const connection of this.#connections) connection.checkDeadlines(now)
  }

  /** Takes no new connection. Those that are open end once what they brought is answered; the young ones may bring one message. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = new Promise((resolve) => this.#server.close(() => resolve()))
      for (const connection of this.#connections) connection.leave()
    }
    return this.#closed
  }

  /** Cuts all connections. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy()
  }
}
