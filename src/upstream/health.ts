import type { Clock, Timer } from '../plugin/clock.ts'

export interface HealthOptions {
  clock: Clock
  /** Milliseconds between probes. */
  interval: number
  /** Failed probes that an upstream may have and still be up; 0 is any number, and then nothing is probed. */
  maxFails: number
  /** Sends a probe. @returns whether anything came back */
  probe(): Promise<boolean>
  /** A probe failed. */
  failed(): void
}

/**
 * Health of one upstream. Nothing is probed while queries succeed; after a failed one, probes go out until one succeeds. Only failed
 * probes count: a name that cannot be answered takes no upstream down.
 */
export class Health {
  readonly #options: HealthOptions
  #fails = 0
  #probing = false
  #stopped = false
  #timer: Timer | undefined

  constructor(options: HealthOptions) {
    this.#options = options
  }

  get isDown(): boolean {
    return this.#options.maxFails > 0 && this.#fails > this.#options.maxFails
  }

  /** A query failed: probes until one succeeds, unless that is going on already. */
  check(): void {
    if (this.#probing || this.#stopped || this.#options.maxFails === 0) return
    this.#probing = true
    void this.#probe()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #probe(): Promise<void> {
    const { clock, interval, probe, failed } = this.#options
    const healthy = await probe()
    if (this.#stopped) return
    if (healthy) {
      this.#fails = 0
      this.#probing = false
      return
    }
    this.#fails++
    failed()
    this.#timer = clock.timeout(Math.max(MIN_INTERVAL, interval), () => void this.#probe())
  }
}

/** Milliseconds; shorter intervals would burn CPU for nothing. */
const MIN_INTERVAL = 10
