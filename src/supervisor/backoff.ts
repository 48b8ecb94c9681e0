/** Milliseconds that a worker must have served for its death to be no failure to start. */
const STABLE = 500
/** Deaths in a row that are answered at once. */
const AT_ONCE = 2
/** Milliseconds to wait after the next one, doubled with each further one, up to the longest pause. */
const FIRST_PAUSE = 200
const LONGEST_PAUSE = 10_000

/** How long to wait before a worker that died is replaced: not at all, unless one after the other dies at its start. */
export class Backoff {
  #failures = 0

  /** Whether workers die faster than they can be replaced. */
  get failing(): boolean {
    return this.#failures > AT_ONCE
  }

  /** @param served milliseconds that the worker has served, 0 when it never did @returns milliseconds to wait */
  next(served: number): number {
    this.#failures = served >= STABLE ? 0 : this.#failures + 1
    if (!this.failing) return 0
    return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.#failures - AT_ONCE - 1))
  }
}
