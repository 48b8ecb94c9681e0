import { Table } from './table.ts'

/**
 * Runs one job for all that ask for the same thing at the same time (RFC 5452 §5: identical queries that are out at once multiply a
 * forger's chances).
 */
export class SingleFlight<T> {
  readonly #flights = new Table<string, Promise<T>>()

  get size(): number {
    return this.#flights.size
  }

  /** The running job of that key, or a new one. @param start calls `done` once */
  run(key: string, start: (done: (result: T) => void) => void): { shared: boolean; result: Promise<T> } {
    const running = this.#flights.get(key)
    if (running) return { shared: true, result: running }
    const { promise, resolve } = Promise.withResolvers<T>()
    this.#flights.set(key, promise)
    start((result) => {
      this.#flights.delete(key)
      resolve(result)
    })
    return { shared: false, result: promise }
  }
}
