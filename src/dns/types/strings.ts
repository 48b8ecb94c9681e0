/** Fields that hold character strings (RFC 1035 §3.3). */
import { WireError } from '../errors.ts'
import { fromLossless, toLossless } from '../octet-text.ts'
import type { WireWriter } from '../wire-writer.ts'
import { quote, toOctets, type Words } from '../words.ts'
import type { Field } from './field.ts'

function writeString(writer: WireWriter, octets: Uint8Array): void {
  if (octets.length > 255) throw new WireError('character string longer than 255 octets')
  writer.u8(octets.length)
  writer.bytes(octets)
}

function parseString(words: Words): string {
  return toLossless(toOctets(words.next('text')))
}

function formatString(value: string): string {
  return quote(fromLossless(value))
}

/** A character string; the value is lossless, see octet-text.ts. */
export const string: Field<string> = {
  check: (reader) => reader.skip(reader.u8()),
  read: (reader) => toLossless(reader.take(reader.u8())),
  write: (writer, value) => writeString(writer, fromLossless(value)),
  parse: parseString,
  format: formatString,
}

/** A character string that has no quotes in text when it is made of letters and digits: the tag of CAA. */
export const tag: Field<string> = {
  ...string,
  format: (value) => (/^[a-z0-9]+$/i.test(value) ? value : formatString(value)),
}

/** All octets that are left, as one character string without a length. */
export const restString: Field<string> = {
  check: (reader) => reader.skipToEnd(),
  read: (reader) => toLossless(reader.take(reader.left)),
  write: (writer, value) => writer.bytes(fromLossless(value)),
  parse: parseString,
  format: formatString,
}

/** Data of TXT: its strings, or one of them. Records that were read have a list of strings. */
export type TxtData = string | Uint8Array | readonly (string | Uint8Array)[]

/** The strings of TXT data, however it was given; see {@link toLossless} for octets that are not UTF-8. */
export function txtStrings(data: TxtData): string[] {
  return toList(data).map((each) => (typeof each === 'string' ? each : toLossless(each)))
}

function toList(data: TxtData): readonly (string | Uint8Array)[] {
  return typeof data === 'string' || data instanceof Uint8Array ? [data] : data
}

function toStrings(data: TxtData): Uint8Array[] {
  return toList(data).map((each) => (typeof each === 'string' ? fromLossless(each) : each))
}

/** Character strings up to the end of the data. */
export const strings: Field<TxtData> = {
  check(reader) {
    while (reader.left > 0) reader.skip(reader.u8())
  },
  read(reader) {
    const list: string[] = []
    while (reader.left > 0) list.push(string.read(reader))
    return list
  },
  write(writer, value) {
    for (const octets of toStrings(value)) writeString(writer, octets)
  },
  parse(words) {
    const list = [parseString(words)]
    while (!words.done) list.push(parseString(words))
    return list
  },
  format: (value) => toStrings(value).map(quote).join(' '),
}
