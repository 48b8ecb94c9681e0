import { type Counter, type Family, isPending, type Listener, type Next, type Query, type Reply } from 'corelet/plugin'

/** UDP queries of a listener that may wait. */
export const DEPTH = 1024

/** Counts the UDP queries of a listener that wait, and lets no more than {@link DEPTH} do so. */
export class Shedder {
  readonly #listener: Listener
  readonly #dropped: Family<Counter>
  #waiting = 0
  #unsent: number

  constructor(listener: Listener, dropped: Family<Counter>) {
    this.#listener = listener
    this.#dropped = dropped
    this.#unsent = listener.droppedAnswers ?? 0
  }

  /** Answers what can be answered at once, however many wait. */
  serve(query: Query, next: Next): Reply | Promise<Reply> {
    const isFull = this.#waiting >= DEPTH
    if (isFull) query.origin.mayWait = false
    const result = next(query)
    if (isFull && (isPending(result) || result.kind === 'failure')) {
      if (isPending(result)) result.catch(() => {})
      this.#count('query', 1)
      return query.drop('shed', 'too many queries wait')
    }
    if (!isPending(result)) return result
    this.#waiting++
    return result.finally(() => {
      this.#waiting--
    })
  }

  /** Counts the answers that the socket could not send since the last time. */
  publish(): void {
    const unsent = this.#listener.droppedAnswers ?? 0
    if (unsent > this.#unsent) this.#count('response', unsent - this.#unsent)
    this.#unsent = unsent
  }

  #count(reason: 'query' | 'response', by: number): void {
    this.#dropped.with(this.#listener.server, reason).inc(by)
  }
}
