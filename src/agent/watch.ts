import type { Clock, Timer } from '../plugin/clock.ts'

/** Something that is looked at again and again, never twice at once. */
export class Watch {
  readonly #timer: Timer
  #look: Promise<void> | undefined

  /** @param interval milliseconds; a look that takes longer is waited for */
  constructor(clock: Clock, interval: number, look: () => Promise<void>) {
    this.#timer = clock.interval(interval, () => {
      this.#look ??= look().finally(() => {
        this.#look = undefined
      })
    })
  }

  /** No more looks. @returns when the last one is over */
  async end(): Promise<void> {
    this.#timer.cancel()
    await this.#look
  }
}
