import type { Clock } from '../plugin/index.ts'

export interface ThrottleLimits {
  /** Requests per second; 0 is without limit. */
  perSecond: number
  /** Requests that may come at once. */
  burst: number
  /** Requests under way; 0 is without limit. */
  inFlight: number
}

/** Holds requests back: so many per second, with a burst, and so many at a time. In the order in which they came. */
export class Throttle {
  readonly #limits: ThrottleLimits
  readonly #clock: Clock
  #tokens: number
  #filled: number
  #inFlight = 0
  #last: Promise<unknown> = Promise.resolve()
  #freed: (() => void) | undefined

  constructor(limits: ThrottleLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#tokens = limits.burst
    this.#filled = clock.monotonic()
  }

  /** Waits for its turn. @returns what to call when the request is over @throws (rejects) when it is aborted */
  enter(signal: AbortSignal): Promise<() => void> {
    const turn = this.#last.then(() => this.#take(signal))
    this.#last = turn.catch(() => {})
    return turn
  }

  async #take(signal: AbortSignal): Promise<() => void> {
    const { inFlight } = this.#limits
    while (inFlight > 0 && this.#inFlight >= inFlight) await new Promise<void>((resolve) => (this.#freed = resolve))
    const wait = this.#untilToken()
    if (wait > 0) await new Promise<void>((resolve) => this.#clock.timeout(wait, resolve))
    signal.throwIfAborted()
    this.#inFlight++
    return () => {
      this.#inFlight--
      this.#freed?.()
    }
  }

  /** Takes a token. @returns milliseconds until it is there */
  #untilToken(): number {
    const { perSecond, burst } = this.#limits
    if (perSecond === 0) return 0
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(Math.max(burst, 1), this.#tokens + ((now - this.#filled) * perSecond) / 1000)
    this.#filled = now
    this.#tokens--
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / perSecond
  }
}
