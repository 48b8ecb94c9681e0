import type { Family, Gauge, Metrics } from '../plugin/index.ts'

/**
 * Gauges say what is now, so they go with what they tell of: a gauge is shown as long as a generation holds it. Counters and histograms say
 * what was, and stay.
 */
export class HeldGauges {
  /** How many generations hold a gauge, by its name and label values. */
  readonly #holders = new Map<string, number>()

  /** The metrics as a new generation sees them. */
  hold(metrics: Metrics): GaugeHold {
    return new GaugeHold(metrics, this.#holders)
  }
}

/** The metrics of one generation, with the gauges that it holds. */
export class GaugeHold {
  readonly metrics: Metrics
  readonly #holders: Map<string, number>
  /** Removes a gauge, by its name and label values. */
  readonly #own = new Map<string, () => void>()

  constructor(metrics: Metrics, holders: Map<string, number>) {
    this.#holders = holders
    this.metrics = {
      counter: metrics.counter,
      histogram: metrics.histogram,
      scrape: metrics.scrape,
      gauge: (name, help, labels, merge) => this.#watch(name, metrics.gauge(name, help, labels, merge)),
    }
  }

  #watch(name: string, family: Family<Gauge>): Family<Gauge> {
    return {
      with: (...values) => {
        const key = JSON.stringify([name, values])
        if (!this.#own.has(key)) {
          this.#own.set(key, () => family.remove(...values))
          this.#holders.set(key, (this.#holders.get(key) ?? 0) + 1)
        }
        return family.with(...values)
      },
      remove: (...values) => family.remove(...values),
      clear: () => family.clear(),
    }
  }

  /** Lets go of all its gauges; those that nobody holds any more are gone. */
  release(): void {
    for (const [key, remove] of this.#own) {
      const left = this.#holders.get(key)! - 1
      if (left > 0) this.#holders.set(key, left)
      else {
        this.#holders.delete(key)
        remove()
      }
    }
    this.#own.clear()
  }
}
