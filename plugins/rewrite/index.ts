import { definePlugin, lookUp, rest, text } from 'corelet/plugin'
import { codes } from './codes.ts'
import { rewrite } from './engine.ts'
import { readRule } from './parse.ts'
import type { Rule, RuleContext } from './rule.ts'

/** Changes queries on their way in and replies on their way out. */
export default definePlugin({
  name: 'rewrite',
  summary: 'changes queries on their way in and replies on their way out',
  repeat: 'merge',
  directive: { args: [rest(text('RULE'))], others: 'keep' },
  errors: codes,
  parse(uses, { report }) {
    const rules = uses.map(({ token, tokens, lines, hasBlock }) =>
      readRule({ name: token, args: tokens, ...(hasBlock && { block: lines }) }, report),
    )
    return rules.every((rule): rule is Rule => rule !== undefined) ? rules : undefined
  },
  start(rules, context) {
    const ruleContext: RuleContext = {
      lookUp: (query, name) => lookUp(context, query, { name }),
      error: (message) => context.log.error(message),
    }
    return (query, next) => rewrite(rules, query, next, ruleContext)
  },
})
