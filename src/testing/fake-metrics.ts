import type { Counter, Family, Gauge, Histogram, Metrics } from '../plugin/metrics.ts'

/** Metrics that can be looked at: `metrics.value('coredns_x_total', 'label')`. Histograms count their observations. */
export class FakeMetrics implements Metrics {
  readonly values = new Map<string, number>()

  value(name: string, ...labels: string[]): number | undefined {
    return this.values.get([name, ...labels].join('|'))
  }

  counter(name: string): Family<Counter> {
    return this.#family(name)
  }

  gauge(name: string): Family<Gauge> {
    return this.#family(name)
  }

  histogram(name: string): Family<Histogram> {
    return this.#family(name)
  }

  async scrape(): Promise<{ contentType: string; body: string }> {
    return { contentType: 'text/plain', body: [...this.values].map(([key, value]) => `${key} ${value}`).join('\n') }
  }

  #family(name: string): Family<Counter & Gauge & Histogram> {
    const key = (labels: readonly string[]) => [name, ...labels].join('|')
    const add = (at: string, by: number) => this.values.set(at, (this.values.get(at) ?? 0) + by)
    return {
      with: (...labels) => {
        const at = key(labels)
        return {
          inc: (by = 1) => void add(at, by),
          dec: (by = 1) => void add(at, -by),
          set: (value) => void this.values.set(at, value),
          observe: () => void add(at, 1),
        }
      },
      remove: (...labels) => void this.values.delete(key(labels)),
      clear: () => {
        for (const at of this.values.keys()) if (at === name || at.startsWith(`${name}|`)) this.values.delete(at)
      },
    }
  }
}
