/** DNS messages in a stream of octets: two octets of length in front of each (RFC 1035 §4.2.2). */

/** Octets of the length in front of a message. */
export const PREFIX = 2

const EMPTY = new Uint8Array(0)
const FIRST_SIZE = 512

/**
 * Takes a stream apart. Messages that lie whole in a chunk are handed out as views on it; one that is spread over chunks is collected in a
 * buffer that grows with what was received, never with what was announced. Of a message longer than it may be only the front comes out.
 */
export class FrameReader {
  readonly #longest: number
  #chunk: Uint8Array = EMPTY
  #at = 0
  /** A message that has begun: its length prefix and what follows so far. */
  #partial: Uint8Array = EMPTY
  #filled = 0

  /** @param longest octets of a message that are kept */
  constructor(longest = 0xffff) {
    this.#longest = longest
  }

  /** Adds received octets; those before must have been read with {@link FrameReader.next} until it gave undefined, or wait in line. */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) chunk = Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#chunk = chunk
    this.#at = 0
  }

  /** Whether a message has begun whose end is missing, once {@link FrameReader.next} gave undefined. */
  get inMessage(): boolean {
    return this.#filled > 0
  }

  /** The next whole message, without its length; undefined when more octets are needed. Valid until the next call of `push`. */
  next(): Uint8Array | undefined {
    if (this.#filled > 0) return this.#complete()
    const left = this.#chunk.length - this.#at
    if (left === 0) return undefined
    if (left >= PREFIX) {
      const length = (this.#chunk[this.#at]! << 8) | this.#chunk[this.#at + 1]!
      if (left >= PREFIX + length) {
        const start = this.#at + PREFIX
        this.#at = start + length
        return this.#chunk.subarray(start, start + Math.min(length, this.#longest))
      }
    }
    this.#collect(left)
    return undefined
  }

  #complete(): Uint8Array | undefined {
    const left = this.#chunk.length - this.#at
    if (this.#filled < PREFIX) {
      if (left === 0) return undefined
      this.#collect(1)
      return this.#complete()
    }
    const missing = PREFIX + ((this.#partial[0]! << 8) | this.#partial[1]!) - this.#filled
    this.#collect(Math.min(missing, left))
    if (left < missing) return undefined
    const message = this.#partial.subarray(PREFIX, Math.min(this.#filled, PREFIX + this.#longest))
    this.#partial = EMPTY
    this.#filled = 0
    return message
  }

  #collect(count: number): void {
    const kept = Math.max(0, Math.min(count, PREFIX + this.#longest - this.#filled))
    const needed = this.#filled + kept
    if (kept > 0 && needed > this.#partial.length) {
      const grown = new Uint8Array(Math.max(FIRST_SIZE, needed, this.#partial.length * 2))
      grown.set(this.#partial.subarray(0, this.#filled))
      this.#partial = grown
    }
    if (kept > 0) this.#partial.set(this.#chunk.subarray(this.#at, this.#at + kept), this.#filled)
    this.#filled += count
    this.#at += count
    if (this.#at === this.#chunk.length) {
      this.#chunk = EMPTY
      this.#at = 0
    }
  }
}
