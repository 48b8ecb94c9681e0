/** Values of templates: integers of Go are `bigint`, floats `number`, nil is null. All numbers of a values.yaml are floats. */

export type Method = (...args: Value[]) => Value
export type Value = string | bigint | number | boolean | null | Method | Value[] | ValueMap
export interface ValueMap {
  [key: string]: Value
}

export function isMap(value: Value): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** As `if` and `empty` see it. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (isMap(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

/** @throws Error when it is not a string, as the functions of Go do */
export function toText(value: Value | undefined): string {
  if (typeof value !== 'string') throw new Error(`wants a string, not ${print(value ?? null)}`)
  return value
}

/** @throws Error when it is not an integer */
export function toInteger(value: Value | undefined): number {
  if (typeof value !== 'bigint') throw new Error(`wants an integer, not ${print(value ?? null)}`)
  return Number(value)
}

/** @throws Error when it is not a map */
export function toMap(value: Value | undefined): ValueMap {
  if (value === undefined || !isMap(value)) throw new Error(`wants a map, not ${print(value ?? null)}`)
  return value
}

/** @throws Error when it is not a list */
export function toList(value: Value | undefined): Value[] {
  if (!Array.isArray(value)) throw new Error(`wants a list, not ${print(value ?? null)}`)
  return value
}

/** As `%v` prints it. */
export function print(value: Value): string {
  if (value === null) return '<nil>'
  if (typeof value === 'number') return printFloat(value)
  if (Array.isArray(value)) return `[${value.map(print).join(' ')}]`
  if (isMap(value))
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${print(value[key]!)}`)
      .join(' ')}]`
  return String(value)
}

/** As few digits as it takes; from a million on, and below a ten-thousandth, with an exponent. */
function printFloat(value: number): string {
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const size = Number(exponent)
  if (size >= -4 && size < 6) return String(value)
  return `${digits}e${size < 0 ? '-' : '+'}${String(Math.abs(size)).padStart(2, '0')}`
}

/** `printf`, with the verbs that charts use. @throws Error when verbs and values don't fit */
export function format(pattern: string, values: readonly Value[]): string {
  let index = 0
  const text = pattern.replace(/%(%|[-+0-9.]*[a-zA-Z])/g, (_, verb: string) => {
    if (verb === '%') return '%'
    if (index >= values.length) throw new Error(`no value for %${verb}`)
    const value = values[index++]!
    if (verb === 'v') return print(value)
    if (verb === 's') return toText(value)
    if (verb === 'q') return JSON.stringify(toText(value))
    if (verb === 'd') return String(toInteger(value))
    throw new Error(`%${verb} is not known here`)
  })
  if (index < values.length) throw new Error(`${values.length - index} values too many`)
  return text
}

export function sortedKeys(map: ValueMap): string[] {
  return Object.keys(map).sort()
}

/** Equal as `eq` of basic values: of different types is a mistake. @throws Error */
export function equals(a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b
  if (typeof a === 'object' || typeof b === 'object') throw new Error('compares only basic values')
  if (typeof a !== typeof b) throw new Error(`incompatible types for comparison: ${print(a)} and ${print(b)}`)
  return a === b
}

/** A copy that shares nothing. */
export function copy(value: Value): Value {
  if (Array.isArray(value)) return value.map(copy)
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)])) : value
}
