import type { Clock, Timer } from '../plugin/clock.ts'

/** A clock that stands still until {@link FakeClock.advance}; starts at 2026-01-01. */
export class FakeClock implements Clock {
  #now = 0
  #start = Date.UTC(2026, 0, 1)
  #timers = new Set<{ due: number; every: number | undefined; callback: () => void }>()

  monotonic(): number {
    return this.#now
  }

  wall(): number {
    return this.#start + this.#now
  }

  timeout(milliseconds: number, callback: () => void): Timer {
    return this.#add(milliseconds, undefined, callback)
  }

  interval(milliseconds: number, callback: () => void): Timer {
    return this.#add(milliseconds, Math.max(1, milliseconds), callback)
  }

  #add(milliseconds: number, every: number | undefined, callback: () => void): Timer {
    const timer = { due: this.#now + milliseconds, every, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves on, calls what falls due in its order, and lets promises settle after each call. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (;;) {
      await settle()
      const next = [...this.#timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0]
      if (!next) break
      this.#now = Math.max(this.#now, next.due)
      if (next.every === undefined) this.#timers.delete(next)
      else next.due += next.every
      next.callback()
    }
    this.#now = end
    await settle()
  }
}

/** Lets all promises that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
