import { AA, AD, CD, type Query, RA, RCODES, Reply, type ReplyScan } from 'corelet/plugin'

/**
 * Octets of memory that an entry takes beside its message and key: objects, typed arrays and its place in the LRU list.
 * Measured with test/bench/cache-hit.ts.
 */
export const OVERHEAD = 1100

/** Bit of the EDNS flags (RFC 3225). */
const DO = 0x8000

const NO_OPTIONS: Reply['options'] = []
const NO_SIGNATURES: ReplyScan['rrsigs'] = []

/** The key of a query's answer: name, type, class, DO and CD (RFC 4035 §3.2, RFC 6840 §5.9). */
export function toCacheKey(query: Query): string {
  return query.questionKey((query.ednsFlags & DO ? 2 : 0) | (query.flags & CD ? 1 : 0))
}

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

/** One cached answer or failure: octets that are never decoded, and what hits and refreshes need to know. */
export class Entry {
  readonly part: PartName
  readonly rcode: number
  readonly ttl: number
  readonly storedAt: number
  readonly positive: boolean
  readonly wildcard: string | undefined
  /** With prefer_positive: the positive entry whose place this one took. */
  lastPositive: Entry | undefined
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

  /** Copies what it keeps, so that neither the reply nor the buffer it came in stays in memory. */
  constructor(reply: Reply, facts: EntryFacts) {
    this.part = facts.part
    this.rcode = reply.rcode
    this.ttl = facts.ttl
    this.storedAt = facts.storedAt
    this.positive = facts.positive
    this.wildcard = facts.wildcard
    this.#wire = reply.wire && new Uint8Array(reply.wire)
    this.#scan = reply.scan && compact(reply.scan)
    this.#flags = reply.flags & (RA | AD)
    this.#plugin = reply.plugin
    this.#error = reply.error instanceof Error ? reply.error.message : reply.error
  }

  /** SERVFAIL and NOTIMP are forgotten once they expire (RFC 2308 §7.1), with serve_stale too. */
  get failure(): boolean {
    return this.rcode === RCODES.SERVFAIL || this.rcode === RCODES.NOTIMP
  }

  /** Octets of memory, the key not counted. */
  get size(): number {
    const own = OVERHEAD + (this.#wire?.length ?? 0) + 8 * (this.#scan?.ttlOffsets.length ?? 0)
    return this.lastPositive ? own + this.lastPositive.size : own
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

/** The scan in as little memory as possible. */
function compact(scan: ReplyScan): ReplyScan {
  return {
    ...scan,
    ttlOffsets: scan.ttlOffsets.slice(),
    rrsigs: scan.rrsigs.length > 0 ? scan.rrsigs : NO_SIGNATURES,
  }
}
