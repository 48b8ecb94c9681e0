/** Single records between octets and objects. */
import { fromClassName, fromTypeName, MAX_TTL, toClassName, toTypeName } from './constants.ts'
import { TextError, WireError } from './errors.ts'
import { copyOctets } from './octets.ts'
import type { KnownType, ResourceRecord } from './record.ts'
import { FORMATS, formatOf } from './types/table.ts'
import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

/** What stands before the data of a record. */
export interface RecordHead {
  name: string
  type: number
  cls: number
  ttl: number
  length: number
}

/** @throws WireError */
export function readHead(reader: WireReader): RecordHead {
  const name = reader.name(true)
  return { name, type: reader.u16(), cls: reader.u16(), ttl: reader.u32(), length: reader.u16() }
}

/**
 * Passes over the data of a record and checks that it has the shape of its type; data of other types has none.
 * @throws WireError
 */
export function checkData(reader: WireReader, type: number, length: number): void {
  const limit = reader.end
  const end = reader.at + length
  if (end > limit) throw new WireError('record data runs past the end of the message')
  const format = formatOf(type)
  if (!format) {
    reader.at = end
    return
  }
  reader.end = end
  format.check(reader)
  reader.end = limit
  if (reader.at !== end) throw new WireError(`data left over in a record of type ${toTypeName(type)}`)
}

/** The record that `head` begins; see {@link readData}. @throws WireError */
export function readRecord(reader: WireReader, head: RecordHead): ResourceRecord {
  const { name, cls } = head
  const ttl = Math.min(head.ttl, MAX_TTL)
  return { name, class: toClassName(cls), ttl, ...readData(reader, head.type, head.length) } as ResourceRecord
}

/**
 * Reads record data. Data that has the shape of its type but can't be understood, such as a LOC of another version, is left as octets under
 * `TYPE29`. @throws WireError
 */
export function readData(reader: WireReader, type: number, length: number): Pick<ResourceRecord, 'type' | 'data'> {
  const start = reader.at
  checkData(reader, type, length)
  const end = reader.at
  const format = formatOf(type)
  const name = toTypeName(type) as KnownType
  if (format) {
    const limit = reader.end
    reader.at = start
    reader.end = end
    try {
      return { type: name, data: format.read(reader) as ResourceRecord['data'] }
    } catch (error) {
      if (!(error instanceof WireError)) throw error
    } finally {
      reader.at = end
      reader.end = limit
    }
  }
  return { type: format ? `TYPE${type}` : name, data: copyOctets(reader.octets, start, end) }
}

/** Writes a record, its names compressed where its type allows it. @throws WireError when it can't be encoded */
export function writeRecord(writer: WireWriter, record: ResourceRecord): void {
  const { name, ttl } = record
  const type = fromTypeName(record.type)
  const cls = fromClassName(record.class ?? 'IN')
  try {
    if (type === undefined) throw new WireError('unknown record type')
    if (cls === undefined) throw new WireError(`unknown class ${record.class}`)
    if (!(Number.isInteger(ttl) && ttl >= 0 && ttl <= 0xffffffff)) throw new WireError(`bad TTL ${ttl}`)
    writer.name(name, true)
    writer.u16(type)
    writer.u16(cls)
    writer.u32(ttl)
    writer.sized(() => writeData(writer, record))
  } catch (error) {
    if (error instanceof TextError || error instanceof WireError) {
      throw new WireError(`${name} ${record.type}: ${error.message}`)
    }
    // A plugin in JavaScript may give an object of any form.
    if (error instanceof TypeError) throw new WireError(`${name} ${record.type}: data has not the form of its type`)
    throw error
  }
}

/** @throws WireError or TextError */
export function writeData(writer: WireWriter, record: ResourceRecord): void {
  const format = knownFormat(record)
  if (format) format.write(writer, record.data)
  else if (record.data instanceof Uint8Array) writer.bytes(record.data)
  else throw new WireError('data must be octets')
}

/** Form of a record's data by the name of its type, so that `TYPE1` is octets. */
export function knownFormat(record: ResourceRecord): ReturnType<typeof formatOf> {
  return Object.hasOwn(FORMATS, record.type) ? formatOf(fromTypeName(record.type)!) : undefined
}
