import {
  CLASSES,
  custom,
  one,
  option,
  type ParseScope,
  RCODES,
  type ReadDirective,
  Regex,
  RegexError,
  type Report,
  rest,
  some,
  type Token,
  TYPES,
  text,
  toFallthrough,
  type Value,
  ZoneList,
  zone,
} from 'corelet/plugin'
import { type Expression, isReserved } from '../../src/expression/compile.ts'
import type { Environment } from '../../src/expression/environment.ts'
import { readExpression } from '../../src/expression/from-tokens.ts'
import { createEnvironment, type TemplateContext } from './context.ts'
import { TemplateError } from './language/errors.ts'
import { Template } from './language/execute.ts'

/** A word of a registry, in upper case as there. */
function mnemonic(name: string, registry: Readonly<Record<string, number>>, code: string): Value<number> {
  return custom(name, 'mnemonic', (token, report) => {
    if (Object.hasOwn(registry, token.text)) return registry[token.text]
    return void report(token, code, token.text)
  })
}

const pattern: Value<Regex> = custom('REGEX', 'regular expression', (token, report) => {
  try {
    return new Regex(token.text)
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    return void report(token, 'invalid-regex', token.text.slice(0, 200), error.message)
  }
})

const template: Value<Template> = custom('RR', 'template', (token, report) => {
  try {
    return new Template(token.text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return void report(token, 'invalid-template', token.text, error.message)
  }
})

const infoCode: Value<number> = custom('CODE', 'number', (token, report) => {
  const code = /^\d{1,5}$/.test(token.text) ? Number(token.text) : Infinity
  return code <= 0xffff ? code : void report(token, 'bad-ederror', token.text)
})

const variableName: Value<string> = custom('NAME', 'name', (token, report) =>
  /^[a-zA-Z_]\w*$/.test(token.text) ? token.text : void report(token, 'invalid-variable', token.text),
)

export const grammar = {
  args: [
    one(mnemonic('CLASS', CLASSES, 'invalid-class')),
    one(mnemonic('TYPE', TYPES, 'invalid-type')),
    rest(zone('ZONES')),
  ],
  options: {
    match: option('patterns, one of which the name must have', [some(pattern)]),
    var: option('a value for later', [one(variableName), some(text('EXPR'))]),
    expr: option('what must be true of a query', [some(text('EXPR'))]),
    answer: option('records of the answer section', [some(template)]),
    additional: option('records of the additional section', [some(template)]),
    authority: option('records of the authority section', [some(template)]),
    rcode: option('rcode of the answer; NOERROR', [one(mnemonic('CODE', RCODES, 'unknown-rcode'))]),
    ederror: option('extended error (RFC 8914)', [one(infoCode), rest(text('REASON'))]),
    fallthrough: option('asks the next plugin when nothing matched', [rest(zone('ZONES'))]),
    upstream: option('read and ignored', [], { extra: true }),
  },
  unknown: 'unknown-word',
} as const

export type Section = 'answer' | 'additional' | 'authority'

/** One template of a block. */
export interface TemplateRule {
  qclass: number
  qtype: number
  zones: ZoneList
  patterns: readonly Regex[]
  variables: readonly { name: string; expression: Expression<TemplateContext> }[]
  conditions: readonly Expression<TemplateContext>[]
  records: Readonly<Record<Section, readonly Template[]>>
  rcode: number
  error: { code: number; reason: string } | undefined
  fallthrough: ZoneList | undefined
}

type Use = ReadDirective<typeof grammar>

/** Reads one `template`; undefined after it has reported. */
export function readRule(use: Use, { zones, report }: ParseScope): TemplateRule | undefined {
  const { values, options } = use
  const variables = readVariables(use, report)
  const environment = variables && createEnvironment(variables)
  const conditions = environment && readConditions(use, environment, report)
  if (!variables || !conditions) return undefined
  const [qclass, qtype, own] = values
  const error = options.ederror.at(-1)
  if (error && error.tokens.length > 2) {
    const extra = error.tokens[2]!
    return void report(extra, 'wrong-argument-count', extra.text, 'ederror CODE [REASON]')
  }
  const templates = (name: Section) => options[name].flatMap((line) => line.values[0])
  const through = options.fallthrough.at(-1)
  return {
    qclass,
    qtype,
    zones: new ZoneList(own.length > 0 ? own.flat() : zones),
    patterns: options.match.flatMap((line) => line.values[0]),
    variables,
    conditions,
    records: { answer: templates('answer'), additional: templates('additional'), authority: templates('authority') },
    rcode: options.rcode.at(-1)?.values[0] ?? RCODES.NOERROR,
    error: error && { code: error.values[0], reason: error.values[1][0] ?? '' },
    fallthrough: through && toFallthrough(through.values[0].flat()),
  }
}

function readVariables({ options }: Use, report: Report): TemplateRule['variables'] | undefined {
  const variables: { name: string; expression: Expression<TemplateContext> }[] = []
  for (const { values, tokens } of options.var) {
    const [name] = values
    const environment = createEnvironment(variables)
    if (isReserved(name, environment)) return void report(tokens[0]!, 'reserved-variable', name)
    const expression = readExpression(tokens.slice(1), environment, report)
    if (!expression) return undefined
    variables.push({ name, expression })
  }
  return variables
}

function readConditions({ options }: Use, environment: Environment<TemplateContext>, report: Report) {
  const read = options.expr.map(({ tokens }: { tokens: readonly Token[] }) =>
    readExpression(tokens, environment, report),
  )
  return read.every((each) => each !== undefined) ? read : undefined
}
