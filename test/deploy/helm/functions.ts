/** The functions of Go, sprig and Helm that the chart uses, as strict about types as Go is. */
import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import {
  equals,
  format,
  isMap,
  isTrue,
  type Method,
  print,
  sortedKeys,
  toInteger,
  toList,
  toMap,
  toText,
  type Value,
  type ValueMap,
} from './values.ts'

export type Functions = Readonly<Record<string, Method>>

/** What `%v` prints, but nothing for nil: as sprig makes strings. */
const show = (value: Value) => (value === null ? '' : print(value))
const indent = (width: Value, text: Value) => {
  const pad = ' '.repeat(toInteger(width))
  return pad + toText(text).replaceAll('\n', `\n${pad}`)
}
const toYaml = (value: Value) => stringify(value, { version: '1.1', lineWidth: 0, sortMapEntries: true }).trimEnd()
/** With the keys of maps in order, and without what HTML would read. */
const toJson = (value: Value): string =>
  JSON.stringify(value, (_, each: Value) => {
    if (typeof each === 'bigint') return Number(each)
    return isMap(each) ? Object.fromEntries(sortedKeys(each).map((key) => [key, each[key]])) : each
  }).replace(/[<>&]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`)
const wholeOf = (value: Value): bigint => {
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number === 'bigint') return number
  return typeof number === 'number' && Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n
}
/** As reflection of Go names them. */
function kindOf(value: Value): string {
  if (value === null) return 'invalid'
  if (Array.isArray(value)) return 'slice'
  const names: Record<string, string> = { object: 'map', bigint: 'int', number: 'float64', boolean: 'bool' }
  return names[typeof value] ?? typeof value
}

/** Into `target` what it lacks or has empty, in maps within it, too. */
function merge(target: ValueMap, source: ValueMap): ValueMap {
  for (const [key, value] of Object.entries(source)) {
    const there = target[key] ?? null
    if (isMap(there) && isMap(value)) merge(there, value)
    else if (!isTrue(there) && value !== null) target[key] = value
  }
  return target
}

/** Taken with exactly the arguments that they name. */
export const FIXED: Functions = {
  // Go
  not: (value: Value) => !isTrue(value!),
  ne: (a, b) => !equals(a!, b!),
  // Helm
  toYaml: (value) => toYaml(value!),
  toJson: (value) => toJson(value!),
  fail: (message) => {
    throw new Error(toText(message))
  },
  // sprig: values
  default: (instead, value) => (isTrue(value!) ? value! : instead!),
  empty: (value) => !isTrue(value!),
  ternary: (yes, no, which) => (which === true ? yes! : no!),
  kindIs: (kind, value) => kindOf(value!) === kind,
  int: (value) => wholeOf(value!),
  int64: (value) => wholeOf(value!),
  toString: (value: Value) => print(value!),
  // sprig: text
  trim: (text) => toText(text).trim(),
  trimSuffix: (suffix, text) => {
    const [end, whole] = [toText(suffix), toText(text)]
    return end !== '' && whole.endsWith(end) ? whole.slice(0, -end.length) : whole
  },
  trunc: (size, text) => toText(text).slice(0, toInteger(size)),
  replace: (from, to, text) => toText(text).replaceAll(toText(from), toText(to)),
  contains: (part, text) => toText(text).includes(toText(part)),
  hasSuffix: (suffix, text) => toText(text).endsWith(toText(suffix)),
  upper: (text) => toText(text).toUpperCase(),
  indent: (width, text) => indent(width!, text!),
  nindent: (width, text) => `\n${indent(width!, text!)}`,
  join: (separator, list) => toList(list).map(show).join(toText(separator)),
  splitList: (separator, text) => toText(text).split(toText(separator)),
  sha256sum: (text) => createHash('sha256').update(toText(text)).digest('hex'),
  // sprig: lists and maps
  has: (value, list) => toList(list).some((each) => JSON.stringify(each) === JSON.stringify(value)),
  first: (list) => toList(list)[0] ?? null,
  append: (list, value) => [...toList(list), value!],
  compact: (list) => toList(list).filter(isTrue),
  hasKey: (map, key) => Object.hasOwn(toMap(map), toText(key)),
  get: (map, key) => toMap(map)[toText(key)] ?? '',
  set: (map, key, value) => {
    toMap(map)[toText(key)] = value!
    return map!
  },
}

/** Taken with more arguments than they name, too. */
export const VARIADIC: Functions = {
  eq: (value, other, ...others) => [other!, ...others].some((each) => equals(value!, each)),
  index: (value, key, ...keys) =>
    [key!, ...keys].reduce((of, each) => (isMap(of) ? of[toText(each)] : toList(of)[toInteger(each)]) ?? null, value!),
  print: (...values) => values.map(print).join(''),
  printf: (pattern, ...values) => format(toText(pattern), values),
  quote: (...values) =>
    values
      .filter((each) => each !== null)
      .map((each) => JSON.stringify(print(each)))
      .join(' '),
  list: (...values) => values,
  concat: (...lists) => lists.flatMap(toList),
  dict: (...pairs) => {
    const map: ValueMap = {}
    for (let index = 0; index < pairs.length; index += 2) map[toText(pairs[index])] = pairs[index + 1] ?? ''
    return map
  },
  merge: (target, ...sources) => sources.map(toMap).reduce(merge, toMap(target)),
}
