/** Characters of standard error that are kept. */
const KEPT = 4096
/** Characters of it that a log line shows. */
const SHOWN = 600

/** Why a worker ended; the label `reason` of `corelet_worker_restarts_total`. */
export type Reason = 'stuck' | 'memory' | 'signal' | 'error' | 'exit'

/** The end of what a worker wrote to standard error. */
export class LastWords {
  #text = ''

  add(chunk: string): void {
    this.#text = (this.#text + chunk).slice(-KEPT)
  }

  /** Why it ended, from its exit status and what it said. @param code null when a signal ended it */
  reason(code: number | null): Reason {
    if (/heap out of memory|Allocation failed - process out of memory/.test(this.#text)) return 'memory'
    if (code === null) return 'signal'
    return code === 0 ? 'exit' : 'error'
  }

  /** The lines that say most: that of the error and what follows it. */
  toString(): string {
    const start = this.#text.search(/^(panic: |FATAL ERROR: |\w*Error\b)/m)
    return this.#text.slice(Math.max(0, start)).trim().slice(0, SHOWN)
  }
}
