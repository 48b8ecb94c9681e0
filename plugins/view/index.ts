import { definePlugin, one, option, type Query, some, text } from 'corelet/plugin'
import type { Expression } from '../../src/expression/compile.ts'
import { EvaluationError } from '../../src/expression/errors.ts'
import { readExpression } from '../../src/expression/from-tokens.ts'
import { QUERY_ENVIRONMENT, type QueryContext } from '../../src/expression/query-functions.ts'

/** Lets the block serve only queries for which expressions are true. */
export default definePlugin({
  name: 'view',
  summary: 'serves only the queries for which expressions are true',
  directive: {
    args: [one(text('NAME'))],
    options: { expr: option('what must be true of a query', [some(text('EXPRESSION'))]) },
  },
  errors: {
    'bad-expression': {
      message: 'invalid expression: {0}',
      hint: 'docs/expressions.md describes the language',
      example: ". {\n  view a {\n    expr incidr(client_ip(), '10.0.0.0/8'\n  }\n  whoami\n}",
    },
    'not-boolean': {
      message: 'an expression of the type {0} is never true',
      hint: "compare it with something, such as name() == 'example.org.'",
      example: '. {\n  view a {\n    expr name()\n  }\n  whoami\n}',
      severity: 'warning',
    },
  },
  parse([use], { report }) {
    const expressions = use!.options.expr.map(({ tokens }) => {
      const expression = readExpression(tokens, QUERY_ENVIRONMENT, report)
      if (expression && expression.type !== 'bool' && expression.type !== 'any') {
        report(tokens[0]!, 'not-boolean', expression.type)
      }
      return expression
    })
    if (!expressions.every((each) => each !== undefined)) return undefined
    return { name: use!.values[0], expressions }
  },
  configure({ name }, settings) {
    settings.view = name
  },
  start({ name, expressions }, { clock }) {
    return {
      metadata: (query) => query.setMetadata('view/name', () => name),
      passes(query: Query) {
        const context: QueryContext = { query, now: clock.wall() }
        return expressions.every((expression) => isTrue(expression, context))
      },
    }
  },
})

/** What has no value is not true. */
function isTrue(expression: Expression<QueryContext>, context: QueryContext): boolean {
  try {
    return expression.evaluate(context) === true
  } catch (error) {
    if (error instanceof EvaluationError) return false
    throw error
  }
}
