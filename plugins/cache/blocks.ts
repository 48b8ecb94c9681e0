import { LOWER } from 'corelet/plugin'

/** Octets that a block takes. */
export const BLOCK = 64

/** Words at the start of a record's first block that its owner may use, numbered from 1; word 0 of each block names the next one. */
const OWN_WORDS = 9

const WORDS = BLOCK / 4
const HEAD = OWN_WORDS * 4
const SEGMENT_BITS = 9
const SEGMENT_BLOCKS = 1 << SEGMENT_BITS
const SEGMENT_MASK = SEGMENT_BLOCKS - 1

/**
 * Memory for records of any length, outside of V8's heap: what V8 does not see it need not trace, copy or collect. A record is a list of
 * blocks, named by the number of its first one; 0 is none. Segments of blocks are taken as they are needed and kept for further records.
 */
export class Blocks {
  readonly #words: Int32Array[] = []
  readonly #octets: Uint8Array[] = []
  #unused = 1
  #free = 0
  /** Blocks in use. */
  used = 0

  /** A record with room for `length` octets; its words hold anything. */
  allocate(length: number): number {
    const first = this.#take()
    let last = first
    for (let room = BLOCK - HEAD; room < length; room += BLOCK - 4) {
      const next = this.#take()
      this.setWord(last, 0, next)
      last = next
    }
    this.setWord(last, 0, 0)
    return first
  }

  /** Gives a record's blocks back. */
  release(record: number): void {
    let block = record
    while (block !== 0) {
      const next = this.word(block, 0)
      this.setWord(block, 0, this.#free)
      this.#free = block
      this.used--
      block = next
    }
  }

  word(block: number, index: number): number {
    return this.#words[block >> SEGMENT_BITS]![(block & SEGMENT_MASK) * WORDS + index]!
  }

  setWord(block: number, index: number, value: number): void {
    this.#words[block >> SEGMENT_BITS]![(block & SEGMENT_MASK) * WORDS + index] = value
  }

  /** Writes a name, taken from `start` of `packet` and lower-cased, and behind it some octets. */
  write(record: number, packet: Uint8Array, start: number, length: number, octets: Uint8Array): void {
    let block = record
    let segment = this.#octets[block >> SEGMENT_BITS]!
    let at = (block & SEGMENT_MASK) * BLOCK + HEAD
    let end = at - HEAD + BLOCK
    for (let i = -length; i < octets.length; i++) {
      if (at === end) {
        block = this.word(block, 0)
        segment = this.#octets[block >> SEGMENT_BITS]!
        at = (block & SEGMENT_MASK) * BLOCK
        end = at + BLOCK
        at += 4
      }
      segment[at++] = i < 0 ? LOWER[packet[start + length + i]!]! : octets[i]!
    }
  }

  /** A copy of `length` octets from `start` on. */
  read(record: number, start: number, length: number): Uint8Array {
    const octets = new Uint8Array(length)
    let block = record
    let segment = this.#octets[block >> SEGMENT_BITS]!
    let at = (block & SEGMENT_MASK) * BLOCK + HEAD
    let end = at - HEAD + BLOCK
    for (let i = -start; i < length; i++) {
      if (at === end) {
        block = this.word(block, 0)
        segment = this.#octets[block >> SEGMENT_BITS]!
        at = (block & SEGMENT_MASK) * BLOCK
        end = at + BLOCK
        at += 4
      }
      const octet = segment[at++]!
      if (i >= 0) octets[i] = octet
    }
    return octets
  }

  /** Whether a record begins with the name at `start` of `packet`, in any case. */
  startsWith(record: number, packet: Uint8Array, start: number, length: number): boolean {
    let block = record
    let segment = this.#octets[block >> SEGMENT_BITS]!
    let at = (block & SEGMENT_MASK) * BLOCK + HEAD
    let end = at - HEAD + BLOCK
    for (let i = 0; i < length; i++) {
      if (at === end) {
        block = this.word(block, 0)
        segment = this.#octets[block >> SEGMENT_BITS]!
        at = (block & SEGMENT_MASK) * BLOCK
        end = at + BLOCK
        at += 4
      }
      if (segment[at++] !== LOWER[packet[start + i]!]) return false
    }
    return true
  }

  #take(): number {
    this.used++
    const block = this.#free
    if (block !== 0) {
      this.#free = this.word(block, 0)
      return block
    }
    if (this.#unused >> SEGMENT_BITS >= this.#words.length) {
      const words = new Int32Array(SEGMENT_BLOCKS * WORDS)
      this.#words.push(words)
      this.#octets.push(new Uint8Array(words.buffer))
    }
    return this.#unused++
  }
}
