import type { Socket } from 'node:net'
import { type Connection, type ConnectionParts, type Converse, type End, LAST_CALL } from './connection.ts'
import { FrameReader, PREFIX } from './frames.ts'

/** Messages shorter than a DNS header are ignored. */
const SHORTEST = 12
/** Messages in work above which nothing more is read from the connection. */
const MAX_PENDING = 512

/** Takes one message, which must be settled once with {@link TcpConnection.answer}; `message` is valid until it returns. */
export type ReceiveMessage = (message: Uint8Array, connection: TcpConnection) => void

/**
 * Speaks messages with their length in front, as DNS over TCP (RFC 7766) and over TLS (RFC 7858) does.
 * @param longest octets of a message that are kept; a longer one is handed out cut. All when left out.
 */
export function converseInFrames(receive: ReceiveMessage, longest?: number): Converse {
  return (stream, parts) => new TcpConnection(stream, parts, receive, longest)
}

/**
 * One connection: messages in, answers out in whatever order they get ready (RFC 7766 §6.2.1.1). Deadlines hold for messages, not for
 * octets; the server looks at them now and then.
 */
export class TcpConnection implements Connection {
  readonly peer: End
  readonly local: End
  /** Messages received whose answer is not settled. */
  pending = 0
  /** Monotonic milliseconds at which a message came in or went out last. */
  lastActive: number
  readonly #socket: Socket
  readonly #parts: ConnectionParts
  readonly #receive: ReceiveMessage
  readonly #frames: FrameReader
  #received = 0
  /** The client has sent all that it wanted to; what was read may wait to be handed out. */
  #inputEnded = false
  /** No more messages are taken: all are handed out, the limit is reached, or the server closes. */
  #finished = false
  #ended = false
  #leaving = false
  /** When the server began to close. */
  #leftAt = Infinity
  #paused = false
  #reading = false
  /** When the message that is being received began; NaN between messages. */
  #begun = Number.NaN
  #queued = 0
  /** Until `#writeDeadline` the client must have taken `#writeMark` octets in all. */
  #writeMark = 0
  #writeDeadline = Infinity

  constructor(socket: Socket, parts: ConnectionParts, receive: ReceiveMessage, longest: number | undefined) {
    this.#socket = socket
    this.#parts = parts
    this.#receive = receive
    this.#frames = new FrameReader(longest)
    this.peer = parts.ends.peer
    this.local = parts.ends.local
    this.lastActive = parts.clock.monotonic()
    socket.on('data', (chunk) => {
      if (this.#finished) return
      this.#frames.push(chunk)
      this.#read()
    })
    socket.on('end', () => {
      this.#inputEnded = true
      this.#read()
    })
    // Not at once: as long as the system takes what is written, a drain would follow a drain, and nobody else would have a turn.
    socket.on('drain', () => setImmediate(() => this.#read()))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#finished = this.#ended = true
    })
  }

  /** Hands out the messages that are there, as long as the client takes the answers. Those made at once leave in one write. */
  #read(): void {
    if (this.#finished || this.#reading) return
    this.#reading = true
    this.#socket.cork()
    const left = this.#handOut()
    this.#socket.uncork()
    this.#reading = false
    if ((this.#inputEnded || this.#hasSaidAll) && !left) this.#finished = true
    if (this.#finished) this.#endWhenSettled()
    else this.#pauseOrResume()
  }

  /** @returns whether messages may be left */
  #handOut(): boolean {
    while (!this.#finished && !this.#full) {
      const message = this.#frames.next()
      if (!message) return false
      this.#begun = Number.NaN
      if (message.length < SHORTEST) continue
      this.lastActive = this.#parts.clock.monotonic()
      this.#received++
      this.pending++
      const { maxQueries } = this.#parts.server.settings
      if (maxQueries >= 0 && this.#received >= maxQueries) this.#finished = true
      this.#receive(message, this)
    }
    return true
  }

  /** Whether a connection that is to end has brought something, and is not in the middle of more. */
  get #hasSaidAll(): boolean {
    return this.#leaving && this.#received > 0 && !this.#frames.inMessage
  }

  #pauseOrResume(): void {
    const { inMessage } = this.#frames
    const resumed = this.#paused && !this.#full
    if (inMessage && (resumed || Number.isNaN(this.#begun))) this.#begun = this.#parts.clock.monotonic()
    if (this.#full && !this.#paused) this.#parts.server.met('paused')
    if (this.#full) this.#socket.pause()
    else if (resumed) this.#socket.resume()
    this.#paused = this.#full
  }

  get #full(): boolean {
    return this.#socket.writableNeedDrain || this.pending >= MAX_PENDING
  }

  /**
   * Settles one message with an answer: `octets` hold two octets of room and then `length` octets of message, which are copied. A length
   * of 0 is silence.
   */
  answer(octets: Uint8Array, length: number): void {
    this.pending--
    this.lastActive = this.#parts.clock.monotonic()
    if (length > 0 && this.#socket.writable) this.#write(octets, length)
    if (this.#finished) this.#endWhenSettled()
    else if (this.#paused) this.#read()
  }

  #write(octets: Uint8Array, length: number): void {
    const frame = Buffer.allocUnsafe(PREFIX + length)
    frame.set(octets.subarray(0, PREFIX + length))
    frame.writeUInt16BE(length)
    if (this.#writeDeadline === Infinity) {
      this.#writeDeadline = this.lastActive + this.#parts.server.settings.timeouts.write
      this.#writeMark = this.#queued + frame.length
    }
    this.#queued += frame.length
    this.#socket.write(frame)
  }

  /**
   * Takes what was received, or the first message when there was none, and closes the connection once all answers are written, without
   * waiting for the client to end its side.
   */
  leave(): void {
    if (this.#leaving) return
    this.#leaving = true
    this.#leftAt = this.#parts.clock.monotonic()
    if (this.#socket.writableFinished) this.destroy()
    else this.#read()
  }

  #endWhenSettled(): void {
    if (this.#ended || this.pending > 0 || this.#reading) return
    this.#ended = true
    this.lastActive = this.#parts.clock.monotonic()
    this.#socket.end(() => {
      if (this.#leaving) this.#socket.destroy()
    })
    // What still comes in is read and thrown away: unread octets would turn the FIN into a RST, which can cost the client its answers.
    this.#socket.resume()
  }

  /** Cuts the connection when it is past a deadline. */
  checkDeadlines(now: number): void {
    if (this.#socket.destroyed) return
    const bound = this.#isStuck(now) ? 'write' : this.#lateFor(now)
    if (bound === undefined) return
    if (bound !== 'idle') this.#parts.server.met(bound)
    this.destroy()
  }

  /** Whether the client does not take what was written for it. */
  #isStuck(now: number): boolean {
    const taken = this.#queued - this.#socket.writableLength
    if (taken === this.#queued) {
      this.#writeDeadline = Infinity
    } else if (taken >= this.#writeMark) {
      this.#writeMark = this.#queued
      this.#writeDeadline = now + this.#parts.server.settings.timeouts.write
    }
    return now > this.#writeDeadline
  }

  /** Which time the connection has used up; `idle` when nothing was due. */
  #lateFor(now: number): 'read' | 'idle' | undefined {
    const { read, write, idle } = this.#parts.server.settings.timeouts
    if (this.#ended) return now > this.lastActive + read + write ? 'idle' : undefined
    if (this.#received === 0) {
      if (now > this.#leftAt + LAST_CALL) return 'idle'
      return now > this.lastActive + read ? 'read' : undefined
    }
    if (this.#paused) return undefined
    if (!Number.isNaN(this.#begun)) return now > this.#begun + read ? 'read' : undefined
    return this.pending === 0 && now > this.lastActive + idle ? 'idle' : undefined
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
