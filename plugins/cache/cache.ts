import {
  AD,
  isPending,
  type Next,
  OPCODES,
  type PluginContext,
  type Query,
  RCODES,
  RD,
  type Reply,
  type ResponseType,
  ZoneList,
} from 'corelet/plugin'
import type { Entry, Fresh, PartName } from './entry.ts'
import { type Counters, createCounters } from './metrics.ts'
import type { CacheOptions } from './options.ts'
import type { Store } from './store.ts'
import { judge, type Verdict } from './verdict.ts'

/** Seconds that a failure of the rest of the chain is remembered (RFC 9520 §3.2). */
const FAILURE_TTL = 1

/** Refreshes under way at a time; expired entries are served without one when there are more. */
const MAX_REFRESHES = 1000

const UNFIT: ReadonlySet<ResponseType> = new Set(['OTHERERROR', 'META', 'UPDATE'])

const hitReason = (reply: Reply) => `hit, ${reply.ttl} s left`

/** The cache of one server block. */
export class Cache {
  readonly #options: CacheOptions
  readonly #context: PluginContext
  readonly #store: Store
  readonly #countersOf: (listener: Query['listener']) => Counters
  /** undefined for all names. */
  readonly #zones: ZoneList | undefined
  readonly #disabled: Record<'success' | 'denial', ZoneList>
  #refreshes = 0

  /** @param store what it holds, perhaps already */
  constructor(options: CacheOptions, store: Store, context: PluginContext) {
    this.#options = options
    this.#context = context
    this.#store = store
    this.#countersOf = createCounters(context.metrics, options.zones.join(','), context.block.view)
    this.#zones = options.zones.includes('.') ? undefined : new ZoneList(options.zones)
    this.#disabled = {
      success: new ZoneList(options.success.disabled),
      denial: new ZoneList(options.denial.disabled),
    }
  }

  /** Publishes how full it is: after a reload the metrics still say what the cache before it held. */
  publish(): void {
    for (const listener of this.#context.block.listeners) this.#countersOf(listener).publish(this.#store)
  }

  /** Answers from the cache, without a promise, or asks the rest of the chain and keeps what it says. */
  serve(query: Query, next: Next): Reply | Promise<Reply> {
    if (query.opcode !== OPCODES.QUERY || (this.#zones && !this.#zones.takes(query))) return next(query)
    const counters = this.#countersOf(query.listener)
    counters.requests.inc()
    const now = this.#context.clock.monotonic()
    const entry = this.#store.find(query, now)
    if (!entry) {
      counters.misses.inc()
      const result = next(asking(query))
      if (!isPending(result)) return this.#answer(query, result, counters)
      return result.then((reply) => this.#answer(query, reply, counters))
    }
    counters.hits[entry.part].inc()
    const left = entry.remaining(now)
    if (left <= 0) return this.#serveStale(query, entry, next, counters)
    if (this.#options.prefetch.amount > 0 && this.#isPopular(entry, left, now)) {
      this.#refreshInBackground(query, entry, next, counters)
    }
    publishWildcard(query, entry)
    return entry.toReply(query, this.#options.keepTtl ? entry.ttl : left, hitReason)
  }

  /** The answer to a miss. Its records all get the time that it may be kept as their TTL, kept or not. */
  #answer(query: Query, reply: Reply, counters: Counters): Reply {
    if (!reply.wire) {
      if (reply.kind === 'failure' && reply.rcode === RCODES.SERVFAIL) this.#keepFailure(query, reply, counters)
      return reply
    }
    const verdict = judge(query, reply, this.#options, this.#context.clock.wall() / 1000)
    this.#keep(query, reply, verdict, counters)
    return toClient(query, reply, verdict.ttl)
  }

  #keep(query: Query, reply: Reply, verdict: Verdict, counters: Counters): boolean {
    const { part, ttl, positive } = verdict
    if (!part) return false
    if (!verdict.matches) {
      counters.drops.inc()
      return false
    }
    if (this.#isDisabled(part, query)) return false
    const storedAt = this.#context.clock.monotonic()
    this.#store.put(query, reply, { part, ttl, storedAt, positive, wildcard: query.metadata('zone/wildcard') })
    counters.publish(this.#store)
    return true
  }

  #isDisabled(part: PartName, query: Query): boolean {
    const zones = this.#disabled[part]
    return zones.size > 0 && zones.has(query.key)
  }

  #keepFailure(query: Query, reply: Reply, counters: Counters): void {
    if (this.#options.servfail === 0 || this.#isDisabled('denial', query)) return
    // it says something of the server or of the client's patience, not of the name
    if (!query.origin.mayWait || query.signal?.aborted) return
    const storedAt = this.#context.clock.monotonic()
    this.#store.put(query, reply, { part: 'denial', ttl: FAILURE_TTL, storedAt, positive: false })
    counters.publish(this.#store)
  }

  /** Counts a hit for prefetch. @returns whether the entry is popular and near its end */
  #isPopular(entry: Entry, left: number, now: number): boolean {
    const { amount, within, share } = this.#options.prefetch
    entry.hits = now - entry.lastHit <= within ? entry.hits + 1 : 1
    entry.lastHit = now
    return entry.hits >= amount && left <= Math.ceil(share * entry.ttl) && !entry.failure
  }

  #serveStale(query: Query, entry: Entry, next: Next, counters: Counters): Reply | Promise<Reply> {
    const { stale, keepTtl } = this.#options
    const { clock } = this.#context
    const serve = () => {
      counters.stale.inc()
      publishWildcard(query, entry)
      const ttl = stale.ttl > 0 || !keepTtl ? stale.ttl : entry.ttl
      return entry.toReply(query, ttl, `stale, expired ${-entry.remaining(clock.monotonic())} s ago`)
    }
    if (!stale.verify) {
      this.#refreshInBackground(query, entry, next, counters)
      return serve()
    }
    if (!query.origin.mayWait || (!entry.refreshing && !this.#mayRefresh(entry, counters))) return serve()
    if (stale.timeout === 0) {
      const refresh = this.#refresh(asking(query), entry, next, counters)
      return refresh.then((fresh) => {
        if (!fresh) return serve()
        query.copyMetadata(fresh.asked)
        return toClient(query, fresh.reply, fresh.ttl)
      })
    }
    const refresh = this.#refresh(asking(query).over('tcp'), entry, next, counters)
    return new Promise<Fresh | undefined>((resolve) => {
      const timer = clock.timeout(stale.timeout, () => resolve(undefined))
      refresh.then((fresh) => {
        timer.cancel()
        resolve(fresh)
      })
    }).then((fresh) => {
      if (!fresh) return serve()
      query.copyMetadata(fresh.asked)
      return fresh.entry?.toReply(query, fresh.ttl, 'verified') ?? toClient(query, fresh.reply, fresh.ttl)
    })
  }

  #refreshInBackground(query: Query, entry: Entry, next: Next, counters: Counters): void {
    if (entry.refreshing || !this.#mayRefresh(entry, counters)) return
    counters.prefetches.inc()
    this.#refresh(asking(query).over('tcp'), entry, next, counters)
  }

  #mayRefresh(entry: Entry, counters: Counters): boolean {
    if (this.#context.clock.monotonic() < entry.retryAt) return false
    if (this.#refreshes < MAX_REFRESHES) return true
    counters.withheld.inc()
    return false
  }

  /** Asks the rest of the chain anew, once at a time for an entry. Never rejects; undefined when the entry is the best there is. */
  #refresh(asked: Query, old: Entry, next: Next, counters: Counters): Promise<Fresh | undefined> {
    if (old.refreshing) return old.refreshing
    this.#refreshes++
    old.refreshing = this.#askAnew(asked, old, next, counters).finally(() => {
      this.#refreshes--
      old.refreshing = undefined
    })
    return old.refreshing
  }

  async #askAnew(asked: Query, old: Entry, next: Next, counters: Counters): Promise<Fresh | undefined> {
    const { stale, servfail } = this.#options
    const { clock, log } = this.#context
    let fresh: Fresh | undefined
    try {
      fresh = this.#accept(asked, old, await next(asked), counters)
    } catch (error) {
      log.error(`refresh of ${asked.name} ${asked.type} failed: ${error instanceof Error ? error.message : error}`)
    }
    if (!fresh) old.retryAt = clock.monotonic() + Math.max(stale.recheck, servfail > 0 ? FAILURE_TTL * 1000 : 0)
    return fresh
  }

  /** Keeps the outcome of a refresh if it says what the name now has; a failure is thrown away. */
  #accept(asked: Query, old: Entry, reply: Reply, counters: Counters): Fresh | undefined {
    if (!reply.wire || reply.truncated) return undefined
    if (reply.rcode !== RCODES.NOERROR && reply.rcode !== RCODES.NXDOMAIN) return undefined
    const verdict = judge(asked, reply, this.#options, this.#context.clock.wall() / 1000)
    if (!verdict.matches || UNFIT.has(verdict.type)) return undefined
    const kept = this.#keep(asked, reply, verdict, counters)
    const entry = kept ? this.#store.find(asked, this.#context.clock.monotonic()) : undefined
    if (entry) {
      entry.hits = old.hits
      entry.lastHit = old.lastHit
    }
    if (this.#options.stale.preferPositive && !verdict.positive) return undefined
    return { asked, reply, ttl: verdict.ttl, entry }
  }
}

/** The query for the rest of the chain: with AD set, so that the answer serves those that ask for AD too. */
function asking(query: Query): Query {
  return query.flags & AD ? query : query.with({ flags: query.flags | AD })
}

/** The answer of the rest of the chain as this client gets it. */
function toClient(query: Query, reply: Reply, ttl: number): Reply {
  const flags = query.flags & AD || query.dnssecOk ? reply.flags : reply.flags & ~AD
  return reply.copy({ ttl, flags: (flags & ~RD) | (query.flags & RD), options: [] })
}

function publishWildcard(query: Query, { wildcard }: Entry): void {
  if (wildcard !== undefined) query.setMetadata('zone/wildcard', () => wildcard)
}
