import { type Row, Table } from './table.ts'

/** What can be ended before its time; it says its result all the same. */
export interface Job {
  cancel(): void
}

/** What is asked for, and how it is got. */
export interface Work<Asked, T> {
  /** A number that is the same for the same things; undefined for what has to have a job of its own. */
  hash(asked: Asked): number | undefined
  /** Whether two things with the same hash are the same. */
  isSame(one: Asked, other: Asked): boolean
  /** Begins a job, which calls `done` once. */
  start(asked: Asked, done: (result: T) => void): Job
}

/** A job and how many wait for its result. */
export class Flight<Asked, T> implements Row<Flight<Asked, T>> {
  readonly asked: Asked
  readonly result: Promise<T>
  /** How many wait, those that have left not counted. */
  riders = 1
  job: Job | undefined
  key = 0
  nextRow: Flight<Asked, T> | undefined

  constructor(asked: Asked, result: Promise<T>) {
    this.asked = asked
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
export class SingleFlight<Asked, T> {
  readonly #work: Work<Asked, T>
  readonly #flights = new Table<Flight<Asked, T>>()

  constructor(work: Work<Asked, T>) {
    this.#work = work
  }

  get size(): number {
    return this.#flights.size
  }

  /** The running job for that, or a new one. */
  run(asked: Asked): { shared: boolean; flight: Flight<Asked, T> } {
    const hash = this.#work.hash(asked)
    const running = hash === undefined ? undefined : this.#find(hash, asked)
    if (running) {
      running.riders++
      return { shared: true, flight: running }
    }
    const { promise, resolve } = Promise.withResolvers<T>()
    const flight = new Flight(asked, promise)
    if (hash !== undefined) {
      flight.key = hash
      this.#flights.add(flight)
    }
    flight.job = this.#work.start(asked, (result) => {
      if (hash !== undefined) this.#flights.delete(flight)
      resolve(result)
    })
    return { shared: false, flight }
  }

  #find(hash: number, asked: Asked): Flight<Asked, T> | undefined {
    let flight = this.#flights.get(hash)
    while (flight && !this.#work.isSame(flight.asked, asked)) flight = this.#flights.another(flight)
    return flight
  }
}
