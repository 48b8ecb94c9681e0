import type { Report, Token } from '../plugin/values.ts'
import { compileExpression, type Expression } from './compile.ts'
import type { Environment } from './environment.ts'
import { ExpressionError } from './errors.ts'

/**
 * Compiles the expression that the rest of a line is, its words parted by blanks; undefined after it has reported `bad-expression`, at the
 * word that is wrong, with the reason and the expression.
 */
export function readExpression<Context>(
  tokens: readonly Token[],
  environment: Environment<Context>,
  report: Report,
): Expression<Context> | undefined {
  const text = tokens.map((token) => token.text).join(' ')
  try {
    return compileExpression(text, environment)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    let end = 0
    const wrong = tokens.find((token) => {
      end += token.text.length + 1
      return error.column <= end
    })
    return void report(wrong ?? tokens.at(-1)!, 'bad-expression', error.message, text)
  }
}
