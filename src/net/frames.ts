/** DNS messages in a stream of octets: two octets of length in front of each (RFC 1035 §4.2.2). */

/** Octets of the length in front of a message. */
export const PREFIX = 2

const EMPTY = new Uint8Array(0)
const FIRST_SIZE = 512

/**
 * Takes a stream apart. Messages that lie whole in a chunk are handed out as views on it; one that is spread over chunks is collected in a
 * buffer that grows with what was received, never with what was announced.
 */
export class FrameReader {
  #chunk: Uint8Array = EMPTY
  #at = 0
  /** A message that has begun: its length prefix and what follows so far. */
  #partial: Uint8Array = EMPTY
  #filled = 0

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
        return this.#chunk.subarray(start, this.#at)
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
    const message = this.#partial.subarray(PREFIX, this.#filled)
    this.#partial = EMPTY
    this.#filled = 0
    return message
  }

  #collect(count: number): void {
    const needed = this.#filled + count
    if (needed > this.#partial.length) {
      const grown = new Uint8Array(Math.max(FIRST_SIZE, needed, this.#partial.length * 2))
      grown.set(this.#partial.subarray(0, this.#filled))
      this.#partial = grown
    }
    this.#partial.set(this.#chunk.subarray(this.#at, this.#at + count), this.#filled)
    this.#filled = needed
    this.#at += count
    if (this.#at === this.#chunk.length) {
      this.#chunk = EMPTY
      this.#at = 0
    }
  }
}
