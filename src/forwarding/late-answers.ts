import type { Clock, Query } from '../plugin/index.ts'
import { canShare, flightHash } from './flight.ts'
import type { Outcome } from './outcome.ts'

/** Milliseconds that an answer waits for somebody to ask for it again: longer than a cache keeps a failure. */
const PATIENCE = 10_000

/** Answers that wait; those that came first go first. */
const MOST = 256

/** Answers that came after their clients were told that there is none, for the next one with the same question. */
export class LateAnswers {
  readonly #clock: Clock
  readonly #kept = new Map<number, { query: Query; outcome: Outcome; until: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  put(query: Query, outcome: Outcome): void {
    const hash = flightHash(query)
    if (hash === undefined) return
    const now = this.#clock.monotonic()
    this.#kept.delete(hash)
    for (const [key, { until }] of this.#kept) {
      if (until > now && this.#kept.size < MOST) break
      this.#kept.delete(key)
    }
    this.#kept.set(hash, { query, outcome, until: now + PATIENCE })
  }

  /** The answer to a query, which nobody else gets. */
  take(query: Query): Outcome | undefined {
    if (this.#kept.size === 0) return undefined
    const hash = flightHash(query)
    const kept = hash === undefined ? undefined : this.#kept.get(hash)
    if (!kept || !canShare(kept.query, query)) return undefined
    this.#kept.delete(hash!)
    return kept.until > this.#clock.monotonic() ? kept.outcome : undefined
  }
}
