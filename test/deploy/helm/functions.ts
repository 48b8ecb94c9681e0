/** The functions of Go, sprig and Helm that the chart uses, as strict about types as Go is. */
import { createHash } from 'node:crypto'
import { RE2JS } from 're2js'
import { stringify } from 'yaml'
import {
  copy,
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
const isLess = (a: Value, b: Value) => {
  if (typeof a !== typeof b) throw new Error(`incompatible types for comparison: ${print(a)} and ${print(b)}`)
  return (a as string) < (b as string)
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

function overwrite(target: ValueMap, source: ValueMap): ValueMap {
  for (const [key, value] of Object.entries(source)) {
    const there = target[key] ?? null
    if (isMap(there) && isMap(value)) overwrite(there, value)
    else target[key] = value
  }
  return target
}

/** Taken with exactly the arguments that they name. */
export const FIXED: Functions = {
  // Go
  not: (value: Value) => !isTrue(value!),
  ne: (a, b) => !equals(a!, b!),
  lt: (a, b) => isLess(a!, b!),
  le: (a, b) => !isLess(b!, a!),
  gt: (a, b) => isLess(b!, a!),
  ge: (a, b) => !isLess(a!, b!),
  len: (value) =>
    BigInt(
      typeof value === 'string'
        ? Buffer.byteLength(value)
        : isMap(value!)
          ? sortedKeys(value).length
          : toList(value).length,
    ),
  // Helm
  toYaml: (value) => toYaml(value!),
  toJson: (value) => toJson(value!),
  fromJsonArray: (text) => JSON.parse(toText(text)),
  required: (message, value) => {
    if (value === null || value === '') throw new Error(toText(message))
    return value!
  },
  fail: (message) => {
    throw new Error(toText(message))
  },
  lookup: (_version, _kind, _namespace, _name) => ({}),
  // sprig: values
  default: (instead, value) => (isTrue(value!) ? value! : instead!),
  empty: (value) => !isTrue(value!),
  ternary: (yes, no, which) => (which === true ? yes! : no!),
  kindIs: (kind, value) => kindOf(value!) === kind,
  kindOf: (value) => kindOf(value!),
  int: (value) => wholeOf(value!),
  int64: (value) => wholeOf(value!),
  toString: (value: Value) => print(value!),
  // sprig: text
  trim: (text) => toText(text).trim(),
  trimSuffix: (suffix, text) => {
    const [end, whole] = [toText(suffix), toText(text)]
    return end !== '' && whole.endsWith(end) ? whole.slice(0, -end.length) : whole
  },
  trimPrefix: (prefix, text) => {
    const [start, whole] = [toText(prefix), toText(text)]
    return whole.startsWith(start) ? whole.slice(start.length) : whole
  },
  trunc: (size, text) => toText(text).slice(0, toInteger(size)),
  replace: (from, to, text) => toText(text).replaceAll(toText(from), toText(to)),
  contains: (part, text) => toText(text).includes(toText(part)),
  hasPrefix: (prefix, text) => toText(text).startsWith(toText(prefix)),
  hasSuffix: (suffix, text) => toText(text).endsWith(toText(suffix)),
  lower: (text) => toText(text).toLowerCase(),
  upper: (text) => toText(text).toUpperCase(),
  indent: (width, text) => indent(width!, text!),
  nindent: (width, text) => `\n${indent(width!, text!)}`,
  repeat: (count, text) => toText(text).repeat(toInteger(count)),
  join: (separator, list) => toList(list).map(show).join(toText(separator)),
  splitList: (separator, text) => toText(text).split(toText(separator)),
  regexMatch: (pattern, text) => RE2JS.compile(toText(pattern)).matcher(toText(text)).find(),
  regexReplaceAll: (pattern, text, by) => RE2JS.compile(toText(pattern)).matcher(toText(text)).replaceAll(toText(by)),
  b64enc: (text) => Buffer.from(toText(text)).toString('base64'),
  sha256sum: (text) => createHash('sha256').update(toText(text)).digest('hex'),
  // sprig: lists and maps
  has: (value, list) => toList(list).some((each) => JSON.stringify(each) === JSON.stringify(value)),
  first: (list) => toList(list)[0] ?? null,
  last: (list) => toList(list).at(-1) ?? null,
  rest: (list) => toList(list).slice(1),
  append: (list, value) => [...toList(list), value!],
  prepend: (list, value) => [value!, ...toList(list)],
  uniq: (list) => [...new Set(toList(list))],
  compact: (list) => toList(list).filter(isTrue),
  sortAlpha: (list) => toList(list).map(show).sort(),
  until: (end) => Array.from({ length: toInteger(end) }, (_, index) => BigInt(index)),
  hasKey: (map, key) => Object.hasOwn(toMap(map), toText(key)),
  get: (map, key) => toMap(map)[toText(key)] ?? '',
  set: (map, key, value) => {
    toMap(map)[toText(key)] = value!
    return map!
  },
  unset: (map, key) => {
    delete toMap(map)[toText(key)]
    return map!
  },
  deepCopy: (value) => copy(value!),
  values: (map) => sortedKeys(toMap(map)).map((key) => toMap(map)[key]!),
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
  squote: (...values) =>
    values
      .filter((each) => each !== null)
      .map((each) => `'${print(each)}'`)
      .join(' '),
  coalesce: (...values) => values.find(isTrue) ?? null,
  list: (...values) => values,
  concat: (...lists) => lists.flatMap(toList),
  without: (list, ...values) => toList(list).filter((each) => !values.includes(each)),
  dict: (...pairs) => {
    const map: ValueMap = {}
    for (let index = 0; index < pairs.length; index += 2) map[toText(pairs[index])] = pairs[index + 1] ?? ''
    return map
  },
  keys: (...maps) => maps.flatMap((map) => Object.keys(toMap(map))),
  omit: (map, ...keys) => Object.fromEntries(Object.entries(toMap(map)).filter(([key]) => !keys.includes(key))),
  pick: (map, ...keys) => Object.fromEntries(Object.entries(toMap(map)).filter(([key]) => keys.includes(key))),
  merge: (target, ...sources) => sources.map(toMap).reduce(merge, toMap(target)),
  mergeOverwrite: (target, ...sources) => sources.map(toMap).reduce(overwrite, toMap(target)),
  add: (...values) => values.map(wholeOf).reduce((sum, each) => sum + each, 0n),
  sub: (from, ...values) => values.map(wholeOf).reduce((sum, each) => sum - each, wholeOf(from!)),
  mul: (...values) => values.map(wholeOf).reduce((product, each) => product * each, 1n),
  max: (...values) => values.map(wholeOf).reduce((most, each) => (each > most ? each : most)),
  min: (...values) => values.map(wholeOf).reduce((least, each) => (each < least ? each : least)),
}
