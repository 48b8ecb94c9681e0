import {
  AA,
  AD,
  CD,
  type Query,
  type QuestionOctets,
  RA,
  RCODES,
  Reply,
  type ReplyScan,
  scanReply,
  toKey,
} from 'corelet/plugin'

/** Octets of memory that an entry takes beside its message: objects, typed arrays, its place in a Map. Measured with test/bench/cache-hit.ts. */
const OVERHEAD = 800

/** Bit of the EDNS flags (RFC 3225). */
const DO = 0x8000

const NO_OPTIONS: Reply['options'] = []

/** What keeps answers to the same question apart: DO and CD (RFC 4035 §3.2, RFC 6840 §5.9). */
export function bitsOf(query: Query): number {
  return (query.ednsFlags & DO ? 2 : 0) | (query.flags & CD ? 1 : 0)
}

/** The largest number that {@link bitsOf} gives. */
export const MAX_BITS = 3

/** The two parts of the cache: answers; NXDOMAIN, NODATA and failures. */
export type PartName = 'success' | 'denial'

/** The outcome of a refresh: what was asked, the answer, the TTL in seconds to send it with, and its entry if it could be kept. */
export interface Fresh {
  asked: Query
  reply: Reply
  ttl: number
  entry: Entry | undefined
}

/** What the cache knows of an answer besides its octets. */
export interface EntryFacts {
  part: PartName
  /** Seconds that it may be served. */
  ttl: number
  /** Monotonic milliseconds. */
  storedAt: number
  /** It has records that answer the question; see answers.ts. */
  positive: boolean
  /** The wildcard that it was made from, for the metadata `zone/wildcard`. */
  wildcard?: string | undefined
}

/** A cached answer or failure that was asked for again: octets that are never decoded, and what hits and refreshes need to know. */
export class Entry {
  readonly part: PartName
  readonly rcode: number
  readonly ttl: number
  readonly storedAt: number
  readonly positive: boolean
  readonly wildcard: string | undefined
  /** Hits without a longer pause than prefetch allows; when the last one was, in monotonic milliseconds. */
  hits = 0
  lastHit = -Infinity
  /** The refresh that is under way. */
  refreshing: Promise<Fresh | undefined> | undefined
  /** Monotonic milliseconds until which no refresh is tried. */
  retryAt = -Infinity
  readonly #wire: Uint8Array | undefined
  readonly #scan: ReplyScan | undefined
  readonly #flags: number
  readonly #plugin: string
  readonly #error: string | undefined

  constructor(facts: EntryFacts, answer: KeptAnswer) {
    this.part = facts.part
    this.rcode = answer.rcode
    this.ttl = facts.ttl
    this.storedAt = facts.storedAt
    this.positive = facts.positive
    this.wildcard = facts.wildcard
    this.#wire = answer.wire
    this.#scan = answer.wire && { ...scanReply(answer.wire), ednsFlags: answer.ednsFlags }
    this.#flags = answer.flags
    this.#plugin = answer.plugin
    this.#error = answer.error
  }

  /** SERVFAIL and NOTIMP are forgotten once they expire (RFC 2308 §7.1), with serve_stale too. */
  get failure(): boolean {
    return isFailure(this.rcode)
  }

  /** Whether its message has this question, the name in lower case. A failure has none. */
  answers({ packet, questionEnd, qtype, qclass }: QuestionOctets): boolean {
    if (!this.#scan) return true
    const { key, qtype: type, qclass: of } = this.#scan
    return key === toKey(packet, 12, questionEnd - 4) && type === qtype && of === qclass
  }

  /** Octets of memory. */
  get size(): number {
    return OVERHEAD + (this.#wire?.length ?? 0) + 8 * (this.#scan?.ttlOffsets.length ?? 0)
  }

  /** Whole seconds left to live, 0 or less when it has expired. @param now monotonic milliseconds */
  remaining(now: number): number {
    return this.ttl - Math.floor((now - this.storedAt) / 1000)
  }

  /**
   * The answer to `query`. AA is set, as some clients throw away answers without it; AD goes to those that ask for it (RFC 6840 §5.8).
   * @param ttl seconds, sent as the TTL of all records
   */
  toReply(query: Query, ttl: number, reason: string | ((reply: Reply) => string)): Reply {
    if (!this.#wire) return query.fail(this.rcode, this.#plugin, this.#error, 'failed a moment ago')
    const wanted = query.flags & AD || query.ednsFlags & DO ? RA | AD : RA
    const flags = query.replyFlags | AA | (this.#flags & wanted)
    return new Reply('answer', this.rcode, flags, this.#wire, this.#scan, ttl, NO_OPTIONS, 'cache', reason)
  }
}

/** What is kept of a reply. */
export interface KeptAnswer {
  rcode: number
  /** RA and AD. */
  flags: number
  ednsFlags: number
  /** The message; undefined for a failure without one, which has the two texts below instead. */
  wire: Uint8Array | undefined
  plugin: string
  error: string | undefined
}

export function isFailure(rcode: number): boolean {
  return rcode === RCODES.SERVFAIL || rcode === RCODES.NOTIMP
}
