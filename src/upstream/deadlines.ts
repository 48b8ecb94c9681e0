import type { Clock, Timer } from '../plugin/clock.ts'

export interface Expirable {
  /** Its time is up. It has been taken out already. */
  expire(): void
}

/**
 * Things that expire a fixed time after they were added: one sweep for all instead of a timer each. A deadline is met
 * up to one twentieth of that time late. The sweep runs only while something waits.
 */
export class Deadlines<T extends Expirable> {
  readonly milliseconds: number
  readonly #clock: Clock
  readonly #added = new Map<T, number>()
  #sweep: Timer | undefined

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock
    this.milliseconds = milliseconds
  }

  get size(): number {
    return this.#added.size
  }

  /** The one that waits longest, and for how many milliseconds. */
  get oldest(): { item: T; waited: number } | undefined {
    for (const [item, added] of this.#added) return { item, waited: this.#clock.monotonic() - added }
    return undefined
  }

  /** Adds it, or starts its time anew. */
  add(item: T): void {
    this.#added.delete(item)
    this.#added.set(item, this.#clock.monotonic())
    this.#sweep ??= this.#clock.interval(Math.min(100, Math.max(1, this.milliseconds / 20)), () => this.#expire())
  }

  delete(item: T): void {
    this.#added.delete(item)
  }

  /** Expires everything now. */
  close(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
    for (const item of [...this.#added.keys()]) {
      this.#added.delete(item)
      item.expire()
    }
  }

  #expire(): void {
    const before = this.#clock.monotonic() - this.milliseconds
    for (const [item, added] of this.#added) {
      if (added > before) break
      this.#added.delete(item)
      item.expire()
    }
    if (this.#added.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }
}
