import type { Socket } from 'node:net'
import { FrameReader, PREFIX } from '../net/frames.ts'
import { describeError, ExchangeFailure } from './failure.ts'
import { padQuestion } from './padding.ts'
import type { Carrier, Pending, Result } from './pending.ts'
import { type Mismatch, readAnswer } from './question.ts'
import { randomId } from './random.ts'
import { Table } from './table.ts'

/** Queries that may be out on one connection. */
const PIPELINE_LIMIT = 256

export interface StreamEvents {
  mismatch(reason: Mismatch): void
  opened(connection: StreamConnection): void
  /** The last query that was out has its result. */
  idle(connection: StreamConnection): void
  closed(connection: StreamConnection): void
}

/**
 * One TCP or TLS connection to an upstream. Queries are pipelined and answered in any order (RFC 7766 §6.2.1.1, §7); those that come while
 * it is being opened wait for it.
 */
export class StreamConnection implements Carrier {
  readonly createdAt: number
  lastUsed: number
  readonly #socket: Socket
  readonly #isSecure: boolean
  readonly #events: StreamEvents
  readonly #table = new Table<Pending>()
  #open = false
  #closed = false
  /** Messages that came back on it. Once there are any, a close is the server's way of saying that it was idle for too long. */
  #received = 0

  /** @param isSecure whether `socket` speaks TLS */
  constructor(socket: Socket, isSecure: boolean, now: number, events: StreamEvents) {
    this.createdAt = this.lastUsed = now
    this.#socket = socket
    this.#isSecure = isSecure
    this.#events = events
    const reader = new FrameReader()
    socket.on('data', (chunk) => {
      reader.push(chunk)
      for (let wire = reader.next(); wire && !this.#closed; wire = reader.next()) this.#receive(Buffer.from(wire))
    })
    socket.on('error', (error) => this.close(describeError(error)))
    socket.on('end', () => this.close('connection closed by the server: EOF'))
    socket.on('close', () => this.close('connection closed'))
    socket.on(isSecure ? 'secureConnect' : 'connect', () => this.#opened())
  }

  get isOpen(): boolean {
    return this.#open && !this.#closed
  }

  get inFlight(): number {
    return this.#table.size
  }

  get full(): boolean {
    return this.#table.size >= PIPELINE_LIMIT || this.#socket.writableLength > 65_536
  }

  send(pending: Pending, now: number): void {
    this.lastUsed = now
    let id = randomId()
    while (this.#table.get(id)) id = (id + 1) & 0xffff
    pending.key = id
    pending.carrier = this
    pending.receivedBefore = this.#received
    this.#table.add(pending)
    if (this.#open) this.#write(pending)
  }

  release(pending: Pending, result: Result): void {
    this.#table.delete(pending)
    const late = result instanceof ExchangeFailure && result.kind === 'timeout'
    if (late && this.#open && this.#received === pending.receivedBefore) this.close('the connection is stuck')
    else if (this.#table.size === 0 && !this.#closed) this.#events.idle(this)
  }

  /** Closes it; queries that are out fail. */
  close(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroy()
    this.#events.closed(this)
    const kind = this.#received > 0 ? 'closed' : 'network'
    for (const pending of this.#table.values()) pending.settle(new ExchangeFailure(kind, reason))
  }

  #opened(): void {
    this.#open = true
    this.#events.opened(this)
    for (const pending of this.#table.values()) {
      pending.restart()
      this.#write(pending)
    }
  }

  #write({ question, key }: Pending): void {
    this.#socket.write(toFrame(this.#isSecure ? padQuestion(question) : question.packet, key))
  }

  #receive(wire: Buffer): void {
    this.#received++
    const pending = wire.length < 12 ? undefined : this.#table.get(wire.readUInt16BE())
    if (!pending) {
      this.#events.mismatch(wire.length < 12 ? 'short' : 'id')
      return
    }
    const answer = readAnswer(pending.question, wire)
    if (typeof answer === 'string') {
      this.#events.mismatch(answer)
      pending.settle(new ExchangeFailure('mismatch', `the message over the connection is no answer: ${answer}`))
    } else {
      pending.settle(answer)
    }
  }
}

/** `packet` under another id, behind its length, to be written at once (RFC 7766 §8). */
function toFrame(packet: Uint8Array, id: number): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX + packet.length)
  frame.writeUInt16BE(packet.length, 0)
  frame.set(packet, PREFIX)
  frame.writeUInt16BE(id, PREFIX)
  return frame
}
