/** A family of metrics as workers report it; those that only grow have the type `counter` or `histogram`. */
interface Family {
  name: string
  type: string
  values: readonly Sample[]
}

interface Sample {
  metricName?: string
  labels: Record<string, string | number>
  value: number
}

interface Account extends Family {
  values: Sample[]
  /** The same by name and labels. */
  samples: Map<string, Sample>
}

/**
 * What workers that are gone had counted when they were asked last. Without it the sums of all workers would fall when one dies, which
 * Prometheus takes for counters that began anew: it would count what the others have a second time.
 */
export class Ledger {
  readonly #reports = new Map<object, readonly Family[]>()
  readonly #accounts = new Map<string, Account>()

  /** Keeps what a worker has counted so far. */
  note(worker: object, report: unknown): void {
    this.#reports.set(worker, (report as Family[]).filter(onlyGrows))
  }

  /** A worker is gone: its counts stay. */
  close(worker: object): void {
    for (const family of this.#reports.get(worker) ?? []) this.#add(family)
    this.#reports.delete(worker)
  }

  /** What a worker had counted when it was asked last. */
  of(worker: object): readonly Family[] {
    return this.#reports.get(worker) ?? []
  }

  /** The sums of those that are gone. */
  get families(): readonly Family[] {
    return [...this.#accounts.values()].map(({ samples: _, ...family }) => family)
  }

  #add({ values, ...family }: Family): void {
    const account: Account = this.#accounts.get(family.name) ?? { ...family, values: [], samples: new Map() }
    this.#accounts.set(family.name, account)
    for (const sample of values) {
      const key = toKey(sample)
      const known = account.samples.get(key)
      if (known) known.value += sample.value
      else {
        const own = { ...sample }
        account.samples.set(key, own)
        account.values.push(own)
      }
    }
  }
}

function onlyGrows({ type }: Family): boolean {
  return type === 'counter' || type === 'histogram'
}

function toKey({ metricName = '', labels }: Sample): string {
  return JSON.stringify([metricName, Object.entries(labels).sort()])
}
