import type { Restarts } from './messages.ts'
import type { Worker } from './worker.ts'

/** Milliseconds that workers may take to report their metrics. */
const PATIENCE = 1000

/** What the supervisor itself has to say. */
interface OwnMetrics {
  restarts: Restarts
  /** Those of processes that are not asked, and of workers that did not answer. */
  metrics(unheard: Iterable<Worker>): readonly unknown[]
}

interface Pending {
  asked: Set<Worker>
  metrics: unknown[]
  finish(): void
}

/** Collects the metrics of the workers for the one that was asked for them. */
export class Survey {
  readonly #pending = new Map<number, Pending>()
  #lastId = 0

  /** Asks all of `workers` but `asking`, which gets what they say in time. */
  start(asking: Worker, id: number, workers: readonly Worker[], { restarts, metrics }: OwnMetrics): void {
    const own = ++this.#lastId
    const timer = setTimeout(() => finish(), PATIENCE)
    const pending: Pending = {
      asked: new Set(workers),
      metrics: [],
      finish: () => finish(),
    }
    const finish = () => {
      clearTimeout(timer)
      this.#pending.delete(own)
      const all = [...metrics(pending.asked), ...pending.metrics]
      asking.send({ type: 'surveyed', id, metrics: all, restarts })
    }
    pending.asked.delete(asking)
    this.#pending.set(own, pending)
    for (const worker of pending.asked) worker.send({ type: 'report', id: own })
    if (pending.asked.size === 0) finish()
  }

  /** What a worker reports. */
  add(worker: Worker, id: number, metrics: unknown): void {
    const pending = this.#pending.get(id)
    if (!pending?.asked.delete(worker)) return
    pending.metrics.push(metrics)
    if (pending.asked.size === 0) pending.finish()
  }

  /** A worker that has ended reports no more. */
  leave(worker: Worker): void {
    for (const pending of this.#pending.values()) {
      if (pending.asked.delete(worker) && pending.asked.size === 0) pending.finish()
    }
  }
}
