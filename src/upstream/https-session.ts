import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { describeError, ExchangeFailure } from './failure.ts'
import { padQuestion } from './padding.ts'
import type { Carrier, Pending, Result } from './pending.ts'
import { type Mismatch, readAnswer } from './question.ts'

const PATH = '/dns-query'
const TYPE = 'application/dns-message'
/** Queries that may be out on one session; the server may allow fewer. */
const MAX_STREAMS = 100
/** Octets of an answer. */
const MAX_ANSWER = 0xffff

export type DohMethod = 'GET' | 'POST'

export interface HttpsSessionEvents {
  mismatch(reason: Mismatch): void
  opened(session: HttpsSession): void
  closed(session: HttpsSession): void
}

/** One HTTP/2 session with an upstream (RFC 8484). Queries that come while it is being opened wait for it. */
export class HttpsSession implements Carrier {
  readonly createdAt: number
  lastUsed: number
  readonly #socket: TLSSocket
  readonly #session: ClientHttp2Session
  readonly #authority: string
  readonly #method: DohMethod
  readonly #events: HttpsSessionEvents
  /** What is out, with its stream once the session is open. */
  readonly #streams = new Map<Pending, ClientHttp2Stream | undefined>()
  /** Answers that came back on it. Once there are any, a close is the server's way of saying that it was idle for too long. */
  #received = 0
  #open = false
  #leaving = false
  #closed = false

  constructor(socket: TLSSocket, authority: string, method: DohMethod, now: number, events: HttpsSessionEvents) {
    this.createdAt = this.lastUsed = now
    this.#socket = socket
    this.#authority = authority
    this.#method = method
    this.#events = events
    this.#session = connect(`https://${authority}`, { createConnection: () => socket, settings: { enablePush: false } })
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol !== 'h2') this.close('the server does not speak HTTP/2')
      else this.#opened()
    })
    socket.on('error', (error) => this.close(describeError(error)))
    this.#session.on('error', (error) => this.close(describeError(error)))
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
    const octets = Buffer.from(padQuestion(pending.question))
    // the same query has the same octets, for caches of HTTP (RFC 8484 §4.1)
    octets.writeUInt16BE(0)
    const isGet = this.#method === 'GET'
    const stream = this.#session.request({
      ':method': this.#method,
      ':authority': this.#authority,
      ':path': isGet ? `${PATH}?dns=${octets.toString('base64url')}` : PATH,
      accept: TYPE,
      ...(!isGet && { 'content-type': TYPE, 'content-length': octets.length }),
    })
    this.#streams.set(pending, stream)
    this.#collect(pending, stream)
    stream.end(isGet ? undefined : octets)
  }

  #collect(pending: Pending, stream: ClientHttp2Stream): void {
    const chunks: Buffer[] = []
    let length = 0
    let status = 0
    const fail = (kind: 'closed' | 'network' | 'mismatch', reason: string) => {
      if (this.#streams.get(pending) === stream) pending.settle(new ExchangeFailure(kind, reason))
    }
    stream.on('response', (headers) => {
      this.#received++
      status = headers[':status'] ?? 0
    })
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > MAX_ANSWER) fail('mismatch', 'the answer is longer than 65535 octets')
      else chunks.push(chunk)
    })
    stream.on('end', () => {
      if (this.#streams.get(pending) !== stream || status === 0) return
      const answer = readAnswer(pending.question, Buffer.concat(chunks, length))
      if (typeof answer !== 'string') return pending.settle(answer)
      this.#events.mismatch(answer)
      fail('mismatch', `HTTP status ${status}, and what came is no answer: ${answer}`)
    })
    stream.on('error', (error) => {
      const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
      fail(refused ? 'closed' : 'network', describeError(error))
    })
    stream.on('close', () => fail('network', 'the stream was closed without an answer'))
  }
}
