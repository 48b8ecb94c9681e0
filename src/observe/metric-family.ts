/** Families of counters, gauges and histograms as plain numbers, in the shape that prom-client's registry prints. */
import type { Counter, Family, Gauge, Histogram, Merge } from '../plugin/index.ts'

export type MetricType = 'counter' | 'gauge' | 'histogram'

/** One line of the scrape; prom-client's name for its parts. */
interface Sample {
  metricName: string
  labels: Record<string, string>
  sharedLabels: Record<string, string>
  value: number
}

/** A family with its samples, as one process tells it to another. */
export interface ExportedFamily {
  name: string
  help: string
  type: string
  /** How the values of several processes become one, in prom-client's words. */
  aggregator: string
  values: readonly { metricName?: string; labels: Record<string, string | number>; value: number }[]
}

/** The metric of one set of label values. */
export interface Child {
  /** Whether anything was observed; until then it is not in the scrape. */
  seen: boolean
  addSamples(samples: Sample[], name: string, labels: Record<string, string>): void
}

/** Children that a family may have: labels of a plugin that come from queries must not fill the memory. */
export const MAX_SERIES = 20_000

/** What makes a family. */
export interface FamilyOptions<C extends Child> {
  type: MetricType
  name: string
  help: string
  labels: readonly string[]
  /** Makes a child. */
  make: () => C
  merge: Merge
  /** Called when a child is asked for beyond {@link MAX_SERIES}; what it counts is shown nowhere. */
  onRefused: (() => void) | undefined
}

/** All metrics of one name, one for each set of label values. */
export class MetricFamily<C extends Child = Child> implements Family<C> {
  readonly name: string
  readonly help: string
  readonly type: MetricType
  readonly labels: readonly string[]
  readonly aggregator: Merge
  readonly #make: () => C
  readonly #onRefused: (() => void) | undefined
  readonly #children = new Map<string, { labels: Record<string, string>; child: C }>()

  /** @throws Error when the name or a label is none that Prometheus takes */
  constructor({ type, name, help, labels, make, merge, onRefused }: FamilyOptions<C>) {
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`not a metric name: ${name}`)
    for (const label of labels) {
      if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label === 'le') throw new Error(`not a label name: ${label}`)
    }
    this.name = name
    this.help = help
    this.type = type
    this.labels = labels
    this.aggregator = merge
    this.#make = make
    this.#onRefused = onRefused
    if (labels.length === 0) this.with().seen = true
  }

  with(...values: readonly string[]): C {
    if (values.length !== this.labels.length) {
      throw new Error(`metric ${this.name} has the labels [${this.labels}], not ${values.length} values`)
    }
    const key = toKey(values)
    const known = this.#children.get(key)
    if (known) return known.child
    const child = this.#make()
    if (this.#children.size >= MAX_SERIES) {
      this.#onRefused?.()
      return child
    }
    this.#children.set(key, { labels: Object.fromEntries(this.labels.map((label, i) => [label, values[i]!])), child })
    return child
  }

  remove(...values: readonly string[]): void {
    this.#children.delete(toKey(values))
  }

  /** Removes all children whose label has that value. */
  forget(label: string, value: string): void {
    if (!this.labels.includes(label)) return
    for (const [key, { labels }] of this.#children) if (labels[label] === value) this.#children.delete(key)
  }

  clear(): void {
    this.#children.clear()
  }

  /** Whether nothing was observed yet. */
  get empty(): boolean {
    for (const { child } of this.#children.values()) if (child.seen) return false
    return true
  }

  /** What prom-client's registry asks for when it prints. */
  async get(): Promise<{ name: string; help: string; type: MetricType; aggregator: Merge; values: Sample[] }> {
    const values: Sample[] = []
    for (const { labels, child } of this.#children.values()) {
      if (child.seen) child.addSamples(values, this.name, labels)
    }
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values }
  }
}

/** Distinct for distinct lists, whatever characters are in them. */
function toKey(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : JSON.stringify(values)
}

const NO_LABELS = {}

export class NumberChild implements Child, Counter, Gauge {
  seen = false
  /** A fraction at first, so that the engine keeps a number in place and counting never allocates. */
  #value = 0.5

  constructor() {
    this.#value = 0
  }

  set(value: number): void {
    this.#value = value
    this.seen = true
  }

  inc(by = 1): void {
    this.#value += by
    this.seen = true
  }

  dec(by = 1): void {
    this.inc(-by)
  }

  addSamples(samples: Sample[], name: string, labels: Record<string, string>): void {
    samples.push({ metricName: name, labels: NO_LABELS, sharedLabels: labels, value: this.#value })
  }
}

export class HistogramChild implements Child, Histogram {
  seen = false
  readonly #bounds: readonly number[]
  /** Observations by bucket, those above the last bound, and the sum of all values. */
  readonly #counts: Float64Array

  /** @param bounds upper ends of the buckets, rising */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 2)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.#counts[bucket]! += 1
    this.#counts[bounds.length + 1]! += value
    this.seen = true
  }

  addSamples(samples: Sample[], name: string, sharedLabels: Record<string, string>): void {
    let total = 0
    const push = (suffix: string, labels: Record<string, string>, value: number) =>
      samples.push({ metricName: name + suffix, labels, sharedLabels, value })
    for (const [i, bound] of this.#bounds.entries()) {
      total += this.#counts[i]!
      push('_bucket', { le: String(bound) }, total)
    }
    total += this.#counts[this.#bounds.length]!
    push('_bucket', { le: '+Inf' }, total)
    push('_sum', NO_LABELS, this.#counts[this.#bounds.length + 1]!)
    push('_count', NO_LABELS, total)
  }
}
