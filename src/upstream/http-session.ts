import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Dialer } from './dialer.ts'
import { describeError, ExchangeFailure } from './failure.ts'
import type { Carrier, Pending, Result } from './pending.ts'
import type { Answer, Mismatch, Question } from './question.ts'

/** Queries that may be out on one session; the server may allow fewer. */
const MAX_STREAMS = 100
/** What OpenSSL calls it that a server chose none of the offered protocols. */
const NO_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
const NO_HTTP2 = 'the server does not speak HTTP/2'

/** What came back for a request. */
export interface HttpResult {
  status: number
  /** Headers, and the trailers behind the body. */
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Why what came back is no answer. */
export interface NoAnswer {
  /** Set when it is a DNS message that does not belong to the question. */
  mismatch: Mismatch | undefined
  error: string
}

/** How questions and answers travel in HTTP. */
export interface HttpDialect {
  /** Octets of the longest body. */
  maxLength: number
  request(question: Question, isSecure: boolean): { headers: OutgoingHttpHeaders; body: Buffer | undefined }
  read(question: Question, result: HttpResult): Answer | NoAnswer
}

export interface HttpSessionEvents {
  mismatch(reason: Mismatch): void
  opened(session: HttpSession): void
  closed(session: HttpSession): void
}

/** One HTTP/2 session with an upstream. Queries that come while it is being opened wait for it. */
export class HttpSession implements Carrier {
  readonly createdAt: number
  lastUsed: number
  readonly #socket: Socket
  readonly #isSecure: boolean
  readonly #session: ClientHttp2Session
  readonly #authority: string
  readonly #dialect: HttpDialect
  readonly #events: HttpSessionEvents
  /** What is out, with its stream once the session is open. */
  readonly #streams = new Map<Pending, ClientHttp2Stream | undefined>()
  /** Answers that came back on it. Once there are any, a close is the server's way of saying that it was idle for too long. */
  #received = 0
  #open = false
  #leaving = false
  #closed = false

  constructor(dialer: Dialer, authority: string, dialect: HttpDialect, now: number, events: HttpSessionEvents) {
    this.createdAt = this.lastUsed = now
    this.#authority = authority
    this.#dialect = dialect
    this.#events = events
    this.#isSecure = dialer.ready === 'secureConnect'
    const socket = dialer.dial()
    this.#socket = socket
    this.#session = connect(`${this.#isSecure ? 'https' : 'http'}://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    })
    socket.once(dialer.ready, () => {
      if (this.#isSecure && (socket as TLSSocket).alpnProtocol !== 'h2') this.close(NO_HTTP2)
      else this.#opened()
    })
    const failed = (error: NodeJS.ErrnoException) =>
      this.close(error.code === NO_PROTOCOL ? NO_HTTP2 : describeError(error))
    socket.on('error', failed)
    this.#session.on('error', failed)
    this.#session.on('close', () => this.close('connection closed by the server: EOF'))
    this.#session.on('goaway', () => {
      this.#leaving = true
    })
  }

  get isOpen(): boolean {
    return this.#open && !this.#closed
  }

  get inFlight(): number {
    return this.#streams.size
  }

  /** Whether it takes no further query now. */
  get full(): boolean {
    const allowed = this.#open ? (this.#session.remoteSettings.maxConcurrentStreams ?? MAX_STREAMS) : MAX_STREAMS
    return this.#leaving || this.#streams.size >= Math.min(MAX_STREAMS, allowed)
  }

  send(pending: Pending, now: number): void {
    this.lastUsed = now
    pending.carrier = this
    pending.receivedBefore = this.#received
    this.#streams.set(pending, undefined)
    if (this.#open) this.#request(pending)
  }

  release(pending: Pending, result: Result): void {
    const stream = this.#streams.get(pending)
    this.#streams.delete(pending)
    if (stream && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL)
    const late = result instanceof ExchangeFailure && result.kind === 'timeout'
    if (late && this.#open && this.#received === pending.receivedBefore) this.close('the connection is stuck')
    else if (this.#leaving && this.#streams.size === 0) this.close('the server goes away')
  }

  /** Closes it; queries that are out fail. */
  close(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#session.destroy()
    this.#socket.destroy()
    this.#events.closed(this)
    const kind = this.#received > 0 ? 'closed' : 'network'
    for (const pending of [...this.#streams.keys()]) pending.settle(new ExchangeFailure(kind, reason))
  }

  #opened(): void {
    this.#open = true
    this.#events.opened(this)
    for (const pending of [...this.#streams.keys()]) {
      pending.restart()
      this.#request(pending)
    }
  }

  #request(pending: Pending): void {
    const { headers, body } = this.#dialect.request(pending.question, this.#isSecure)
    const stream = this.#session.request({ ...headers, ':authority': this.#authority })
    this.#streams.set(pending, stream)
    this.#collect(pending, stream)
    stream.end(body)
  }

  #collect(pending: Pending, stream: ClientHttp2Stream): void {
    const { maxLength } = this.#dialect
    const chunks: Buffer[] = []
    let length = 0
    let status = 0
    let headers: IncomingHttpHeaders = {}
    const fail = (kind: 'closed' | 'network' | 'mismatch', reason: string) => {
      if (this.#streams.get(pending) === stream) pending.settle(new ExchangeFailure(kind, reason))
    }
    stream.on('response', (first) => {
      this.#received++
      status = first[':status'] ?? 0
      headers = first
    })
    stream.on('trailers', (last) => {
      headers = { ...headers, ...last }
    })
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxLength) fail('mismatch', 'the answer is longer than 65535 octets')
      else chunks.push(chunk)
    })
    stream.on('end', () => {
      if (this.#streams.get(pending) !== stream || status === 0) return
      const answer = this.#dialect.read(pending.question, { status, headers, body: Buffer.concat(chunks, length) })
      if ('wire' in answer) return pending.settle(answer)
      const { mismatch, error } = answer
      if (mismatch) this.#events.mismatch(mismatch)
      fail(mismatch ? 'mismatch' : 'network', error)
    })
    stream.on('error', (error) => {
      const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
      fail(refused ? 'closed' : 'network', describeError(error))
    })
    stream.on('close', () => fail('network', 'the stream was closed without an answer'))
  }
}
