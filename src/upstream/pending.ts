import type { Deadlines, Expirable } from './deadlines.ts'
import { ExchangeFailure, TIMED_OUT } from './failure.ts'
import type { Answer, Question } from './question.ts'

export type Result = Answer | ExchangeFailure

/** A question on its way over a socket, until it has a result; it gets exactly one. */
export class Pending implements Expirable {
  readonly question: Question
  /** The id that it went out with. */
  id = 0
  /** Messages that came in its place and were not its answer. */
  mismatches = 0
  /** The table of the socket that it went out on. */
  table: Map<number, Pending> | undefined
  /** Called when it has left that table. */
  released: ((result: Result) => void) | undefined
  readonly #deadlines: Deadlines<Pending>
  readonly #done: (result: Result) => void

  constructor(question: Question, deadlines: Deadlines<Pending>, done: (result: Result) => void) {
    this.question = question
    this.#deadlines = deadlines
    this.#done = done
    deadlines.add(this)
  }

  /** Gives it its time anew: a connection that was slow to come up takes none of it. */
  restart(): void {
    this.#deadlines.add(this)
  }

  settle(result: Result): void {
    this.#deadlines.delete(this)
    this.table?.delete(this.id)
    this.table = undefined
    const released = this.released
    this.released = undefined
    this.#done(result)
    released?.(result)
  }

  expire(): void {
    const ignored = this.mismatches > 0 ? `, ${this.mismatches} wrong ones ignored` : ''
    this.settle(
      new ExchangeFailure('timeout', `no answer within ${this.#deadlines.milliseconds} ms${ignored}: ${TIMED_OUT}`),
    )
  }
}
