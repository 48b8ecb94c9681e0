/** Functions of the language whose arguments are plain values. */
import type { FunctionDefinition } from './environment.ts'
import { EvaluationError } from './errors.ts'
import { sortedBy, toNumber } from './predicates.ts'
import type { Scope } from './scope.ts'
import { Duration, Time, toZone } from './time.ts'
import { equal, fromPlain, type Type, toPlain, toText, typeOf, type Value, type ValueMap } from './values.ts'

type Builtin = FunctionDefinition<unknown>
type Call = (args: Value[], scope: Scope<unknown>) => Value

const define = (params: Type[], result: Type, call: Call, more: Partial<Builtin> = {}): Builtin => ({
  params,
  result,
  call,
  ...more,
})

/** A function of a text, which is paid for by its length. */
const ofText = (result: Type, call: (text: string) => Value): Builtin =>
  define(['string'], result, ([text], scope) => {
    scope.spend((text as string).length)
    return call(text as string)
  })
const ofNumber = (result: Type, call: (number: number) => number): Builtin =>
  define(['float'], result, ([number]) => call(number as number))
const ofArray = (result: Type, call: (items: Value[], scope: Scope<unknown>) => Value): Builtin =>
  define(['array'], result, ([items], scope) => {
    scope.spend((items as Value[]).length)
    return call(items as Value[], scope)
  })
const ofBits = (call: (a: bigint, b: bigint) => bigint): Builtin =>
  define(['int', 'int'], 'int', ([a, b]) => Number(BigInt.asIntN(64, call(toBits(a!), toBits(b!)))))

function toBits(value: Value): bigint {
  if (!Number.isSafeInteger(value)) throw new EvaluationError(`a whole number is wanted, not ${typeOf(value)}`)
  return BigInt(value as number)
}

function toShift(count: bigint): bigint {
  if (count < 0n) throw new EvaluationError('negative shift')
  return count > 64n ? 64n : count
}

/** The numbers among arguments that may be lists of them. */
function numbersOf(args: readonly Value[], scope: Scope<unknown>): number[] {
  return args.flatMap((arg) => {
    if (!Array.isArray(arg)) return [toNumber(arg)]
    scope.spend(arg.length)
    return numbersOf(arg, scope)
  })
}

const ofNumbers = (call: (numbers: number[]) => number): Builtin =>
  define(
    ['any'],
    'any',
    (args, scope) => {
      const numbers = numbersOf(args, scope)
      if (numbers.length === 0) throw new EvaluationError('not enough arguments')
      return call(numbers)
    },
    { variadic: true },
  )

function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Characters of `cut`, white space when left out, are taken off the ends. */
function trim(text: string, cut: string | undefined, start: boolean, end: boolean): string {
  const isCut = (char: string) => (cut === undefined ? /\s/.test(char) : cut.includes(char))
  let from = 0
  let to = text.length
  while (start && from < to && isCut(text[from]!)) from++
  while (end && to > from && isCut(text[to - 1]!)) to--
  return text.slice(from, to)
}

function split(text: string, separator: string, limit: number | undefined, after: boolean): Value[] {
  const parts = text.split(separator)
  const count = limit === undefined || limit < 0 ? parts.length : Math.min(limit, parts.length)
  if (count === 0) return []
  const kept = [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)]
  return after ? kept.map((part, i) => (i < kept.length - 1 ? part + separator : part)) : kept
}

function replace(text: string, from: string, to: string, limit: number, scope: Scope<unknown>): string {
  const parts = split(text, from, limit < 0 ? undefined : limit + 1, false) as string[]
  scope.spend(text.length + parts.length * to.length)
  return parts.join(to)
}

function repeat(text: string, count: number, scope: Scope<unknown>): string {
  if (count < 0) throw new EvaluationError('negative repeat count')
  scope.spend(text.length * count)
  return text.repeat(count)
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return [...value].length
  if (Array.isArray(value)) return value.length
  if (value instanceof Map) return value.size
  throw new EvaluationError(`invalid argument for len (type ${typeOf(value)})`)
}

function toInt(value: Value): number {
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number') throw new EvaluationError(`invalid operation: int(${toText(value)})`)
  return Math.trunc(number)
}

function toFloat(value: Value): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || Number.isNaN(number)) {
    throw new EvaluationError(`invalid operation: float(${toText(value)})`)
  }
  return number
}

function toMap(pairs: Value[]): ValueMap {
  return new Map(
    pairs.map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) throw new EvaluationError('invalid pair')
      return [String(pair[0]), pair[1]!]
    }),
  )
}

function flatten(items: Value[], scope: Scope<unknown>): Value[] {
  scope.spend(items.length)
  return items.flatMap((item) => (Array.isArray(item) ? flatten(item, scope) : [item]))
}

function fromJson(text: string): Value {
  try {
    return fromPlain(JSON.parse(text))
  } catch (error) {
    throw new EvaluationError(error instanceof Error ? error.message : String(error))
  }
}

const asMap = (value: Value | undefined) => value as ValueMap
const asText = (value: Value | undefined) => value as string

export const BUILTINS: Readonly<Record<string, Builtin>> = {
  len: define(['any'], 'int', ([value], scope) => {
    if (typeof value === 'string') scope.spend(value.length)
    return lengthOf(value!)
  }),
  abs: define(['float'], 'any', ([number]) => Math.abs(number as number)),
  ceil: ofNumber('float', Math.ceil),
  floor: ofNumber('float', Math.floor),
  round: ofNumber('float', (number) => Math.sign(number) * Math.round(Math.abs(number))),
  int: define(['any'], 'int', ([value]) => toInt(value!)),
  float: define(['any'], 'float', ([value]) => toFloat(value!)),
  string: define(['any'], 'string', ([value], scope) => {
    const text = toText(value!)
    scope.spend(text.length)
    return text
  }),
  trim: trimmer(true, true),
  trimPrefix: define(['string', 'string'], 'string', ([text, part]) =>
    asText(text).startsWith(asText(part)) ? asText(text).slice(asText(part).length) : asText(text),
  ),
  trimSuffix: define(['string', 'string'], 'string', ([text, part]) =>
    asText(text).endsWith(asText(part))
      ? asText(text).slice(0, asText(text).length - asText(part).length)
      : asText(text),
  ),
  upper: ofText('string', (text) => text.toUpperCase()),
  lower: ofText('string', (text) => text.toLowerCase()),
  split: splitter(false),
  splitAfter: splitter(true),
  replace: define(
    ['string', 'string', 'string', 'int'],
    'string',
    ([text, from, to, limit = -1], scope) => replace(asText(text), asText(from), asText(to), limit as number, scope),
    { optional: 1 },
  ),
  repeat: define(['string', 'int'], 'string', ([text, count], scope) => repeat(asText(text), count as number, scope)),
  join: define(
    ['array', 'string'],
    'string',
    ([items, separator = ''], scope) => {
      const text = (items as Value[]).map(toText).join(asText(separator))
      scope.spend(text.length)
      return text
    },
    { optional: 1 },
  ),
  indexOf: define(['string', 'string'], 'int', ([text, part]) => asText(text).indexOf(asText(part))),
  lastIndexOf: define(['string', 'string'], 'int', ([text, part]) => asText(text).lastIndexOf(asText(part))),
  hasPrefix: define(['string', 'string'], 'bool', ([text, part]) => asText(text).startsWith(asText(part))),
  hasSuffix: define(['string', 'string'], 'bool', ([text, part]) => asText(text).endsWith(asText(part))),
  max: ofNumbers((numbers) => numbers.reduce((a, b) => Math.max(a, b))),
  min: ofNumbers((numbers) => numbers.reduce((a, b) => Math.min(a, b))),
  mean: ofNumbers((numbers) => numbers.reduce((a, b) => a + b) / numbers.length),
  median: ofNumbers(median),
  toJSON: define(['any'], 'string', ([value], scope) => {
    const text = JSON.stringify(toPlain(value!), null, 2)
    scope.spend(text.length)
    return text
  }),
  fromJSON: ofText('any', fromJson),
  toBase64: ofText('string', (text) => Buffer.from(text).toString('base64')),
  fromBase64: ofText('string', (text) => Buffer.from(text, 'base64').toString()),
  duration: ofText('duration', (text) => Duration.parse(text)),
  date: define(
    ['string', 'string', 'string'],
    'time',
    ([text, layout, zone = 'UTC'], scope) => {
      scope.spend(1000)
      return Time.parse(asText(text), layout as string | undefined, toZone(asText(zone)))
    },
    { optional: 2 },
  ),
  timezone: ofText('string', (name) => toZone(name)),
  first: ofArray('any', (items) => items[0] ?? null),
  last: ofArray('any', (items) => items.at(-1) ?? null),
  get: define(['any', 'any'], 'any', ([object, key]) => {
    if (object instanceof Map) return object.get(String(key)) ?? null
    if (Array.isArray(object) && Number.isInteger(key)) return object.at(key as number) ?? null
    return null
  }),
  take: define(['array', 'int'], 'array', ([items, count]) =>
    (items as Value[]).slice(0, Math.max(0, count as number)),
  ),
  keys: define(['map'], 'array', ([map]) => [...asMap(map).keys()]),
  values: define(['map'], 'array', ([map]) => [...asMap(map).values()]),
  toPairs: define(['map'], 'array', ([map]) => [...asMap(map)].map(([key, value]) => [key, value])),
  fromPairs: ofArray('map', toMap),
  reverse: ofArray('array', (items) => items.toReversed()),
  uniq: ofArray('array', (items, scope) => {
    scope.spend(items.length ** 2)
    return items.filter((item, i) => items.findIndex((other) => equal(item, other)) === i)
  }),
  concat: define(
    ['array'],
    'array',
    (lists, scope) => {
      for (const list of lists) scope.spend((list as Value[]).length)
      return (lists as Value[][]).flat()
    },
    { variadic: true },
  ),
  flatten: ofArray('array', flatten),
  sort: define(
    ['array', 'string'],
    'array',
    ([items, order = 'asc'], scope) => sortedBy(items as Value[], (item) => item, order, scope),
    { optional: 1 },
  ),
  bitand: ofBits((a, b) => a & b),
  bitor: ofBits((a, b) => a | b),
  bitxor: ofBits((a, b) => a ^ b),
  bitnand: ofBits((a, b) => a & ~b),
  bitnot: define(['int'], 'int', ([a]) => Number(~toBits(a!))),
  bitshl: ofBits((a, b) => a << toShift(b)),
  bitshr: ofBits((a, b) => a >> toShift(b)),
  bitushr: ofBits((a, b) => BigInt.asUintN(64, a) >> toShift(b)),
}

function trimmer(start: boolean, end: boolean): Builtin {
  return define(
    ['string', 'string'],
    'string',
    ([text, cut], scope) => {
      scope.spend(asText(text).length)
      return trim(asText(text), cut as string | undefined, start, end)
    },
    { optional: 1 },
  )
}

function splitter(after: boolean): Builtin {
  return define(
    ['string', 'string', 'int'],
    'array',
    ([text, separator, limit], scope) => {
      scope.spend(asText(text).length)
      return split(asText(text), asText(separator), limit as number | undefined, after)
    },
    { optional: 1 },
  )
}
