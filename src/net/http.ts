/** HTTP/1.1 and HTTP/2 on connections that somebody else has accepted. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createServer as createHttp2,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import type { Socket } from 'node:net'
import { type Bound, type Connection, type ConnectionParts, type Converse, type Ends, LAST_CALL } from './connection.ts'

export type HttpRequest = IncomingMessage | Http2ServerRequest
export type HttpResponse = ServerResponse | Http2ServerResponse

/** Answers a request. */
export type HandleRequest = (request: HttpRequest, response: HttpResponse) => void

/** What HTTP clients may choose by ALPN. */
export const HTTP_PROTOCOLS = ['h2', 'http/1.1'] as const

/** Octets of the headers of a request, the URL included. */
const MAX_HEADERS = 16 << 10
const MAX_HEADER_COUNT = 64
/** Requests that a connection may have open at a time. */
const MAX_OPEN = 100

/** Times are not Node's to watch: connections have deadlines of their own. */
const HTTP1 = { maxHeaderSize: MAX_HEADERS, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, noDelay: true }

/** The bounds that floods of frames meet: memory, headers, invalid frames, streams that are reset (CVE-2023-44487, CVE-2024-27983). */
const HTTP2 = {
  maxSessionMemory: 2,
  maxHeaderListPairs: MAX_HEADER_COUNT,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  streamResetBurst: 500,
  streamResetRate: 50,
  settings: { maxHeaderListSize: MAX_HEADERS, enablePush: false },
}

export interface HttpOptions {
  /** HTTP/2 is spoken whether TLS has chosen it or not. */
  http2Only?: boolean
  /** Requests that a connection may have open at a time; {@link MAX_OPEN} when left out. */
  maxOpen?: number
}

/** Speaks HTTP on streams; HTTP/2 where TLS has chosen it, else HTTP/1.1. */
export class HttpSpeaker {
  readonly #http1: Server
  readonly #http2: Http2Server
  readonly #connections = new WeakMap<object, HttpConnection>()
  readonly #ends = new WeakMap<HttpRequest, Ends>()
  readonly #options: Required<HttpOptions>

  constructor(handle: HandleRequest, { http2Only = false, maxOpen = MAX_OPEN }: HttpOptions = {}) {
    this.#options = { http2Only, maxOpen }
    const begin: HandleRequest = (request, response) => {
      const connection = this.#connections.get('stream' in request ? request.stream.session! : request.socket)
      if (!connection?.begin(request, response)) return
      this.#ends.set(request, connection.ends)
      handle(request, response)
    }
    this.#http1 = createServer(HTTP1, begin)
    this.#http1.maxHeadersCount = MAX_HEADER_COUNT
    this.#http2 = createHttp2({ ...HTTP2, settings: { ...HTTP2.settings, maxConcurrentStreams: maxOpen } }, begin)
    this.#http2.on('sessionError', (error, session) => {
      if (isProtocolError(error)) this.#connections.get(session)?.cut('frames')
      session.destroy()
    })
  }

  /** The server of HTTP/1.1; it listens nowhere. */
  get server(): Server {
    return this.#http1
  }

  /** Whose request it is. */
  endsOf(request: HttpRequest): Ends {
    return this.#ends.get(request)!
  }

  readonly converse: Converse = (stream, parts) => {
    const { http2Only, maxOpen } = this.#options
    if (!http2Only && (!('alpnProtocol' in stream) || stream.alpnProtocol !== 'h2')) {
      const connection = new HttpConnection(stream, parts, maxOpen)
      this.#connections.set(stream, connection)
      this.#http1.emit('connection', stream)
      return connection
    }
    let session: ServerHttp2Session | undefined
    const take = (opened: ServerHttp2Session) => {
      session = opened
    }
    this.#http2.once('session', take)
    this.#http2.emit('connection', stream)
    this.#http2.off('session', take)
    const connection = new HttpConnection(stream, parts, maxOpen, session)
    if (session) this.#connections.set(session, connection)
    return connection
  }
}

/** Whether an error of a session is about what the client has sent, not about its going away. */
function isProtocolError({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('ERR_HTTP2')
}

interface Open {
  request: HttpRequest
  response: HttpResponse
  begun: number
  /** When its answer was seen to be written as a whole. */
  answered: number | undefined
}

/** One HTTP connection. What a client does not send or take in time costs it the connection. */
class HttpConnection implements Connection {
  readonly ends: Ends
  lastActive: number
  readonly #stream: Socket
  readonly #session: ServerHttp2Session | undefined
  readonly #parts: ConnectionParts
  readonly #maxOpen: number
  readonly #open = new Set<Open>()
  #isFresh = true
  /** The client has ended its side. */
  #isGone = false
  #left: number | undefined

  constructor(stream: Socket, parts: ConnectionParts, maxOpen: number, session?: ServerHttp2Session) {
    this.#maxOpen = maxOpen
    this.#stream = stream
    this.#session = session
    this.#parts = parts
    this.ends = parts.ends
    this.lastActive = parts.clock.monotonic()
    stream.on('error', () => stream.destroy())
    // Node ends HTTP/1.1 by itself then
    if (session) {
      stream.once('end', () => {
        this.#isGone = true
        this.#endWhenSettled()
      })
    }
  }

  get pending(): number {
    return this.#open.size
  }

  /** Notes a request whose headers are there. @returns false when the connection has too many of them */
  begin(request: HttpRequest, response: HttpResponse): boolean {
    if (this.#open.size >= this.#maxOpen) {
      this.cut('requests')
      return false
    }
    const now = this.#parts.clock.monotonic()
    const open: Open = { request, response, begun: now, answered: undefined }
    this.lastActive = now
    this.#isFresh = false
    this.#open.add(open)
    request.on('error', () => this.destroy())
    response.on('error', () => this.destroy())
    response.once('close', () => {
      this.#open.delete(open)
      this.lastActive = this.#parts.clock.monotonic()
      if (this.#left !== undefined || this.#isGone) this.#endWhenSettled()
    })
    if (this.#left !== undefined) this.#announceEnd(response)
    return true
  }

  checkDeadlines(now: number): void {
    if (this.#stream.destroyed) return
    const { read, write, idle } = this.#parts.server.settings.timeouts
    for (const open of this.#open) {
      if (open.response.writableEnded) open.answered ??= now
      const isLate =
        open.answered === undefined ? !open.request.complete && now > open.begun + read : now > open.answered + write
      if (!isLate) continue
      this.cut(open.answered === undefined ? 'read' : 'write')
      return
    }
    if (this.pending > 0) return
    if (this.#isFresh) {
      if (this.#left !== undefined && now > this.#left + LAST_CALL) this.destroy()
      else if (now > this.lastActive + read) this.cut('read')
    } else if (this.#left !== undefined && now > this.#left + write) this.destroy()
    else if (now > this.lastActive + idle) this.leave()
  }

  /** One that has asked nothing yet may ask once. */
  leave(): void {
    this.#left ??= this.#parts.clock.monotonic()
    if (this.#isFresh) return
    this.#session?.close()
    for (const { response } of this.#open) this.#announceEnd(response)
    this.#endWhenSettled()
  }

  /** Tells a client that this is the last answer: by a frame in HTTP/2, by a header in HTTP/1.1. */
  #announceEnd(response: HttpResponse): void {
    if (this.#session) this.#session.close()
    else if (!response.headersSent) (response as ServerResponse).setHeader('connection', 'close')
  }

  #endWhenSettled(): void {
    if (this.pending > 0) return
    if (this.#isGone) this.destroy()
    else if (!this.#session) this.#stream.end(() => this.#stream.destroy())
  }

  /** Cuts the connection for a bound that it has met. */
  cut(bound: Bound): void {
    this.#parts.server.met(bound)
    this.destroy()
  }

  destroy(): void {
    this.#session?.destroy()
    this.#stream.destroy()
  }
}
