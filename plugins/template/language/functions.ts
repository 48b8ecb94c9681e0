/** Functions that templates may call. */
import { ExecutionError } from './errors.ts'
import { printf } from './printf.ts'
import { Fields, isTrue, print, typeName, type Value } from './values.ts'

export interface TemplateFunction {
  min: number
  /** Infinity for any number. */
  max: number
  call(...args: Value[]): Value
}

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }

const fixed = (count: number, call: TemplateFunction['call']): TemplateFunction => ({ min: count, max: count, call })
const many = (min: number, call: TemplateFunction['call']): TemplateFunction => ({ min, max: Infinity, call })

/** `and` and `or` are here for their names: what they leave unevaluated is decided in execute.ts. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: many(1, (...args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1)),
  or: many(1, (...args) => args.find(isTrue) ?? args.at(-1)),
  not: fixed(1, (value) => !isTrue(value)),
  eq: many(2, (first, ...others) => others.some((other) => equals(first, other))),
  ne: fixed(2, (a, b) => !equals(a, b)),
  lt: fixed(2, (a, b) => compare(a, b) < 0),
  le: fixed(2, (a, b) => compare(a, b) <= 0),
  gt: fixed(2, (a, b) => compare(a, b) > 0),
  ge: fixed(2, (a, b) => compare(a, b) >= 0),
  len: fixed(1, lengthOf),
  index: many(1, (object, ...keys) => keys.reduce(indexOf, object)),
  slice: { min: 1, max: 3, call: slice },
  print: many(0, (...args) => printAll(args)),
  println: many(0, (...args) => `${args.map(print).join(' ')}\n`),
  printf: many(1, (format, ...args) => printf(textOf(format), args)),
  html: many(0, (...args) => printAll(args).replace(/[&<>"']/g, (char) => HTML[char]!)),
  urlquery: many(0, (...args) => encodeURIComponent(printAll(args)).replaceAll('%20', '+')),
  parseInt: fixed(3, parseUnsigned),
}

function textOf(value: Value): string {
  if (typeof value !== 'string') throw new ExecutionError(`wrong type ${typeName(value)}; want string`)
  return value
}

function integerOf(value: Value): number {
  if (!Number.isInteger(value)) throw new ExecutionError(`wrong type ${typeName(value)}; want int`)
  return value as number
}

function equals(a: Value, b: Value): boolean {
  const [left, right] = [kindOf(a), kindOf(b)]
  if (left !== right && a !== undefined && b !== undefined && a !== null && b !== null) {
    throw new ExecutionError('incompatible types for comparison')
  }
  return left === 'number' ? Number(a) === Number(b) : a === b
}

function compare(a: Value, b: Value): number {
  if (kindOf(a) === 'number' && kindOf(b) === 'number') return Number(a) - Number(b)
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  throw new ExecutionError('incompatible types for comparison')
}

function kindOf(value: Value): string {
  return typeof value === 'bigint' ? 'number' : typeof value
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (value instanceof Fields && value.isMap) return Object.keys(value.values).length
  throw new ExecutionError(`len of type ${typeName(value)}`)
}

function indexOf(object: Value, key: Value): Value {
  if (object instanceof Fields && object.isMap) return object.get(textOf(key)) ?? ''
  if (Array.isArray(object) || typeof object === 'string') {
    const index = integerOf(key)
    if (index < 0 || index >= object.length)
      throw new ExecutionError(`error calling index: index out of range: ${index}`)
    return typeof object === 'string' ? object.charCodeAt(index) : (object as Value[])[index]
  }
  throw new ExecutionError(`can't index item of type ${typeName(object)}`)
}

function slice(object: Value, from: Value = 0, to?: Value): Value {
  if (typeof object !== 'string' && !Array.isArray(object)) {
    throw new ExecutionError(`can't slice item of type ${typeName(object)}`)
  }
  const start = integerOf(from)
  const end = to === undefined ? object.length : integerOf(to)
  if (start < 0 || end > object.length || start > end)
    throw new ExecutionError(`slice index out of range: ${start}, ${end}`)
  return object.slice(start, end)
}

/** Go's fmt.Sprint: blanks stand between arguments that are both no text. */
function printAll(args: readonly Value[]): string {
  return args.reduce<string>((text, arg, i) => {
    const blank = i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string'
    return text + (blank ? ' ' : '') + print(arg)
  }, '')
}

/** Go's strconv.ParseUint. */
function parseUnsigned(text: Value, base: Value, bits: Value): Value {
  const digits = textOf(text)
  const radix = integerOf(base)
  const width = integerOf(bits) || 64
  if ((radix !== 0 && (radix < 2 || radix > 36)) || width < 0 || width > 64) {
    throw new ExecutionError(`strconv.ParseUint: parsing "${digits}": invalid base or bit size`)
  }
  const value = readDigits(digits.toLowerCase(), radix)
  if (value === undefined) throw new ExecutionError(`strconv.ParseUint: parsing "${digits}": invalid syntax`)
  if (value >= 1n << BigInt(width))
    throw new ExecutionError(`strconv.ParseUint: parsing "${digits}": value out of range`)
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

function readDigits(text: string, base: number): bigint | undefined {
  const [, prefix, rest = text] = (base === 0 && /^(0[xob]?)(.+)$/.exec(text)) || []
  const radix = base > 0 ? base : ({ '0x': 16, '0o': 8, '0b': 2, '0': 8 }[prefix ?? ''] ?? 10)
  if (rest === '' || rest.length > 64) return undefined
  let value = 0n
  for (const char of rest) {
    const digit = Number.parseInt(char, 36)
    if (!(digit < radix)) return undefined
    value = value * BigInt(radix) + BigInt(digit)
  }
  return value
}
