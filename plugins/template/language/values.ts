/** What templates work with: text, numbers, truth, lists, maps and functions, under the names that Go has for them. */
import { ExecutionError } from './errors.ts'

export type Value = undefined | null | boolean | number | bigint | string | readonly Value[] | Fields | Method

/** A method of the data: gets the arguments written behind it. */
export type Method = (...args: Value[]) => Value

/** A map, or the fields of an object. A field that is not there is nothing in a map and a mistake in an object. */
export class Fields {
  readonly values: Readonly<Record<string, Value>>
  readonly isMap: boolean

  constructor(values: Record<string, Value>, { isMap }: { isMap: boolean }) {
    this.values = values
    this.isMap = isMap
  }

  /** @throws ExecutionError */
  get(name: string): Value {
    if (Object.hasOwn(this.values, name)) return this.values[name]
    if (this.isMap) return undefined
    throw new ExecutionError(`can't evaluate field ${name}`)
  }
}

export const mapOf = (values: Record<string, Value>) => new Fields(values, { isMap: true })
export const objectOf = (values: Record<string, Value>) => new Fields(values, { isMap: false })

/** Whether `if` takes it for true: not zero, nothing or empty. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Fields) return !value.isMap || Object.keys(value.values).length > 0
  return Boolean(value)
}

/** Name of its type, for messages. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return 'nil'
  if (Array.isArray(value)) return 'slice'
  if (value instanceof Fields) return value.isMap ? 'map' : 'struct'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  return (
    { bigint: 'uint64', boolean: 'bool', string: 'string', function: 'func' }[typeof value as 'bigint'] ?? 'unknown'
  )
}

/** Text as Go's `%v` prints it. */
export function print(value: Value): string {
  if (value === undefined) return '<no value>'
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(print).join(' ')}]`
  if (value instanceof Fields) {
    const entries = Object.entries(value.values).sort(([a], [b]) => (a < b ? -1 : 1))
    if (value.isMap) return `map[${entries.map(([key, each]) => `${key}:${print(each)}`).join(' ')}]`
    return `{${Object.values(value.values).map(print).join(' ')}}`
  }
  return String(value)
}
