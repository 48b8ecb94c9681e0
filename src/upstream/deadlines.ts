import type { Clock, Timer } from '../plugin/clock.ts'

/** Where something stands among what waits with it. */
export interface Place<T> {
  /** Monotonic milliseconds. */
  readonly added: number
  older: T | undefined
  newer: T | undefined
}

export interface Expirable<T> {
  /** Belongs to the Deadlines that it waits in, one at a time. */
  place?: Place<T> | undefined
  /** Its time is up. It has been taken out already. */
  expire(): void
}

/**
 * Things that expire a fixed time after they were added: one sweep for all instead of a timer each. A deadline is met
 * up to one twentieth of that time late. The sweep runs only while something waits.
 */
export class Deadlines<T extends Expirable<T>> {
  readonly milliseconds: number
  readonly #clock: Clock
  // A list of its own, not a Map, for the reason that Table has.
  #oldest: T | undefined
  #newest: T | undefined
  #size = 0
  #sweep: Timer | undefined

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock
    this.milliseconds = milliseconds
  }

  get size(): number {
    return this.#size
  }

  /** The one that waits longest, and for how many milliseconds. */
  get oldest(): { item: T; waited: number } | undefined {
    const item = this.#oldest
    return item && { item, waited: this.#clock.monotonic() - item.place!.added }
  }

  /** Adds it, or starts its time anew. @param now monotonic milliseconds */
  add(item: T, now = this.#clock.monotonic()): void {
    this.delete(item)
    item.place = { added: now, older: this.#newest, newer: undefined }
    if (this.#newest) this.#newest.place!.newer = item
    else this.#oldest = item
    this.#newest = item
    this.#size++
    this.#sweep ??= this.#clock.interval(Math.min(100, Math.max(1, this.milliseconds / 20)), () => this.#expire())
  }

  delete(item: T): void {
    if (!item.place) return
    const { older, newer } = item.place
    item.place = undefined
    if (older) older.place!.newer = newer
    else this.#oldest = newer
    if (newer) newer.place!.older = older
    else this.#newest = older
    this.#size--
  }

  /** Expires everything now. */
  close(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
    for (let item = this.#oldest; item; item = this.#oldest) {
      this.delete(item)
      item.expire()
    }
  }

  #expire(): void {
    const before = this.#clock.monotonic() - this.milliseconds
    for (let item = this.#oldest; item && item.place!.added <= before; item = this.#oldest) {
      this.delete(item)
      item.expire()
    }
    if (this.#size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }
}
