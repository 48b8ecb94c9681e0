import { hashQuestion, type Query, type QuestionOctets, type Reply } from 'corelet/plugin'
import { bitsOf, type Entry, type EntryFacts, isFailure, type PartName } from './entry.ts'
import type { CacheOptions } from './options.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import { Slab } from './slab.ts'

/** CoreDNS's cache has 256 shards of at least 4 entries. */
const SMALLEST_CAPACITY = 1024

/** With prefer_positive an answer that is none (a referral) stands beside the one before it, apart by this bit. */
const NOT_POSITIVE = 4

const MAX_TAG = 2 ** 31 - 1

/** Answers as octets, each with the second of the monotonic clock at which it is good for nothing as its tag; those in use as objects, too. */
class Part {
  readonly capacity: number
  readonly slab = new Slab((record) => this.evict(record))
  readonly #entries = new Map<number, Entry>()
  /** Octets of the entries in use. */
  entryOctets = 0
  evicted = 0

  constructor(capacity: number) {
    this.capacity = Math.max(capacity, SMALLEST_CAPACITY)
  }

  get octets(): number {
    return this.slab.octets + this.entryOctets
  }

  /** The entry of a record. It is made when it is asked for: of most names it never is. */
  open(record: number): Entry {
    const known = this.#entries.get(record)
    if (known) return known
    const entry = decodeRecord(this.slab.read(record))
    this.#entries.set(record, entry)
    this.entryOctets += entry.size
    return entry
  }

  remove(record: number): void {
    const entry = this.#entries.get(record)
    if (entry) this.#forget(record, entry)
    this.slab.remove(record)
  }

  evict(record: number): void {
    this.remove(record)
    this.evicted++
  }

  /** Forgets the entry that was made first, but not its record. One that is being refreshed stays, so that it is once at a time. @returns whether it did */
  forgetOne(): boolean {
    for (const [record, entry] of this.#entries) {
      if (entry.refreshing) continue
      this.#forget(record, entry)
      return true
    }
    return false
  }

  #forget(record: number, entry: Entry): void {
    this.#entries.delete(record)
    this.entryOctets -= entry.size
  }
}

/**
 * The entries of one cache in two parts, each bounded in entries, both together in octets. What was used longest ago makes room. Expired
 * entries stay until then, for serve_stale.
 */
export class Store {
  readonly #options: CacheOptions
  readonly #parts: Record<PartName, Part>

  constructor(options: CacheOptions) {
    this.#options = options
    this.#parts = { success: new Part(options.success.capacity), denial: new Part(options.denial.capacity) }
  }

  /**
   * The entry to answer with: fresh, or expired no longer than serve_stale allows. A denial comes first, unless it is a failure and an
   * answer is there, or prefer_positive says otherwise.
   * @param now monotonic milliseconds
   */
  find(query: Query, now: number): Entry | undefined {
    const bits = bitsOf(query)
    const hash = hashQuestion(query, bits)
    if (this.#options.stale.preferPositive) {
      const positive = this.#look(this.#parts.success, hash, query, bits, now)
      if (positive) return positive
    }
    const denial = this.#look(this.#parts.denial, hash, query, bits, now)
    if (denial && !denial.failure) return denial
    return this.#findSuccess(hash, query, bits, now) ?? denial
  }

  #findSuccess(hash: number, query: Query, bits: number, now: number): Entry | undefined {
    if (!this.#options.stale.preferPositive) return this.#look(this.#parts.success, hash, query, bits, now)
    const apart = bits | NOT_POSITIVE
    return this.#look(this.#parts.success, hashQuestion(query, apart), query, apart, now)
  }

  #look(part: Part, hash: number, query: Query, bits: number, now: number): Entry | undefined {
    const record = part.slab.find(hash, query, bits)
    if (record === 0 || now >= part.slab.tag(record) * 1000) return undefined
    part.slab.touch(record)
    const before = part.entryOctets
    const entry = part.open(record)
    if (part.entryOctets !== before) this.#bound()
    return now < entry.storedAt + (entry.ttl + this.#staleTime(entry.rcode)) * 1000 ? entry : undefined
  }

  /** Seconds after its end that an answer may still be served. */
  #staleTime(rcode: number): number {
    return isFailure(rcode) ? 0 : this.#options.stale.window
  }

  /** Keeps an answer. It takes the place of what the other part says about the same question. */
  put(query: Query, reply: Reply, facts: EntryFacts): void {
    this.add(query, bitsOf(query), reply.rcode, facts, encodeRecord(reply, facts))
  }

  /** Keeps the octets of an answer, see {@link encodeRecord}, with the bits that {@link bitsOf} gave its question. */
  add(question: QuestionOctets, bits: number, rcode: number, facts: EntryFacts, octets: Uint8Array): void {
    const { success, denial } = this.#parts
    const { preferPositive } = this.#options.stale
    const apart = bits | NOT_POSITIVE
    const hash = hashQuestion(question, bits)
    const isApart = preferPositive && facts.part === 'success' && !facts.positive
    if (facts.part === 'success') {
      if (!isApart) this.#remove(denial, hash, question, bits)
      if (preferPositive && !isApart) this.#remove(success, hashQuestion(question, apart), question, apart)
    } else if (!isFailure(rcode) && !preferPositive) {
      this.#remove(success, hash, question, bits)
    }
    const part = this.#parts[facts.part]
    const place = isApart ? apart : bits
    const placeHash = isApart ? hashQuestion(question, apart) : hash
    this.#remove(part, placeHash, question, place)
    const end = Math.ceil(facts.storedAt / 1000) + facts.ttl + this.#staleTime(rcode)
    part.slab.add(placeHash, question, place, Math.min(end, MAX_TAG), octets)
    if (part.slab.count > part.capacity) part.evict(part.slab.oldest)
    this.#bound()
  }

  #remove(part: Part, hash: number, question: QuestionOctets, bits: number): void {
    const record = part.slab.find(hash, question, bits)
    if (record !== 0) part.remove(record)
  }

  /** Makes room: objects of entries in use give way while they take more than half, else what was used longest ago does. */
  #bound(): void {
    const { success, denial } = this.#parts
    const { maxBytes } = this.#options
    while (this.octets > maxBytes) {
      const inUse = success.entryOctets > denial.entryOctets ? success : denial
      if (success.entryOctets + denial.entryOctets > maxBytes / 2 && inUse.forgetOne()) continue
      const larger = success.octets > denial.octets ? success : denial
      larger.evict(larger.slab.oldest)
    }
  }

  /** All records that are of use, those of each part in the order of their use. @param now monotonic milliseconds */
  *records(now: number): Generator<{ question: QuestionOctets; bits: number; octets: Uint8Array }> {
    for (const { slab } of Object.values(this.#parts)) {
      for (let record = slab.oldest; record !== 0; record = slab.next(record)) {
        if (now >= slab.tag(record) * 1000) continue
        yield {
          question: slab.questionOf(record),
          bits: slab.bitsOf(record) & ~NOT_POSITIVE,
          octets: slab.read(record),
        }
      }
    }
  }

  /** Octets that the entries take. */
  get octets(): number {
    return this.#parts.success.octets + this.#parts.denial.octets
  }

  /** Number of entries of a part. */
  count(part: PartName): number {
    return this.#parts[part].slab.count
  }

  /** Entries of a part that made room for others since the last call. */
  takeEvicted(part: PartName): number {
    const { evicted } = this.#parts[part]
    this.#parts[part].evicted = 0
    return evicted
  }
}
