import {
  CLASSES,
  definePlugin,
  type PluginContext,
  type Query,
  RCODES,
  type Regex,
  type Reply,
  TYPES,
} from 'corelet/plugin'
import { EvaluationError } from '../../src/expression/errors.ts'
import { answer, type Failures } from './answer.ts'
import { codes } from './codes.ts'
import { namesOf, type TemplateContext, toData, toGroups } from './context.ts'
import { createMetrics, type TemplateMetrics } from './metrics.ts'
import { grammar, readRule, type TemplateRule } from './options.ts'

/** Answers queries with records that templates make. */
export default definePlugin({
  name: 'template',
  summary: 'answers with records that are made from templates',
  repeat: 'merge',
  directive: grammar,
  errors: codes,
  parse(uses, scope) {
    const rules = uses.map((use) => readRule(use, scope))
    return rules.every((rule) => rule !== undefined) ? rules : undefined
  },
  start(rules, context) {
    const metrics = createMetrics(context.metrics)
    return (query, next) => {
      for (const rule of rules) {
        const reply = tryRule(rule, query, context, metrics)
        if (reply) return reply
      }
      return next(query)
    }
  },
})

/** undefined when the next template, or plugin, is to be asked. */
function tryRule(
  rule: TemplateRule,
  query: Query,
  context: PluginContext,
  metrics: TemplateMetrics,
): Reply | Promise<Reply> | undefined {
  const zone = rule.zones.match(query.key)
  const fits = isAsked(rule.qclass, query.qclass, CLASSES.ANY) && isAsked(rule.qtype, query.qtype, TYPES.ANY)
  if (zone === undefined || !fits) return undefined
  const found = findMatch(rule, query.name)
  if (!found) return pass(rule, query, 'no match')
  const { match, regex } = found
  const view: TemplateContext = {
    query,
    now: context.clock.wall(),
    groups: toGroups(match, regex),
    variables: new Map(),
  }
  try {
    for (const { name, expression } of rule.variables) view.variables.set(name, expression.evaluate(view))
    if (!rule.conditions.every((condition) => condition.evaluate(view) === true))
      return pass(rule, query, 'expr is false')
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    return query.fail(RCODES.SERVFAIL, 'template', error.message)
  }
  const names = namesOf(query, rule)
  metrics.matched(query, zone, names)
  const failures: Failures = {
    template: (section, source) => metrics.templateFailed(query, zone, names, section, source),
    record: (section, source) => metrics.recordFailed(query, zone, names, section, source),
  }
  return answer(rule, query, toData(view, match, regex, zone, names), context, failures)
}

function isAsked(own: number, asked: number, any: number): boolean {
  return own === asked || own === any || asked === any
}

/** The first pattern that is found in the name; without patterns all of it. */
function findMatch({ patterns }: TemplateRule, name: string): { match: string[]; regex?: Regex } | undefined {
  if (patterns.length === 0) return { match: [name] }
  for (const regex of patterns) {
    const match = regex.match(name)
    if (match) return { match, regex }
  }
  return undefined
}

function pass({ fallthrough }: TemplateRule, query: Query, reason: string): Reply | undefined {
  if (fallthrough?.has(query.key)) return undefined
  return query.fail(RCODES.SERVFAIL, 'template', undefined, reason)
}
