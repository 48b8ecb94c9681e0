/** Metrics as plugins see them. Names are whole (`coredns_cache_hits_total`); asking for one again gives the same family. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Family<Counter>
  /** @param merge what is shown when several processes serve; `sum` when left out */
  gauge(name: string, help: string, labels?: readonly string[], merge?: Merge): Family<Gauge>
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Family<Histogram>
  /** All metrics in the Prometheus text format. */
  scrape(): Promise<{ contentType: string; body: string }>
}

/** What a gauge shows of the values that several processes have: their sum, or the largest where all of them tell the same. */
export type Merge = 'sum' | 'max'

/**
 * A metric with labels. A child appears in the scrape from its first observation; a family without labels from the start.
 * `with` is a map look-up: hot paths keep the child.
 */
export interface Family<Child> {
  with(...labels: readonly string[]): Child
  remove(...labels: readonly string[]): void
  clear(): void
}

export interface Counter {
  inc(by?: number): void
}

export interface Gauge {
  set(value: number): void
  inc(by?: number): void
  dec(by?: number): void
}

export interface Histogram {
  observe(value: number): void
}

/** Seconds: 0.25 ms doubled 15 times. */
export const TIME_BUCKETS: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i)
/** Seconds: 0.25 ms times ten, four times. */
export const SLIM_TIME_BUCKETS: readonly number[] = [0.00025, 0.0025, 0.025, 0.25, 2.5]
/** Octets; 8291 is CoreDNS's figure. */
export const SIZE_BUCKETS: readonly number[] = [
  0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000,
]
