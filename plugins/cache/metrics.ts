import type { Counter, Gauge, Listener, Metrics } from 'corelet/plugin'
import type { PartName } from './entry.ts'
import type { Store } from './store.ts'

/** The metrics of one cache on one listener. */
export interface Counters {
  requests: Counter
  hits: Record<PartName, Counter>
  misses: Counter
  prefetches: Counter
  drops: Counter
  stale: Counter
  /** Refreshes that were due and not begun, as too many are under way. */
  withheld: Counter
  /** Publishes how many entries there are and how many were evicted. */
  publish(store: Store): void
}

/** Makes the metrics of a cache; `zones` is their label. @returns what gives those of a listener */
export function createCounters(metrics: Metrics, zones: string, view: string): (listener: Listener) => Counters {
  const labels = ['server', 'zones', 'view']
  const typed = ['server', 'type', 'zones', 'view']
  const counter = (name: string, help: string, names = labels) =>
    metrics.counter(`coredns_cache_${name}_total`, help, names)
  const families = {
    entries: metrics.gauge('coredns_cache_entries', 'The number of elements in the cache.', typed),
    requests: counter('requests', 'The count of cache requests.'),
    hits: counter('hits', 'The count of cache hits.', typed),
    misses: counter('misses', 'The count of cache misses. Deprecated, derive misses from hits and requests.'),
    prefetches: counter('prefetch', 'The number of times the cache has fetched an answer anew in the background.'),
    drops: counter('drops', 'The number of answers that were not kept because they belong to another question.'),
    stale: counter('served_stale', 'The number of requests served from stale entries.'),
    withheld: metrics.counter(
      'corelet_cache_withheld_refreshes_total',
      'The number of refreshes that were due and not begun because too many were under way.',
      labels,
    ),
    evictions: counter('evictions', 'The count of cache evictions.', typed),
  }
  const create = ({ server }: Listener): Counters => {
    const both = <Child>(family: { with(...labels: string[]): Child }): Record<PartName, Child> => ({
      success: family.with(server, 'success', zones, view),
      denial: family.with(server, 'denial', zones, view),
    })
    const entries: Record<PartName, Gauge> = both(families.entries)
    const evictions = both(families.evictions)
    const publishPart = (store: Store, part: PartName) => {
      entries[part].set(store.count(part))
      const evicted = store.takeEvicted(part)
      if (evicted > 0) evictions[part].inc(evicted)
    }
    return {
      requests: families.requests.with(server, zones, view),
      hits: both(families.hits),
      misses: families.misses.with(server, zones, view),
      prefetches: families.prefetches.with(server, zones, view),
      drops: families.drops.with(server, zones, view),
      stale: families.stale.with(server, zones, view),
      withheld: families.withheld.with(server, zones, view),
      publish(store) {
        publishPart(store, 'success')
        publishPart(store, 'denial')
      },
    }
  }
  const known = new Map<Listener, Counters>()
  return (listener) => {
    const found = known.get(listener)
    if (found) return found
    const created = create(listener)
    known.set(listener, created)
    return created
  }
}
