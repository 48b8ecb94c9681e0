import type { Deadlines, Expirable, Place } from './deadlines.ts'
import { ExchangeFailure, TIMED_OUT } from './failure.ts'
import type { Answer, Question } from './question.ts'
import type { Row } from './table.ts'

export type Result = Answer | ExchangeFailure

/** A socket that questions are out on. */
export interface Carrier {
  /** Forgets a question, which has its result now. */
  release(pending: Pending, result: Result): void
}

/** A question on its way over a socket, until it has a result. It gets one, and after a timeout perhaps an answer all the same. */
export class Pending implements Expirable<Pending>, Row<Pending> {
  readonly question: Question
  /** The id that it went out with. */
  key = 0
  nextRow: Pending | undefined
  place: Place<Pending> | undefined
  /** Messages that came in its place and were not its answer. */
  mismatches = 0
  /** The socket that it is out on. */
  carrier: Carrier | undefined
  /** Messages that its connection had received when it went out. */
  receivedBefore = 0
  readonly #deadlines: Deadlines<Pending>
  readonly #done: (result: Result) => void

  constructor(question: Question, deadlines: Deadlines<Pending>, done: (result: Result) => void) {
    this.question = question
    this.#deadlines = deadlines
    this.#done = done
    deadlines.add(this)
  }

  /** Monotonic milliseconds at which its time began; it must not have its result yet. */
  get since(): number {
    return this.place!.added
  }

  /** Gives it its time anew: a connection that was slow to come up takes none of it. */
  restart(): void {
    this.#deadlines.add(this)
  }

  settle(result: Result): void {
    this.#deadlines.delete(this)
    const { carrier } = this
    this.carrier = undefined
    carrier?.release(this, result)
    this.#done(result)
  }

  /** The answer has come after all. */
  arrive(answer: Answer): void {
    this.#done(answer)
  }

  expire(): void {
    const ignored = this.mismatches > 0 ? `, ${this.mismatches} wrong ones ignored` : ''
    this.settle(
      new ExchangeFailure('timeout', `no answer within ${this.#deadlines.milliseconds} ms${ignored}: ${TIMED_OUT}`),
    )
  }
}
