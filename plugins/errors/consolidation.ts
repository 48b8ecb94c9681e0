import { type Clock, formatDuration, type Logger, type Regex, type Timer } from 'corelet/plugin'

export const LEVELS = ['warning', 'error', 'info', 'debug'] as const

export interface ConsolidationOptions {
  /** Milliseconds. */
  period: number
  pattern: Regex
  level: (typeof LEVELS)[number]
  /** The first error of a period is logged as it is. */
  showFirst: boolean
}

/** Counts the errors of one pattern and logs the count when the period that the first one began is over. */
export class Consolidation {
  readonly #options: ConsolidationOptions
  readonly #log: Logger
  readonly #clock: Clock
  #errors = 0
  #timer: Timer | undefined
  #stopped = false

  constructor(options: ConsolidationOptions, log: Logger, clock: Clock) {
    this.#options = options
    this.#log = log
    this.#clock = clock
  }

  /** Whether it takes the error; none any more once stopped. */
  matches(error: string): boolean {
    return !this.#stopped && this.#options.pattern.test(error)
  }

  /** Takes an error that matches. @param line what is logged when it stands alone */
  count(line: string): void {
    const { period, level, showFirst } = this.#options
    this.#errors++
    if (this.#errors > 1) return
    if (showFirst) this.#log[level](line)
    this.#timer = this.#clock.timeout(Math.max(period, 0), () => this.#summarize())
  }

  /** Logs what was counted so far. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#summarize()
  }

  #summarize(): void {
    const { period, pattern, level, showFirst } = this.#options
    const errors = this.#errors
    this.#errors = 0
    if (errors === 0 || (errors === 1 && showFirst)) return
    this.#log[level](`${errors} errors like '${pattern.source}' occurred in last ${formatDuration(period)}`)
  }
}
