import { Table } from './table.ts'

/** What can be ended before its time; it says its result all the same. */
export interface Job {
  cancel(): void
}

/** A job and how many wait for its result. */
export class Flight<T> {
  readonly result: Promise<T>
  /** How many wait, those that have left not counted. */
  riders = 1
  job: Job | undefined

  constructor(result: Promise<T>) {
    this.result = result
  }

  /** One does not wait any more; a job that nobody waits for is ended. */
  leave(): void {
    if (--this.riders === 0) this.job?.cancel()
  }
}

/**
 * Runs one job for all that ask for the same thing at the same time (RFC 5452 §5: identical queries that are out at once multiply a
 * forger's chances).
 */
export class SingleFlight<T> {
  readonly #flights = new Table<string, Flight<T>>()

  get size(): number {
    return this.#flights.size
  }

  /**
   * The running job of that key, or a new one.
   * @param key undefined for a job of its own
   * @param start begins it; it calls `done` once
   */
  run(key: string | undefined, start: (done: (result: T) => void) => Job): { shared: boolean; flight: Flight<T> } {
    const running = key === undefined ? undefined : this.#flights.get(key)
    if (running) {
      running.riders++
      return { shared: true, flight: running }
    }
    const { promise, resolve } = Promise.withResolvers<T>()
    const flight = new Flight(promise)
    if (key !== undefined) this.#flights.set(key, flight)
    flight.job = start((result) => {
      if (key !== undefined) this.#flights.delete(key)
      resolve(result)
    })
    return { shared: false, flight }
  }
}
