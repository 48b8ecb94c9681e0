/** Fields that hold octets. */
import { TextError, WireError } from '../errors.ts'
import { fromBase32, fromBase64, fromHex, toBase32, toBase64, toHex } from '../octet-text.ts'
import type { Words } from '../words.ts'
import type { Field } from './field.ts'

type Notation = { to(octets: Uint8Array): string; from(text: string, column: number): Uint8Array }

const HEX: Notation = { to: toHex, from: fromHex }
const BASE64: Notation = { to: toBase64, from: fromBase64 }
const BASE32: Notation = { to: toBase32, from: fromBase32 }

/** Octets up to the end of the data; in text they may be written in pieces. */
function rest(notation: Notation): Field<Uint8Array> {
  return {
    check: (reader) => reader.skipToEnd(),
    read: (reader) => reader.take(reader.left),
    write: (writer, value) => writer.bytes(value),
    parse(words) {
      const column = words.column
      return notation.from(words.joined(), column)
    },
    format: notation.to,
  }
}

/** Octets preceded by their number; in text one word, `-` for none. */
function counted(size: 'u8' | 'u16', notation: Notation): Field<Uint8Array> {
  const max = size === 'u8' ? 0xff : 0xffff
  return {
    check: (reader) => reader.skip(reader[size]()),
    read: (reader) => reader.take(reader[size]()),
    write(writer, value) {
      if (value.length > max) throw new WireError(`more than ${max} octets`)
      writer[size](value.length)
      writer.bytes(value)
    },
    parse: (words) => parseWord(words, notation),
    format: (value) => (value.length === 0 ? '-' : notation.to(value)),
  }
}

function parseWord(words: Words, notation: Notation): Uint8Array {
  const { text, column } = words.next('data')
  return text === '-' ? new Uint8Array(0) : notation.from(text, column)
}

export const restHex = rest(HEX)
export const restBase64 = rest(BASE64)
export const countedHex = counted('u8', HEX)
export const countedBase32 = counted('u8', BASE32)

/** Octets up to the end of the data; the value is hexadecimal text too. */
export const hexText: Field<string> = {
  check: (reader) => reader.skipToEnd(),
  read: (reader) => toHex(reader.take(reader.left)),
  write: (writer, value) => writer.bytes(fromHex(value)),
  parse: (words) => toHex(restHex.parse(words)),
  format: (value) => value.toUpperCase(),
}

/** Octets preceded by their number in 16 bits; in text the number, then base64 (RFC 8945 §4.2, as dig prints it). */
export const macText: Field<Uint8Array> = {
  ...counted('u16', BASE64),
  parse(words) {
    const count = words.next('length')
    const octets = count.text === '0' ? new Uint8Array(0) : parseWord(words, BASE64)
    if (String(octets.length) !== count.text) throw new TextError('length differs from the data', count.column)
    return octets
  },
  format: (value) => (value.length === 0 ? '0' : `${value.length} ${toBase64(value)}`),
}
