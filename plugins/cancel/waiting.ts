import { formatDuration, OPTIONS, type Query, RCODES, type Reply } from 'corelet/plugin'
import type { Deadlines, Expirable, Place } from '../../src/upstream/deadlines.ts'

/** EDE 22, No Reachable Authority (RFC 8914 §4.23). */
const UNREACHABLE: Reply['options'] = [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 22) }]

/** A query that waits for its answer, or for its time to be up. */
export class Waiting implements Expirable<Waiting> {
  place: Place<Waiting> | undefined
  readonly #query: Query
  readonly #deadlines: Deadlines<Waiting>
  #give: (reply: Reply) => void = () => {}

  constructor(query: Query, deadlines: Deadlines<Waiting>) {
    this.#query = query
    this.#deadlines = deadlines
  }

  /** The answer, if it comes in time. */
  until(result: Promise<Reply>): Promise<Reply> {
    this.#deadlines.add(this)
    return new Promise((resolve, reject) => {
      this.#give = resolve
      result.then(resolve, reject).finally(() => this.#deadlines.delete(this))
    })
  }

  expire(): void {
    const query = this.#query
    query.cancel()
    const error = `no answer within ${formatDuration(this.#deadlines.milliseconds)}`
    this.#give(query.fail(RCODES.SERVFAIL, 'cancel', error).copy({ options: UNREACHABLE }))
  }
}
