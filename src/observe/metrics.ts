/**
 * The metrics of the process. Counting is plain arithmetic on own objects; prom-client, which only this module imports, prints them
 * when someone scrapes.
 */
import type { Metric, Registry } from 'prom-client'
import type { Metrics } from '../plugin/index.ts'
import { type Child, HistogramChild, MetricFamily, type MetricType, NumberChild } from './metric-family.ts'

/** What `coredns_build_info` says. */
export interface BuildInfo {
  version: string
  /** Commit it was built from; may be empty. */
  revision: string
}

/**
 * Makes the registry. Asking it for a name again gives the same family, and throws when kind or labels differ. The first scrape
 * loads prom-client and starts its metrics of the process (`process_*`, `nodejs_*`).
 */
export function createMetrics(build?: BuildInfo): Metrics {
  const families = new Map<string, MetricFamily>()
  let registry: Promise<Registry> | undefined

  function family<C extends Child>(
    type: MetricType,
    name: string,
    help: string,
    labels: readonly string[],
    make: () => C,
  ): MetricFamily<C> {
    const known = families.get(name)
    if (!known) {
      const created = new MetricFamily(type, name, help, labels, make)
      families.set(name, created)
      return created
    }
    if (known.type !== type || known.labels.join() !== labels.join()) {
      throw new Error(
        `metric ${name} is a ${known.type} with the labels [${known.labels}], not a ${type} with [${labels}]`,
      )
    }
    return known as MetricFamily<C>
  }

  const metrics: Metrics = {
    counter: (name, help, labels = []) => family('counter', name, help, labels, () => new NumberChild()),
    gauge: (name, help, labels = []) => family('gauge', name, help, labels, () => new NumberChild()),
    histogram: (name, help, buckets, labels = []) =>
      family('histogram', name, help, labels, () => new HistogramChild(buckets)),
    async scrape() {
      registry ??= startProcessMetrics()
      const printed = await registry
      for (const each of families.values()) {
        if (each.empty) printed.removeSingleMetric(each.name)
        else printed.registerMetric(each as unknown as Metric)
      }
      return { contentType: printed.contentType, body: await printed.metrics() }
    },
  }
  if (build) {
    metrics
      .gauge('coredns_build_info', 'Always 1; its labels say what runs.', ['version', 'revision', 'goversion'])
      .with(build.version, build.revision, `node${process.versions.node}`)
      .set(1)
  }
  return metrics
}

/** Gauges whose names end as only counters' may: linters reject them. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total']

/** Milliseconds between samples of the event loop's delay; prom-client's own 10 would wake an idle process 100 times a second. */
const EVENT_LOOP_PRECISION = 100

async function startProcessMetrics(): Promise<Registry> {
  const { Registry, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
}
