/** Fields that hold a number. */
import { fromTypeName, toTypeName } from '../constants.ts'
import { TextError, WireError } from '../errors.ts'
import type { Words } from '../words.ts'
import type { Field } from './field.ts'

function unsigned(octets: number): Field<number> {
  const max = 2 ** (8 * octets) - 1
  return {
    check: (reader) => reader.skip(octets),
    read(reader) {
      let value = 0
      for (let i = 0; i < octets; i++) value = value * 256 + reader.u8()
      return value
    },
    write(writer, value) {
      if (!Number.isInteger(value) || value < 0 || value > max)
        throw new WireError(`not a number from 0 to ${max}: ${value}`)
      for (let shift = octets - 1; shift >= 0; shift--) writer.u8(Math.floor(value / 2 ** (8 * shift)) & 0xff)
    },
    parse: (words) => parseNumber(words, max),
    format: String,
  }
}

/** A decimal number of at most `max`. @throws TextError */
function parseNumber(words: Words, max: number): number {
  const { text, column } = words.next('number')
  if (!/^\d{1,15}$/.test(text) || Number(text) > max)
    throw new TextError(`not a number from 0 to ${max}: ${text}`, column)
  return Number(text)
}

export const u8 = unsigned(1)
export const u16 = unsigned(2)
export const u32 = unsigned(4)
export const u48 = unsigned(6)

/** A number that some values of have names in text; the names are also read. */
export function named(field: Field<number>, names: Readonly<Record<string, number>>): Field<number> {
  const byNumber = new Map(Object.entries(names).map(([name, number]) => [number, name]))
  return {
    ...field,
    parse(words) {
      const name = words.peek()?.text.toUpperCase() ?? ''
      if (!Object.hasOwn(names, name)) return field.parse(words)
      words.next('number')
      return names[name]!
    },
    format: (value) => byNumber.get(value) ?? String(value),
  }
}

/** A number that may be left out of the object. */
export function optional(field: Field<number>, fallback: number): Field<number | undefined> {
  return {
    ...field,
    write: (writer, value) => field.write(writer, value ?? fallback),
    format: (value) => field.format(value ?? fallback),
  }
}

/** A record type, by its mnemonic. */
export const type: Field<string> = {
  check: u16.check,
  read: (reader) => toTypeName(reader.u16()),
  write(writer, value) {
    const number = fromTypeName(value)
    if (number === undefined) throw new WireError(`unknown record type ${value}`)
    writer.u16(number)
  },
  parse(words) {
    const word = words.next('record type')
    const number = fromTypeName(word.text)
    if (number === undefined) throw new TextError(`unknown record type ${word.text}`, word.column)
    return toTypeName(number)
  },
  format: (value) => value,
}

/** Seconds since 1970 as 32 bits; in text `YYYYMMDDHHmmSS` (RFC 4034 §3.2). */
export const time: Field<number> = {
  ...u32,
  parse(words) {
    const { text, column } = words.next('time')
    const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)
    if (!match && /^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff) return Number(text)
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match?.slice(1).map(Number) ?? []
    const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000
    if (!match || seconds < 0 || seconds > 0xffffffff || formatTime(seconds) !== text) {
      throw new TextError(`not a time: ${text}`, column)
    }
    return seconds
  },
  format: formatTime,
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14)
}
