import type { Counter, Family, Listener, Metrics } from '../plugin/index.ts'

/** A counter with the labels server, zone and view. Once the labels of a query were seen, counting another like it looks nothing up by text. */
export class ZoneCounter {
  readonly #family: Family<Counter>
  readonly #view: string
  readonly #children = new Map<Listener, Map<string, Counter>>()

  /** @param view of the block that counts */
  constructor(metrics: Metrics, name: string, help: string, view: string) {
    this.#family = metrics.counter(name, help, ['server', 'zone', 'view'])
    this.#view = view
  }

  inc(listener: Listener, zone: string): void {
    let zones = this.#children.get(listener)
    if (!zones) {
      zones = new Map()
      this.#children.set(listener, zones)
    }
    let counter = zones.get(zone)
    if (!counter) {
      counter = this.#family.with(listener.server, zone, this.#view)
      zones.set(zone, counter)
    }
    counter.inc()
  }
}
