/** Records between objects and presentation text (RFC 1035 §5.1). */
import { CLASSES, fromClassName, fromTypeName, toClassName, toTypeName } from './constants.ts'
import { TextError, WireError } from './errors.ts'
import { fromText, toText } from './name.ts'
import { fromHex, toHex } from './octet-text.ts'
import type { KnownType, ResourceRecord } from './record.ts'
import { knownFormat, readData, writeData } from './record-wire.ts'
import { formatOf } from './types/table.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'
import { Words } from './words.ts'

/** Data of a record as text, its fields parted by blanks. @throws WireError or TextError when the object is not right */
export function formatData(record: ResourceRecord): string {
  const text = knownFormat(record)?.format(record.data) ?? ''
  if (text !== '') return text
  const writer = new WireWriter()
  writeData(writer, record)
  const octets = writer.finish()
  return octets.length === 0 ? '\\# 0' : `\\# ${octets.length} ${toHex(octets)}`
}

/** A record as one line: name, TTL, class, type and data, parted by tabs as `dig` does. @throws WireError or TextError */
export function formatRecord(record: ResourceRecord): string {
  const name = toText(fromText(record.name))
  return [name, record.ttl, record.class ?? 'IN', record.type, formatData(record)].join('\t')
}

/**
 * Reads a record from one entry of a zone file. Names are absolute, with or without their final dot; TTL (seconds) and class may be left out
 * or change places.
 * @param defaults TTL in seconds when none is written, 3600 if left out
 * @throws TextError
 */
export function parseRecord(text: string, defaults: { ttl?: number } = {}): ResourceRecord {
  const words = new Words(text)
  const owner = words.next('name')
  const name = toText(fromText(owner.text))
  let ttl: number | undefined
  let cls: number | undefined
  for (;;) {
    const { text: word, column } = words.next('type')
    if (ttl === undefined && /^\d{1,10}$/.test(word)) {
      ttl = Number(word)
      if (ttl > 0x7fffffff) throw new TextError(`TTL over 2147483647: ${word}`, column)
    } else if (cls === undefined && fromClassName(word) !== undefined) {
      cls = fromClassName(word)
    } else {
      const type = fromTypeName(word)
      if (type === undefined) throw new TextError(`unknown record type ${word}`, column)
      const defaulted = { class: toClassName(cls ?? CLASSES.IN), ttl: ttl ?? defaults.ttl ?? 3600 }
      return { name, ...defaulted, ...parseData(type, words) } as ResourceRecord
    }
  }
}

/** Reads the data of a type. @throws TextError */
function parseData(type: number, words: Words): Pick<ResourceRecord, 'type' | 'data'> {
  const name = toTypeName(type) as KnownType
  const format = formatOf(type)
  const { column } = words
  if (words.peek()?.text === '\\#') return parseOpaque(type, words)
  if (!format) throw new TextError(`data of ${name} must be written as \\# LENGTH HEX`, words.column)
  const data = format.parse(words) as ResourceRecord['data']
  if (!words.done) throw new TextError('too many words', words.column)
  try {
    format.write(new WireWriter(), data)
  } catch (error) {
    throw error instanceof WireError ? new TextError(error.message, column) : error
  }
  return { type: name, data }
}

/** Data in the form for unknown types, which known types may use too (RFC 3597 §5). */
function parseOpaque(type: number, words: Words): Pick<ResourceRecord, 'type' | 'data'> {
  words.next('\\#')
  const { text: length, column } = words.next('length')
  const octets = fromHex(words.joined(), column)
  if (length !== String(octets.length)) throw new TextError('length differs from the data', column)
  try {
    return readData(new WireReader(octets), type, octets.length)
  } catch (error) {
    throw error instanceof WireError ? new TextError(error.message, column) : error
  }
}
