/**
 * The metrics of the process. Counting is plain arithmetic on own objects; prom-client, which only this module imports, prints them
 * when someone scrapes.
 */
import type { Metric, Registry } from 'prom-client'
import type { Merge, Metrics } from '../plugin/index.ts'
import {
  type Child,
  type ExportedFamily,
  HistogramChild,
  MetricFamily,
  type MetricType,
  NumberChild,
} from './metric-family.ts'

/** What `coredns_build_info` says. */
export interface BuildInfo {
  version: string
  /** Commit it was built from; may be empty. */
  revision: string
}

/** Asks the other processes of the server for their metrics. @param own those of this one */
export type AskOthers = (own: readonly ExportedFamily[]) => Promise<readonly (readonly ExportedFamily[])[]>

/** The metrics of a process that may be one of several. */
export interface ProcessMetrics extends Metrics {
  /** Those of this process alone, for another one that adds them to its own. */
  export(): Promise<ExportedFamily[]>
  /** Removes what was counted and measured for a label value that is of no interest any more. */
  forget(label: string, value: string): void
  /** From now on a scrape has the metrics of all processes: counters, histograms and most gauges are their sums. */
  merge(others: AskOthers): void
}

/**
 * Makes the registry. Asking it for a name again gives the same family, and throws when kind or labels differ. The first scrape
 * loads prom-client and starts its metrics of the process (`process_*`, `nodejs_*`).
 */
export function createMetrics(build?: BuildInfo): ProcessMetrics {
  const families = new Map<string, MetricFamily>()
  const refused = family(
    'counter',
    REFUSED,
    'Times that a metric was asked for with further label values than it may have.',
    ['metric'],
    () => new NumberChild(),
  )
  let registry: Promise<Registry> | undefined

  function family<C extends Child>(
    type: MetricType,
    name: string,
    help: string,
    labels: readonly string[],
    make: () => C,
    merge: Merge = 'sum',
  ): MetricFamily<C> {
    const known = families.get(name)
    if (!known) {
      const onRefused = name === REFUSED ? undefined : () => refused.with(name).inc()
      const created = new MetricFamily({ type, name, help, labels, make, merge, onRefused })
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

  async function fill(): Promise<Registry> {
    registry ??= startProcessMetrics()
    const printed = await registry
    for (const each of families.values()) {
      if (each.empty) printed.removeSingleMetric(each.name)
      else printed.registerMetric(each as unknown as Metric)
    }
    return printed
  }

  let others: AskOthers | undefined
  const metrics: ProcessMetrics = {
    counter: (name, help, labels = []) => family('counter', name, help, labels, () => new NumberChild()),
    gauge: (name, help, labels = [], merge = 'sum') =>
      family('gauge', name, help, labels, () => new NumberChild(), merge),
    histogram: (name, help, buckets, labels = []) =>
      family('histogram', name, help, labels, () => new HistogramChild(buckets)),
    async scrape() {
      const printed = await fill()
      if (!others) return { contentType: printed.contentType, body: await printed.metrics() }
      const own = await metrics.export()
      const shown = await addUp([own, ...(await others(own))])
      return { contentType: shown.contentType, body: await shown.metrics() }
    },
    async export() {
      const found = (await (await fill()).getMetricsAsJSON()) as unknown as RawFamily[]
      return found.map(toExported)
    },
    forget(label, value) {
      for (const each of families.values()) each.forget(label, value)
    },
    merge(ask) {
      others = ask
    },
  }
  if (build) {
    metrics
      .gauge('coredns_build_info', 'Always 1; its labels say what runs.', ['version', 'revision', 'goversion'], 'max')
      .with(build.version, build.revision, `node${process.versions.node}`)
      .set(1)
  }
  return metrics
}

/** The metric about metrics that have too many label values. */
const REFUSED = 'corelet_metrics_refused_series_total'

/** Gauges whose names end as only counters' may: linters reject them. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total']

/** Milliseconds between samples of the event loop's delay; prom-client's own 10 would wake an idle process 100 times a second. */
const EVENT_LOOP_PRECISION = 100

async function startProcessMetrics(): Promise<Registry> {
  const { default: client } = await import('prom-client')
  const registry = new client.Registry()
  client.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
}

/** What prom-client gives: our families have labels that all samples share apart from their own. */
type RawFamily = Omit<ExportedFamily, 'aggregator' | 'values'> & {
  aggregator?: string
  values: readonly (ExportedFamily['values'][number] & { sharedLabels?: Record<string, string> })[]
}

/** prom-client leaves the start of the process out of its sums; ours is that of the first. */
function toExported({ aggregator = 'sum', ...family }: RawFamily): ExportedFamily {
  return {
    ...family,
    aggregator: aggregator === 'omit' ? 'min' : aggregator,
    values: family.values.map(({ sharedLabels, labels, ...sample }) => ({
      ...sample,
      labels: { ...sharedLabels, ...labels },
    })),
  }
}

async function addUp(processes: readonly (readonly ExportedFamily[])[]): Promise<Registry> {
  const { default: client } = await import('prom-client')
  return client.AggregatorRegistry.aggregate(processes as unknown as object[])
}
