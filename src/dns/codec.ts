/** Messages between octets and objects. */
import { fromClassName, fromTypeName, QR, TYPES, toClassName, toTypeName } from './constants.ts'
import { TextError, WireError } from './errors.ts'
import type { Sections } from './message.ts'
import type { KnownType, OpaqueRecord, ResourceRecord } from './record.ts'
import type { Field } from './types/field.ts'
import { FORMATS } from './types/table.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const byNumber = new Map<number, { name: string; format: Field<unknown> }>(
  Object.entries(FORMATS).map(([name, format]) => [
    TYPES[name as KnownType],
    { name, format: format as Field<unknown> },
  ]),
)

/** Form of a type's data, undefined for types that are only octets. */
export function formatOf(type: number): Field<unknown> | undefined {
  return byNumber.get(type)?.format
}

/** Decodes the records of a message that passed scanReply; an OPT is left out. @throws WireError */
export function decodeSections(wire: Uint8Array): Sections {
  const reader = new WireReader(wire)
  reader.skip(4)
  const questions = reader.u16()
  const counts = [reader.u16(), reader.u16(), reader.u16()] as const
  for (let i = 0; i < questions; i++) {
    reader.skipName(true)
    reader.skip(4)
  }
  return {
    answers: readRecords(reader, counts[0]),
    authorities: readRecords(reader, counts[1]),
    additionals: readRecords(reader, counts[2]),
  }
}

function readRecords(reader: WireReader, count: number): ResourceRecord[] {
  if (count * 11 > reader.left) throw new WireError('more records counted than the message can hold')
  const records: ResourceRecord[] = []
  for (let i = 0; i < count; i++) {
    const record = readRecord(reader)
    if (record) records.push(record)
  }
  return records
}

/** One record; undefined for an OPT. */
function readRecord(reader: WireReader): ResourceRecord | undefined {
  const name = reader.name(true)
  const type = reader.u16()
  const cls = reader.u16()
  const ttl = reader.u32()
  const length = reader.u16()
  const start = reader.at
  reader.skip(length)
  if (type === TYPES.OPT) return undefined
  const limit = reader.end
  reader.at = start
  reader.end = start + length
  const known = byNumber.get(type)
  const common = { name, class: toClassName(cls), ttl: ttl > 0x7fffffff ? 0 : ttl }
  let record: ResourceRecord
  if (known) {
    record = { ...common, type: known.name, data: known.format.read(reader) } as ResourceRecord
    if (reader.left > 0) throw new WireError(`${known.name} record with data left over`)
  } else {
    record = { ...common, type: toTypeName(type) as OpaqueRecord['type'], data: reader.take(length) }
  }
  reader.end = limit
  return record
}

/**
 * Encodes a message with compressed names; id and flags are left 0 (QR set), the question is given in wire form
 * (name, type, class). @throws WireError when a record can't be encoded or the message exceeds 65535 octets
 */
export function encodeMessage(message: {
  question: Uint8Array
  answers: readonly ResourceRecord[]
  authorities: readonly ResourceRecord[]
  additionals: readonly ResourceRecord[]
}): Uint8Array<ArrayBuffer> {
  const { question, answers, authorities, additionals } = message
  const writer = new WireWriter()
  writer.u16(0)
  writer.u16(QR)
  writer.u16(1)
  for (const { length } of [answers, authorities, additionals]) {
    if (length > 0xffff) throw new WireError('too many records')
    writer.u16(length)
  }
  writer.wireName(question.subarray(0, -4), false)
  writer.bytes(question.subarray(-4))
  for (const records of [answers, authorities, additionals]) for (const record of records) writeRecord(writer, record)
  return writer.finish()
}

function writeRecord(writer: WireWriter, record: ResourceRecord): void {
  const type = fromTypeName(record.type)
  const cls = fromClassName(record.class ?? 'IN')
  if (type === undefined) throw new WireError(`unknown record type ${record.type}`)
  if (cls === undefined) throw new WireError(`unknown class ${record.class}`)
  try {
    writer.name(record.name, true)
    writer.u16(type)
    writer.u16(cls)
    if (!Number.isInteger(record.ttl) || record.ttl < 0 || record.ttl > 0xffffffff)
      throw new WireError(`bad TTL ${record.ttl}`)
    writer.u32(record.ttl)
    writer.sized(() => {
      const format = Object.hasOwn(FORMATS, record.type) ? formatOf(type) : undefined
      if (format) format.write(writer, record.data)
      else writer.bytes(record.data as Uint8Array)
    })
  } catch (error) {
    if (!(error instanceof TextError || error instanceof WireError)) throw error
    throw new WireError(`${record.name} ${record.type}: ${error.message}`)
  }
}
