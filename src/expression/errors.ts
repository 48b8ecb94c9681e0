/** The text of an expression is wrong. `column` counts from 1. */
export class ExpressionError extends Error {
  override name = 'ExpressionError'
  readonly column: number

  constructor(message: string, at: number) {
    super(`${message} (column ${at + 1})`)
    this.column = at + 1
  }
}

/** An expression has no value: a name that is not there, a wrong argument, or more work than is allowed. */
export class EvaluationError extends Error {
  override name = 'EvaluationError'
}
