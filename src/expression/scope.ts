import { EvaluationError } from './errors.ts'
import type { Value } from './values.ts'

/** Steps that an evaluation may take: parts that are evaluated, and items and characters that are made. */
export const MAX_STEPS = 100_000

/** One evaluation of an expression. */
export class Scope<Context> {
  readonly context: Context
  /** Values of `let` names, and of the elements that predicates look at. */
  readonly slots: Value[] = []
  #left = MAX_STEPS

  constructor(context: Context) {
    this.context = context
  }

  /** @throws EvaluationError when the steps are used up */
  spend(steps: number): void {
    this.#left -= steps
    if (!(this.#left >= 0)) throw new EvaluationError(`more than ${MAX_STEPS} steps`)
  }
}
