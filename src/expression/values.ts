import { EvaluationError } from './errors.ts'
import { Duration, Time } from './time.ts'

/** What expressions work with. Whole and other numbers are one kind at run time. */
export type Value = null | boolean | number | string | Value[] | ValueMap | Time | Duration

/** Keys are text; numbers are written as text. */
export type ValueMap = Map<string, Value>

/** What is known of a value before there is one; `any` is checked at run time. */
export type Type = 'any' | 'nil' | 'bool' | 'int' | 'float' | 'string' | 'array' | 'map' | 'time' | 'duration'

/** Name of a value's type, for messages. */
export function typeOf(value: Value): Exclude<Type, 'any'> {
  if (value === null) return 'nil'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  if (typeof value === 'string') return 'string'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Map) return 'map'
  return value instanceof Time ? 'time' : 'duration'
}

/** Whether a value of one type may stand where another is wanted. */
export function fits(type: Type, wanted: Type): boolean {
  return type === wanted || type === 'any' || wanted === 'any' || (type === 'int' && wanted === 'float')
}

/** Equal as `==` has it: numbers by value, arrays and maps by what is in them. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]!))
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && equal(item, b.get(key)!))
  }
  if ((a instanceof Time && b instanceof Time) || (a instanceof Duration && b instanceof Duration)) {
    return a.milliseconds === b.milliseconds
  }
  return false
}

/** Below 0 when `a` comes first. @throws EvaluationError when the two have no order */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if ((a instanceof Time && b instanceof Time) || (a instanceof Duration && b instanceof Duration)) {
    return a.milliseconds - b.milliseconds
  }
  throw new EvaluationError(`${typeOf(a)} and ${typeOf(b)} have no order`)
}

/** Text of a value, as Go prints it. */
export function toText(value: Value): string {
  if (value === null) return 'nil'
  if (Array.isArray(value)) return `[${value.map(toText).join(' ')}]`
  if (value instanceof Map) return `map[${[...value].map(([key, item]) => `${key}:${toText(item)}`).join(' ')}]`
  return String(value)
}

/** A JSON value as one of the language. */
export function fromPlain(plain: unknown): Value {
  if (Array.isArray(plain)) return plain.map(fromPlain)
  if (typeof plain === 'object' && plain !== null) {
    return new Map(Object.entries(plain).map(([key, item]) => [key, fromPlain(item)]))
  }
  return plain as null | boolean | number | string
}

/** For JSON: keys are sorted, times and durations are text. */
export function toPlain(value: Value): unknown {
  if (Array.isArray(value)) return value.map(toPlain)
  if (value instanceof Map) {
    const sorted = [...value].sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(sorted.map(([key, item]) => [key, toPlain(item)]))
  }
  if (value instanceof Time) return value.format('2006-01-02T15:04:05Z07:00')
  return value instanceof Duration ? value.milliseconds * 1e6 : value
}
