import type { QuestionOctets } from 'corelet/plugin'
import { BLOCK, Blocks } from './blocks.ts'

/** Words of a record; see {@link Blocks}. */
const HASH = 1
/** The next record with the same place in the table. */
const CHAIN = 2
/** The records used before and after this one. */
const OLDER = 3
const NEWER = 4
/** QTYPE in the upper half, QCLASS in the lower. */
const TYPE_AND_CLASS = 5
/** Bits in the upper octet, the length of the name in the lower ones. */
const NAME_LENGTH = 6
/** Octets behind the name. */
const LENGTH = 7
/** For the owner. */
const TAG = 8

const SMALLEST_TABLE = 64
/** Records with the same place in the table. One more makes the last of them give way: no choice of names makes look-ups slow. */
const LONGEST_CHAIN = 32

/** Where the name stands in a message: behind the header, in front of type and class. */
const NAME = 12
const FIXED = 4

/** Octets by question, in the order of their use. A record is a number above 0 until it is removed. */
export class Slab {
  readonly #blocks = new Blocks()
  readonly #onCollision: (record: number) => void
  #table = new Int32Array(SMALLEST_TABLE)
  #newest = 0
  /** The record used longest ago, 0 without one. */
  oldest = 0
  /** Records that there are. */
  count = 0

  /** @param onCollision removes a record that is in the way of look-ups */
  constructor(onCollision: (record: number) => void) {
    this.#onCollision = onCollision
  }

  /** Octets in use. */
  get octets(): number {
    return this.#blocks.used * BLOCK
  }

  /** The record of a question, 0 without one. @param hash by `hashQuestion` of the others */
  find(hash: number, { packet, questionEnd, qtype, qclass }: QuestionOctets, bits: number): number {
    const blocks = this.#blocks
    const typeAndClass = (qtype << 16) | qclass
    const length = questionEnd - FIXED - NAME
    const name = (bits << 24) | length
    let record = this.#table[hash & (this.#table.length - 1)]!
    while (record !== 0) {
      if (
        blocks.word(record, HASH) === hash &&
        blocks.word(record, TYPE_AND_CLASS) === typeAndClass &&
        blocks.word(record, NAME_LENGTH) === name &&
        blocks.startsWith(record, packet, NAME, length)
      ) {
        return record
      }
      record = blocks.word(record, CHAIN)
    }
    return 0
  }

  /**
   * Adds a record, as the one used last, for a question that has none.
   * @param tag an integer of 32 bits that {@link Slab.tag} gives back
   * @param octets what is kept, copied
   */
  add(hash: number, question: QuestionOctets, bits: number, tag: number, octets: Uint8Array): number {
    const blocks = this.#blocks
    const length = question.questionEnd - FIXED - NAME
    this.#boundChain(hash)
    const record = blocks.allocate(length + octets.length)
    blocks.setWord(record, HASH, hash)
    blocks.setWord(record, TYPE_AND_CLASS, (question.qtype << 16) | question.qclass)
    blocks.setWord(record, NAME_LENGTH, (bits << 24) | length)
    blocks.setWord(record, LENGTH, octets.length)
    blocks.setWord(record, TAG, tag)
    blocks.write(record, question.packet, NAME, length, octets)
    this.#link(record)
    this.#enter(record)
    if (++this.count > this.#table.length) this.#growTable()
    return record
  }

  /** Notes that a record was used. */
  touch(record: number): void {
    if (record === this.#newest) return
    this.#unlink(record)
    this.#link(record)
  }

  remove(record: number): void {
    this.#unlink(record)
    this.#leave(record)
    this.#blocks.release(record)
    this.count--
  }

  /** The record used next after this one, 0 without one. */
  next(record: number): number {
    return this.#blocks.word(record, NEWER)
  }

  tag(record: number): number {
    return this.#blocks.word(record, TAG)
  }

  /** The question of a record, its name in lower case. */
  questionOf(record: number): QuestionOctets {
    const typeAndClass = this.#blocks.word(record, TYPE_AND_CLASS)
    const length = this.#blocks.word(record, NAME_LENGTH) & 0xff
    const packet = new Uint8Array(NAME + length + FIXED)
    packet.set(this.#blocks.read(record, 0, length), NAME)
    return { packet, questionEnd: packet.length, qtype: typeAndClass >>> 16, qclass: typeAndClass & 0xffff }
  }

  bitsOf(record: number): number {
    return this.#blocks.word(record, NAME_LENGTH) >>> 24
  }

  /** A copy of the octets that a record was added with. */
  read(record: number): Uint8Array {
    return this.#blocks.read(record, this.#blocks.word(record, NAME_LENGTH) & 0xff, this.#blocks.word(record, LENGTH))
  }

  #place(record: number): number {
    return this.#blocks.word(record, HASH) & (this.#table.length - 1)
  }

  #enter(record: number): void {
    const place = this.#place(record)
    this.#blocks.setWord(record, CHAIN, this.#table[place]!)
    this.#table[place] = record
  }

  #leave(record: number): void {
    const next = this.#blocks.word(record, CHAIN)
    const place = this.#place(record)
    let before = this.#table[place]!
    if (before === record) {
      this.#table[place] = next
      return
    }
    while (this.#blocks.word(before, CHAIN) !== record) before = this.#blocks.word(before, CHAIN)
    this.#blocks.setWord(before, CHAIN, next)
  }

  #boundChain(hash: number): void {
    let record = this.#table[hash & (this.#table.length - 1)]!
    for (let i = 1; i < LONGEST_CHAIN && record !== 0; i++) record = this.#blocks.word(record, CHAIN)
    if (record !== 0) this.#onCollision(record)
  }

  #growTable(): void {
    this.#table = new Int32Array(this.#table.length * 2)
    for (let record = this.oldest; record !== 0; record = this.next(record)) this.#enter(record)
  }

  #link(record: number): void {
    this.#blocks.setWord(record, OLDER, this.#newest)
    this.#blocks.setWord(record, NEWER, 0)
    if (this.#newest === 0) this.oldest = record
    else this.#blocks.setWord(this.#newest, NEWER, record)
    this.#newest = record
  }

  #unlink(record: number): void {
    const older = this.#blocks.word(record, OLDER)
    const newer = this.#blocks.word(record, NEWER)
    if (older === 0) this.oldest = newer
    else this.#blocks.setWord(older, NEWER, newer)
    if (newer === 0) this.#newest = older
    else this.#blocks.setWord(newer, OLDER, older)
  }
}
