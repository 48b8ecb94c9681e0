import type { Bound, Converse, Ends } from '../net/connection.ts'
import { HTTP_PROTOCOLS } from '../net/http.ts'
import { ProxiedDatagrams } from '../net/proxied-datagrams.ts'
import { openShared, type SharedSockets } from '../net/shared-sockets.ts'
import { openTcp, type TcpServer, type TcpSettings } from '../net/tcp.ts'
import { converseInFrames, type TcpConnection } from '../net/tcp-connection.ts'
import { openUdp } from '../net/udp.ts'
import type { UdpPeer, UdpSocket } from '../net/udp-socket.ts'
import type { Clock, Timer } from '../plugin/clock.ts'
import type { Listener, Peer, Transport } from '../plugin/listener.ts'
import { Query } from '../plugin/query.ts'
import type { Reply } from '../plugin/reply.ts'
import { MAX_MESSAGE } from './finish.ts'
import { MAX_QUERY } from './gate.ts'
import type { Outcome } from './https.ts'
import { joinHostPort, toListenError } from './listen-error.ts'
import { RouteTable } from './route.ts'
import { QueryServer, type ServerHooks, type Sink, type Tally } from './serve.ts'
import { DEFAULT_SETTINGS, type ListenerSettings } from './settings.ts'

export interface DnsListenerOptions {
  /** Plain DNS when left out. */
  transport?: ServedTransport
  /** IP address, IPv6 link-local ones with `%IFACE`; empty for all addresses of the machine. */
  address: string
  /** 0 picks one that is free, for plain DNS on both UDP and TCP. */
  port: number
  clock: Clock
  hooks: ServerHooks
  /** Left out, all queries are refused until {@link DnsListener.swap}. */
  routes?: RouteTable
  settings?: ListenerSettings
  /** Another process may listen on the same port, too. */
  reusePort?: boolean
  /** Keeps the sockets. */
  shared?: SharedSockets | undefined
  /** Whether the kernel lets UDP sockets leave a port that others share; taken to be so when left out. */
  heedsLeaving?: () => Promise<boolean>
  /** Told whenever a TCP connection has met a bound. */
  onBound?(bound: Bound): void
  /** Told of each UDP answer that could not be sent. */
  onUnsent?(): void
  /** Told of errors of the open sockets, which stay open. */
  onError?(error: Error): void
}

/** Transports that have a server. */
export type ServedTransport = Extract<Transport, 'dns' | 'tls' | 'https' | 'grpc'>

/** Whether there is a server for it. */
export function isServed(transport: Transport): transport is ServedTransport {
  return Object.hasOwn(PROTOCOLS, transport)
}

/** What TLS clients may choose by ALPN. */
const PROTOCOLS: Record<ServedTransport, readonly string[]> = {
  dns: [],
  tls: ['dot'],
  https: HTTP_PROTOCOLS,
  grpc: ['h2'],
}

/** Free ports to try when the one that TCP got is taken for UDP. */
const PORT_TRIES = 20

/** One transport on one address and port: its TCP socket, for plain DNS a UDP socket too, and the blocks that share them. */
export class DnsListener implements Listener {
  readonly transport: ServedTransport
  readonly address: string
  readonly #options: DnsListenerOptions
  readonly #server: QueryServer
  /** What takes headers of proxies off datagrams, where there are proxies. */
  #datagrams: ProxiedDatagrams | undefined
  /** What the sockets are kept as: the port is the configured one, whatever the system chose. */
  readonly #names: { udp: string; tcp: string }
  #label: string
  #port: number
  #udp: UdpSocket | undefined
  #tcp: TcpServer | undefined
  /** A query that was answered at once and is wanted by nobody, to be filled with the next one. */
  #spare: Query | undefined

  constructor(options: DnsListenerOptions) {
    this.transport = options.transport ?? 'dns'
    this.address = options.address
    this.#port = options.port
    this.#label = toLabel(this)
    this.#names = { udp: `udp ${toLabel(this)}`, tcp: `tcp ${toLabel(this)}` }
    this.#options = options
    const routes = options.routes ?? new RouteTable([])
    const settings = options.settings ?? DEFAULT_SETTINGS
    this.#server = new QueryServer(routes, settings, options.hooks)
    this.#datagrams = toDatagrams(settings, this.#options.clock)
  }

  /** `TRANSPORT://HOST:PORT`; the host is empty for all addresses, the port the real one once it is open. */
  get server(): string {
    return this.#label
  }

  get port(): number {
    return this.#port
  }

  /** Queries that wait for a plugin. */
  get inFlight(): number {
    return this.#server.inFlight
  }

  /** What it has done since it was made. */
  get tally(): Readonly<Tally> {
    return this.#server.tally
  }

  /** UDP answers that could not be sent. */
  get droppedAnswers(): number {
    return this.#udp?.dropped ?? 0
  }

  /** Open TCP connections. */
  get connections(): number {
    return this.#tcp?.size ?? 0
  }

  /** Opens its sockets; queries come in from now on. @throws (rejects) ListenError */
  async open(): Promise<void> {
    for (let tries = PORT_TRIES; ; tries--) {
      const tcp = await this.#openTcp()
      try {
        if (this.transport === 'dns') this.#udp = await this.#openUdp(tcp.port)
        this.#tcp = tcp
        this.#port = tcp.port
        this.#label = toLabel(this)
        return
      } catch (error) {
        await tcp.close()
        this.#options.shared?.release(this.#names.tcp)
        const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        if (this.#port !== 0 || !taken || tries <= 1) throw toListenError('ListenPacket', 'udp', this, error)
      }
    }
  }

  async #openTcp(): Promise<TcpServer> {
    const { address, clock, shared, reusePort = false, onError, onBound } = this.#options
    const converse = await this.#converse()
    try {
      return await openShared(shared, this.#names.tcp, (handle) =>
        openTcp({
          handle,
          address,
          port: this.#port,
          reusePort,
          clock,
          converse,
          protocols: PROTOCOLS[this.transport],
          settings: toTcpSettings(this.transport, this.#server.settings),
          ...(onBound && { onBound }),
          ...(onError && { onError }),
        }),
      )
    } catch (error) {
      throw toListenError('Listen', 'tcp', this, error)
    }
  }

  /** What is spoken on its connections. */
  async #converse(): Promise<Converse> {
    if (this.transport === 'grpc') {
      const { converseOverGrpc } = await import('./grpc.ts')
      const { maxGrpcStreams } = this.#server.settings
      return converseOverGrpc({
        exchange: (packet, ends) => this.#exchange(packet, ends),
        maxStreams: maxGrpcStreams,
      })
    }
    if (this.transport === 'https') {
      const { converseOverHttp } = await import('./https.ts')
      return converseOverHttp({
        exchange: (packet, ends) => this.#exchange(packet, ends),
        answered: (status) => this.#options.hooks.answeredHttp?.(this, status),
      })
    }
    const { clock } = this.#options
    const receive = (message: Uint8Array, connection: TcpConnection) => {
      this.#serve(message, connection.peer, connection.local, 'tcp', new TcpSink(connection), clock.monotonic())
    }
    return converseInFrames(receive, MAX_QUERY + 1)
  }

  /** Answers a message that came as a request. */
  #exchange(packet: Uint8Array, { peer, local }: Ends): Promise<Outcome> {
    return new Promise((resolve) => {
      let outcome: Outcome | undefined
      let isServed = false
      const sink: Sink = {
        out: requestOut,
        offset: 0,
        send(length) {
          outcome = length > 0 ? requestOut.slice(0, length) : 'silence'
          if (isServed) resolve(outcome)
        },
        keep() {},
      }
      const verdict = this.#server.serve(
        packet,
        new Query(this, peer, local, 'tcp', this.#options.clock.monotonic()),
        sink,
      )
      isServed = true
      if (outcome) resolve(verdict === 'drop' ? 'no-query' : outcome)
    })
  }

  #openUdp(port: number): Promise<UdpSocket> {
    const { address, clock, shared, reusePort = false, onError, onUnsent } = this.#options
    let received = 0
    return openShared(shared, this.#names.udp, (handle) =>
      openUdp({
        handle,
        address,
        port,
        reusePort,
        longest: MAX_QUERY + 1,
        receive: (packet, peer) => this.#receive(packet, peer, received),
        receiving: () => {
          received = clock.monotonic()
        },
        ...(onUnsent && { onDropped: onUnsent }),
        ...(onError && { onError }),
      }),
    )
  }

  #receive(packet: Uint8Array, peer: UdpPeer, received: number): void {
    if (!this.#datagrams) {
      this.#serve(packet, peer, peer.local, 'udp', peer, received)
      return
    }
    const datagram = this.#datagrams.unwrap(packet, peer)
    if (!datagram) peer.send(0)
    else {
      const { peer: client, local } = datagram.ends ?? { peer, local: peer.local }
      this.#serve(datagram.packet, client, local, 'udp', peer, received)
    }
  }

  #serve(packet: Uint8Array, client: Peer, local: Peer, proto: Query['proto'], sink: Sink, received: number): void {
    let query = this.#spare
    this.#spare = undefined
    if (query) query.renew(client, local, proto, received)
    else query = new Query(this, client, local, proto, received)
    this.#server.serve(packet, query, sink)
    if (!query.isKept) this.#spare = query
  }

  /** New routes and settings from the next query on; the sockets stay as they are. */
  swap(routes: RouteTable, settings: ListenerSettings): void {
    if (settings.proxy !== this.#server.settings.proxy) this.#datagrams = toDatagrams(settings, this.#options.clock)
    this.#server.swap(routes, settings)
    if (this.#tcp) this.#tcp.settings = toTcpSettings(this.transport, settings)
  }

  /** Settles when no query waits for a plugin. */
  idle(): Promise<void> {
    return this.#server.idle()
  }

  /** Looks something up through this listener's own blocks; see {@link QueryServer.ask}. */
  ask(query: Query): Reply | Promise<Reply> {
    return this.#server.ask(query)
  }

  /** Answers a message that came in another way than over these sockets; undefined is silence. */
  serve(packet: Uint8Array, client: Peer, local: Peer, proto: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const out = new Uint8Array(MAX_MESSAGE)
      const sink: Sink = {
        out,
        offset: 0,
        send: (length) => resolve(length === 0 ? undefined : out.subarray(0, length)),
        keep() {},
      }
      this.#serve(packet, client, local, proto, sink, this.#options.clock.monotonic())
    })
  }

  /**
   * Leaves the port to whoever shares it, takes what waits in the sockets, lets what is in work be answered, and closes.
   * @param drain milliseconds after which queries in work are given up
   */
  async close({ drain }: { drain: number }): Promise<void> {
    let timer: Timer | undefined
    const timeout = new Promise<void>((resolve) => {
      timer = this.#options.clock.timeout(drain, resolve)
    })
    await Promise.race([this.#leave(), timeout])
    timer?.cancel()
    this.#udp?.close()
    const tcpClosed = this.#tcp?.close()
    this.#tcp?.destroy()
    await tcpClosed
    if (this.#tcp) for (const name of Object.values(this.#names)) this.#options.shared?.release(name)
  }

  async #leave(): Promise<void> {
    const { shared, heedsLeaving } = this.#options
    const heeds = (await heedsLeaving?.()) ?? true
    // otherwise those who share the sockets go on with them
    const isLast = !shared || shared.ending
    if (isLast) {
      if (heeds) this.#udp?.leave()
      await this.#tcp?.leave()
    }
    await nextTurn()
    const tcpClosed = this.#tcp?.close()
    await this.#answerWaiting()
    await tcpClosed
    // what came in meanwhile, where the port is nobody else's or the socket is shared
    for (let rounds = isLast && !heeds ? MAX_ROUNDS : 1; rounds > 0; rounds--) {
      await this.#answerWaiting()
      if (this.inFlight === 0) break
    }
  }

  async #answerWaiting(): Promise<void> {
    await this.#udp?.receiveWaiting()
    await this.#server.idle()
    await this.#udp?.drain()
  }
}

/** How often a socket that could not leave its port is read empty before it is closed: with queries that take their time, there are always some. */
const MAX_ROUNDS = 8

/** The event loop has gone round: what waited in the connections was read. */
async function nextTurn(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Octets of room in front of a message, for its length. */
const ROOM = 2

/** Answers of all TCP connections are written here; a connection takes a copy. */
const tcpOut = new Uint8Array(ROOM + MAX_MESSAGE)

/** Answers of all requests are written here and copied. */
const requestOut = new Uint8Array(MAX_MESSAGE)

class TcpSink implements Sink {
  readonly out = tcpOut
  readonly offset = ROOM
  readonly #connection: TcpConnection

  constructor(connection: TcpConnection) {
    this.#connection = connection
  }

  send(length: number): void {
    this.#connection.answer(this.out, length)
  }

  keep(): void {}
}

function toDatagrams({ proxy }: ListenerSettings, clock: Clock): ProxiedDatagrams | undefined {
  return proxy && new ProxiedDatagrams(proxy, clock)
}

function toTcpSettings(transport: ServedTransport, settings: ListenerSettings): TcpSettings {
  const { timeouts, maxTcpQueries, maxPerClient, tls, proxy } = settings
  const own = { https: settings.maxHttpsConnections, grpc: settings.maxGrpcConnections }
  const maxConnections = transport === 'https' || transport === 'grpc' ? own[transport] : settings.maxConnections
  return { timeouts, maxQueries: maxTcpQueries, maxConnections, maxPerClient, tls, proxy }
}

function toLabel({ transport, address, port }: Pick<Listener, 'transport' | 'address' | 'port'>): string {
  return `${transport}://${joinHostPort(address, port)}`
}
