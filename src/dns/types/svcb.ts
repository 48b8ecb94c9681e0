/** Service parameters of SVCB and HTTPS (RFC 9460 §2). */
import { TextError, WireError } from '../errors.ts'
import { fromBase64, fromLossless, toBase64, toLossless } from '../octet-text.ts'
import type { WireReader } from '../wire-reader.ts'
import type { WireWriter } from '../wire-writer.ts'
import { quote, toOctets, type Words } from '../words.ts'
import type { Field, TextForm } from './field.ts'
import { ipv4, ipv6 } from './names.ts'
import { u16 } from './numbers.ts'
import { restString, string } from './strings.ts'

/** Parameters by their names; those without a name are `key123`, their values octets. */
export interface SvcParams {
  mandatory?: readonly string[]
  alpn?: readonly string[]
  'no-default-alpn'?: true
  port?: number
  ipv4hint?: readonly string[]
  ech?: Uint8Array
  ipv6hint?: readonly string[]
  dohpath?: string
  ohttp?: true
  [key: `key${number}`]: Uint8Array
}

const KEYS = {
  mandatory: 0,
  alpn: 1,
  'no-default-alpn': 2,
  port: 3,
  ipv4hint: 4,
  ech: 5,
  ipv6hint: 6,
  dohpath: 7,
  ohttp: 8,
} as const

type KeyName = keyof typeof KEYS

/** A parameter's value; its text is the character string behind `=`, see octet-text.ts. */
interface Value<T> extends TextForm<T> {
  /** Stands in double quotes. */
  quoted?: true
}

const key = {
  read: (reader: WireReader) => toKeyName(reader.u16()),
  write: (writer: WireWriter, value: string) => writer.u16(fromKeyName(value)),
}

/** One value or more, `,` between them in text. */
function list(item: Pick<Field<string>, 'read' | 'write'>): Value<readonly string[]> {
  return {
    read(reader) {
      const values = [item.read(reader)]
      while (reader.left > 0) values.push(item.read(reader))
      return values
    },
    write(writer, values) {
      if (values.length === 0) throw new WireError('parameter without a value')
      for (const value of values) item.write(writer, value)
    },
    parse: (text) => text.split(','),
    format: (values) => values.join(','),
  }
}

/** Protocol ids may hold commas and backslashes, which a second layer of escapes marks (RFC 9460 §A.1). */
const alpn: Value<readonly string[]> = {
  ...list(string),
  parse(text) {
    const values = ['']
    for (const [piece, escaped] of text.matchAll(/\\([\s\S])|,|[^\\,]+|\\$/g)) {
      if (piece === ',') values.push('')
      else values[values.length - 1] += escaped ?? piece
    }
    return values
  },
  format: (values) => values.map((value) => value.replace(/[,\\]/g, '\\$&')).join(','),
  quoted: true,
}

const flag: Value<true> = {
  read: () => true,
  write: () => {},
  parse(text) {
    if (text !== '') throw new TextError('takes no value')
    return true
  },
  format: () => '',
}

const octets: Value<Uint8Array> = {
  read: (reader) => reader.take(reader.left),
  write: (writer, value) => writer.bytes(value),
  parse: fromLossless,
  format: toLossless,
  quoted: true,
}

const VALUES: { [Name in KeyName]: Value<NonNullable<SvcParams[Name]>> } = {
  mandatory: list(key),
  alpn,
  'no-default-alpn': flag,
  port: { ...u16, parse: Number, format: String },
  ipv4hint: list(ipv4),
  ech: { read: octets.read, write: octets.write, parse: (text) => fromBase64(text), format: toBase64 },
  ipv6hint: list(ipv6),
  dohpath: { ...restString, parse: (text) => text, format: (value) => value, quoted: true },
  ohttp: flag,
}

const keyNames = new Map<number, string>(Object.entries(KEYS).map(([name, number]) => [number, name]))

/** @throws WireError for the key that is no key (RFC 9460 §14.3.2) */
function toKeyName(number: number): string {
  if (number === 0xffff) throw new WireError('service parameter 65535')
  return keyNames.get(number) ?? `key${number}`
}

/** @throws WireError */
function fromKeyName(name: string): number {
  if (Object.hasOwn(KEYS, name)) return KEYS[name as KeyName]
  const number = /^key(0|[1-9]\d{0,4})$/.test(name) ? Number(name.slice(3)) : 0xffff
  if (number >= 0xffff) throw new WireError(`unknown service parameter ${name}`)
  return number
}

function kindOf(name: string): Value<unknown> {
  return (Object.hasOwn(VALUES, name) ? VALUES[name as KeyName] : octets) as Value<unknown>
}

export const svcParams: Field<SvcParams> = {
  check(reader) {
    while (reader.left > 0) {
      reader.skip(2)
      reader.skip(reader.u16())
    }
  },
  read(reader) {
    const params: Record<string, unknown> = {}
    const limit = reader.end
    let last = -1
    while (reader.left > 0) {
      const number = reader.u16()
      if (number <= last) throw new WireError('service parameters out of order')
      last = number
      const end = reader.u16() + reader.at
      if (end > limit) throw new WireError('data cut short')
      reader.end = end
      params[toKeyName(number)] = kindOf(toKeyName(number)).read(reader)
      if (reader.left > 0) throw new WireError('service parameter of a wrong length')
      reader.end = limit
    }
    return params as SvcParams
  },
  write(writer, params) {
    const entries = Object.entries(params).filter(([, value]) => value !== undefined)
    const numbered = entries.map(([name, value]) => [fromKeyName(name), value] as const)
    for (const [number, value] of numbered.sort(([a], [b]) => a - b)) {
      writer.u16(number)
      writer.sized(() => kindOf(toKeyName(number)).write(writer, value))
    }
  },
  parse(words) {
    const found: [number, string, unknown][] = []
    while (!words.done) found.push(parseParam(words))
    found.sort(([a], [b]) => a - b)
    return Object.fromEntries(found.map(([, name, value]) => [name, value])) as SvcParams
  },
  format: (params) =>
    Object.entries(params)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [fromKeyName(name), name, value] as const)
      .sort(([a], [b]) => a - b)
      .map(([, name, value]) => formatParam(name, value))
      .join(' '),
}

/** Reads `name`, `name=value` or `name="value"`. */
function parseParam(words: Words): [number: number, name: string, value: unknown] {
  const word = words.next('parameter')
  const [, name = '', assign, inline = ''] = /^([^=]*)(=?)([\s\S]*)$/.exec(word.text)!
  const next = words.peek()
  const joined = assign && inline === '' && next?.quoted && next.column === word.column + word.text.length
  const value = toLossless(toOctets(joined ? words.next('value') : { ...word, text: inline }))
  try {
    const number = fromKeyName(name)
    return [number, toKeyName(number), kindOf(toKeyName(number)).parse(value)]
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new TextError(`service parameter ${name}: ${error.message}`, word.column)
  }
}

function formatParam(name: string, value: unknown): string {
  const kind = kindOf(name)
  const text = kind.format(value)
  if (text === '') return name
  return `${name}=${kind.quoted ? quote(fromLossless(text)) : text}`
}
