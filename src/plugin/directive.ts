/** The declared grammar of a directive: what it takes and how often, and the reader that follows the declaration. */
import type { Directive, Line, Token } from '../corefile/model.ts'
import { nearest } from '../corefile/nearest.ts'
import type { Report, Value } from './values.ts'

type Arity = 'one' | 'optional' | 'rest' | 'some'

/** A word in a line's grammar: a value and how many of it. */
export interface Param<T, A extends Arity = Arity> {
  value: Value<T>
  arity: A
}

export function one<T>(value: Value<T>): Param<T, 'one'> {
  return { value, arity: 'one' }
}

export function optional<T>(value: Value<T>): Param<T, 'optional'> {
  return { value, arity: 'optional' }
}

/** Any number, none included; must come last. */
export function rest<T>(value: Value<T>): Param<T, 'rest'> {
  return { value, arity: 'rest' }
}

/** At least one; must come last. */
export function some<T>(value: Value<T>): Param<T, 'some'> {
  return { value, arity: 'some' }
}

// biome-ignore lint/suspicious/noExplicitAny: the element type is recovered by inference in Values
type AnyParam = Param<any>

export type Params = readonly AnyParam[]

/** The values of a line, one element for each of its params. */
export type Values<P extends Params> = {
  [K in keyof P]: P[K] extends Param<infer T, infer A>
    ? A extends 'rest' | 'some'
      ? T[]
      : A extends 'optional'
        ? T | undefined
        : T
    : never
}

/** An option: a line of the directive's block. */
export interface OptionGrammar<P extends Params = Params> {
  args: P
  /** For the README's table and completion; one sentence. */
  summary: string
  /** Words beyond the params are ignored instead of reported, as CoreDNS does for a few options. */
  extra?: true
}

export function option<const P extends Params>(
  summary: string,
  args: P,
  more: { extra?: true } = {},
): OptionGrammar<P> {
  return { summary, args, ...more }
}

export interface DirectiveGrammar<
  P extends Params = Params,
  O extends Record<string, OptionGrammar> = Record<string, OptionGrammar>,
> {
  args: P
  options?: O
  /** Lines whose first word is no option are kept in `others` (the inline entries of `hosts`) instead of reported. */
  others?: 'keep'
  /** Code for a line whose first word is no option; `unknown-property` otherwise. Gets the word and a hint. */
  unknown?: string
}

/** A line read by its grammar. */
export interface ReadLine<P extends Params = Params> {
  token: Token
  values: Values<P>
  tokens: readonly Token[]
}

/** A directive read by its grammar. Options that were not given are empty lists. */
export interface ReadDirective<G extends DirectiveGrammar = DirectiveGrammar> extends ReadLine<G['args']> {
  options: G extends { options: infer O extends Record<string, OptionGrammar> }
    ? { [K in keyof O]: ReadLine<O[K]['args']>[] }
    : Record<string, never>
  others: readonly Line[]
  /** All lines of the block in their order, options and others alike. */
  lines: readonly Line[]
  hasBlock: boolean
}

/** How a directive is written, for messages: `cache [TTL] [ZONES...]`. */
export function usage(name: string, params: Params): string {
  return [name, ...params.map(showParam)].join(' ')
}

function showParam({ value, arity }: AnyParam): string {
  const word = value.choices ? value.choices.join('|') : value.name
  if (arity === 'optional') return `[${word}]`
  if (arity === 'rest') return `[${word}...]`
  return arity === 'some' ? `${word}...` : word
}

/** Reads a directive; undefined when anything was reported. */
export function readDirective<G extends DirectiveGrammar>(
  directive: Directive,
  grammar: G,
  report: Report,
): ReadDirective<G> | undefined {
  let failed = false
  const noting: Report = (...finding) => {
    failed = true
    report(...finding)
  }
  const values = readParams(directive.name, directive.args, grammar.args, undefined, noting)
  const options: Record<string, ReadLine[]> = {}
  const others: Line[] = []
  for (const name of Object.keys(grammar.options ?? {})) options[name] = []
  if (directive.block && !grammar.options && !grammar.others && directive.block.length > 0) {
    noting(directive.name, 'unexpected-block', directive.name.text)
  } else {
    for (const line of directive.block ?? []) {
      const name = line.name.text
      const known = grammar.options && Object.hasOwn(grammar.options, name) ? grammar.options[name] : undefined
      if (known) {
        if (line.block) noting(line.name, 'unexpected-block', name)
        const read = readParams(line.name, line.args, known.args, known.extra, noting)
        if (read) options[name]!.push({ token: line.name, values: read as ReadLine['values'], tokens: line.args })
      } else if (grammar.others) {
        others.push(line)
      } else {
        noting(line.name, grammar.unknown ?? 'unknown-property', name, suggest(name, Object.keys(options)))
      }
    }
  }
  if (failed || !values) return undefined
  return {
    token: directive.name,
    values,
    tokens: directive.args,
    options,
    others,
    lines: directive.block ?? [],
    hasBlock: directive.block !== undefined,
  } as unknown as ReadDirective<G>
}

function readParams(
  name: Token,
  tokens: readonly Token[],
  params: Params,
  extra: true | undefined,
  report: Report,
): unknown[] | undefined {
  const values: unknown[] = []
  let at = 0
  const wrongCount = () =>
    void report(tokens.at(-1) ?? name, 'wrong-argument-count', (tokens.at(-1) ?? name).text, usage(name.text, params))
  let failed = false
  const read = (value: Value<unknown>): unknown => {
    const result = value.read(tokens[at++]!, report)
    if (result === undefined) failed = true
    return result
  }
  for (const { value, arity } of params) {
    if (arity === 'one' || arity === 'some') {
      if (at >= tokens.length) return wrongCount()
    }
    if (arity === 'rest' || arity === 'some') {
      const list: unknown[] = []
      while (at < tokens.length) list.push(read(value))
      values.push(list)
    } else {
      values.push(at < tokens.length ? read(value) : undefined)
    }
  }
  // CoreDNS's options with fixed arguments look no further than those and never see a closing brace on their line
  const closing = tokens[at]?.closesBlock && params.at(-1)?.arity === 'one'
  if (at < tokens.length && !extra && !closing) return wrongCount()
  return failed ? undefined : values
}

/** A hint that names the closest of `known` words, or lists them all. */
export function suggest(word: string, known: readonly string[]): string {
  const closest = nearest(word, known)
  if (closest !== undefined) return `did you mean ${closest}?`
  return known.length > 0 ? `it takes: ${known.join(', ')}` : 'it takes no options'
}
