/**
 * Runs one job for all that ask for the same thing at the same time (RFC 5452 §5: identical queries that are out at once multiply a
 * forger's chances).
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>()

  get size(): number {
    return this.#flights.size
  }

  /** The running job of that key, or a new one. @param start must not reject when nobody else may learn of it */
  run(key: string, start: () => Promise<T>): { shared: boolean; result: Promise<T> } {
    const running = this.#flights.get(key)
    if (running) return { shared: true, result: running }
    const result = start().finally(() => this.#flights.delete(key))
    this.#flights.set(key, result)
    return { shared: false, result }
  }
}
