import { Regex, RegexError } from '../plugin/regex.ts'
import { EvaluationError } from './errors.ts'
import type { Scope } from './scope.ts'
import { Duration, Time } from './time.ts'
import { compare, equal, fits, type Type, typeOf, type Value } from './values.ts'

/** How an operator takes two values. */
export type Operation = (a: Value, b: Value, scope: Scope<unknown>) => Value

/** Patterns that are made while an expression runs are shorter than those that stand in it. */
const MAX_DYNAMIC_PATTERN = 1000
/** Longest text that is searched for a pattern: what a search costs grows with both. */
const MAX_SEARCHED = 4096

/** The types that an operator takes: the first row that fits says what comes out. */
const SIGNATURES: Record<string, readonly (readonly [a: Type, b: Type, result: Type])[]> = {
  '+': [
    ['int', 'int', 'int'],
    ['float', 'float', 'float'],
    ['string', 'string', 'string'],
    ['time', 'duration', 'time'],
    ['duration', 'time', 'time'],
    ['duration', 'duration', 'duration'],
  ],
  '-': [
    ['int', 'int', 'int'],
    ['float', 'float', 'float'],
    ['time', 'time', 'duration'],
    ['time', 'duration', 'time'],
    ['duration', 'duration', 'duration'],
  ],
  '*': [
    ['int', 'int', 'int'],
    ['float', 'float', 'float'],
    ['duration', 'float', 'duration'],
    ['float', 'duration', 'duration'],
  ],
  '/': [
    ['float', 'float', 'float'],
    ['duration', 'float', 'duration'],
  ],
  '%': [['int', 'int', 'int']],
  '**': [['float', 'float', 'float']],
  '..': [['int', 'int', 'array']],
  in: [
    ['any', 'array', 'bool'],
    ['string', 'map', 'bool'],
  ],
}
for (const operator of ['<', '>', '<=', '>=']) {
  SIGNATURES[operator] = (['float', 'string', 'time', 'duration'] as const).map((type) => [type, type, 'bool'] as const)
}
for (const operator of ['matches', 'contains', 'startsWith', 'endsWith']) {
  SIGNATURES[operator] = [['string', 'string', 'bool']]
}

/** Type of the result; undefined when the operator does not take such values. */
export function resultOf(operator: string, a: Type, b: Type): Type | undefined {
  if (operator === '==' || operator === '!=') {
    const comparable = fits(a, b) || fits(b, a) || a === 'nil' || b === 'nil'
    return comparable ? 'bool' : undefined
  }
  const rows = (SIGNATURES[operator] ?? []).filter((row) => fits(a, row[0]) && fits(b, row[1]))
  const results = new Set(rows.map((row) => row[2]))
  if (results.size === 0) return undefined
  if (a === 'any' || b === 'any') return results.size === 1 ? rows[0]![2] : 'any'
  return rows[0]![2]
}

const wrong = (operator: string, a: Value, b: Value): never => {
  throw new EvaluationError(`invalid operation: ${operator} (mismatched types ${typeOf(a)} and ${typeOf(b)})`)
}

function add(a: Value, b: Value, scope: Scope<unknown>): Value {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (typeof a === 'string' && typeof b === 'string') {
    scope.spend(a.length + b.length)
    return a + b
  }
  if (a instanceof Time && b instanceof Duration) return new Time(a.milliseconds + b.milliseconds, a.zone)
  if (a instanceof Duration && b instanceof Time) return new Time(a.milliseconds + b.milliseconds, b.zone)
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.milliseconds + b.milliseconds)
  return wrong('+', a, b)
}

function subtract(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (a instanceof Time && b instanceof Time) return new Duration(a.milliseconds - b.milliseconds)
  if (a instanceof Time && b instanceof Duration) return new Time(a.milliseconds - b.milliseconds, a.zone)
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.milliseconds - b.milliseconds)
  return wrong('-', a, b)
}

function multiply(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return a * b
  if (a instanceof Duration && typeof b === 'number') return new Duration(a.milliseconds * b)
  if (typeof a === 'number' && b instanceof Duration) return new Duration(a * b.milliseconds)
  return wrong('*', a, b)
}

function divide(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return a / b
  if (a instanceof Duration && typeof b === 'number') return new Duration(a.milliseconds / b)
  return wrong('/', a, b)
}

function remainder(a: Value, b: Value): Value {
  if (!Number.isInteger(a) || !Number.isInteger(b)) return wrong('%', a, b)
  if (b === 0) throw new EvaluationError('integer divide by zero')
  return (a as number) % (b as number)
}

function range(a: Value, b: Value, scope: Scope<unknown>): Value {
  if (!Number.isInteger(a) || !Number.isInteger(b)) return wrong('..', a, b)
  const [from, to] = [a as number, b as number]
  scope.spend(Math.max(0, to - from + 1))
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
}

function isIn(a: Value, b: Value, scope: Scope<unknown>): Value {
  if (b === null) return false
  if (b instanceof Map) return typeof a === 'string' && b.has(a)
  if (!Array.isArray(b)) return wrong('in', a, b)
  scope.spend(b.length)
  return b.some((item) => equal(a, item))
}

/** A search in a text; strings only. */
function search(operator: string, find: (text: string, part: string) => boolean): Operation {
  return (a, b, scope) => {
    if (typeof a !== 'string' || typeof b !== 'string') return wrong(operator, a, b)
    scope.spend(a.length >> 4)
    return find(a, b)
  }
}

function matches(a: Value, b: Value, scope: Scope<unknown>): Value {
  if (typeof a !== 'string' || typeof b !== 'string') return wrong('matches', a, b)
  if (b.length > MAX_DYNAMIC_PATTERN) throw new EvaluationError('pattern too long')
  scope.spend(1000 + 10 * b.length)
  try {
    return searchPattern(new Regex(b))(a, scope)
  } catch (error) {
    throw error instanceof RegexError ? new EvaluationError(error.message) : error
  }
}

/** Searches for a pattern that is compiled already. */
export function searchPattern(pattern: Regex): (text: Value, scope: Scope<unknown>) => boolean {
  return (text, scope) => {
    if (typeof text !== 'string') throw new EvaluationError(`matches wants text, not ${typeOf(text)}`)
    if (text.length > MAX_SEARCHED) throw new EvaluationError(`text longer than ${MAX_SEARCHED} characters`)
    scope.spend(text.length * (1 + (pattern.source.length >> 5)))
    return pattern.test(text)
  }
}

/** What operators do; `&&`, `||` and `??` are not among them: their right side may be left unevaluated. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  '+': add,
  '-': subtract,
  '*': multiply,
  '/': divide,
  '%': remainder,
  '**': (a, b) => (typeof a === 'number' && typeof b === 'number' ? a ** b : wrong('**', a, b)),
  '..': range,
  '==': (a, b) => equal(a, b),
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => compare(a, b) < 0,
  '>': (a, b) => compare(a, b) > 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>=': (a, b) => compare(a, b) >= 0,
  in: isIn,
  matches,
  contains: search('contains', (text, part) => text.includes(part)),
  startsWith: search('startsWith', (text, part) => text.startsWith(part)),
  endsWith: search('endsWith', (text, part) => text.endsWith(part)),
}
