import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeSections, encodeMessage } from './codec.ts'
import { TYPES } from './constants.ts'
import { WireError } from './errors.ts'
import type { KnownType, ResourceRecord } from './record.ts'
import { readData, writeData } from './record-wire.ts'
import { scanReply } from './reply-scan.ts'
import { recordOf } from './testing/arbitraries.ts'
import { RECORD_SAMPLES } from './testing/record-samples.ts'
import { formatRecord, parseRecord } from './text.ts'
import { FORMATS } from './types/table.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const question = { name: 'Example.org.', type: 'A' }

function roundTrip(record: ResourceRecord): ResourceRecord {
  const wire = encodeMessage({ question, answers: [record] })
  scanReply(wire)
  const [found, ...more] = decodeSections(wire).answers
  assert.equal(more.length, 0)
  return found!
}

describe('each type', () => {
  for (const type of Object.keys(FORMATS) as KnownType[]) {
    test(`${type}: object → wire → object → text → object changes nothing`, () => {
      fc.assert(
        fc.property(recordOf(type), (record) => {
          assert.deepEqual(roundTrip(record), record)
          assert.deepEqual(parseRecord(formatRecord(record)), record)
        }),
        { numRuns: 60 },
      )
    })
    test(`${type} has a sample`, () => {
      assert.ok(RECORD_SAMPLES.some((text) => text.split(' ')[3] === type))
    })
  }
})

describe('any data that is understood is written as it was', () => {
  for (const type of Object.keys(FORMATS) as KnownType[]) {
    const data = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(recordOf(type), fc.nat(), fc.nat(255)).map(([record, at, value]) => {
        const octets = dataOf(record)
        if (octets.length > 0) octets[at % octets.length] = value
        return octets
      }),
    )
    test(type, () => {
      fc.assert(
        fc.property(data, (octets) => {
          const reader = new WireReader(octets)
          let read: ReturnType<typeof readData>
          try {
            read = readData(reader, TYPES[type], octets.length)
          } catch (error) {
            assert.ok(error instanceof WireError)
            return
          }
          // Names that were compressed are written in full.
          if (reader.expansion > 0) return
          assert.deepEqual(dataOf({ name: '.', ttl: 0, ...read } as ResourceRecord), octets)
        }),
        { numRuns: 150 },
      )
    })
  }
})

function dataOf(record: ResourceRecord): Uint8Array {
  const writer = new WireWriter()
  writeData(writer, record)
  return writer.finish()
}

test('samples print as they were read', () => {
  for (const text of RECORD_SAMPLES) {
    const record = parseRecord(text)
    assert.equal(formatRecord(record).replaceAll('\t', ' '), text)
    assert.deepEqual(roundTrip(record), record)
  }
})

test('an HTTPS record with the parameter 65535, which is none, stays octets', () => {
  // priority 1, target ".", parameter 65535 without a value
  const data = Uint8Array.of(0, 1, 0, 0xff, 0xff, 0, 0)
  const found = roundTrip({ name: 'a.', type: 'TYPE65', class: 'IN', ttl: 0, data } as ResourceRecord)
  assert.equal(found.type, 'TYPE65')
  assert.deepEqual(Uint8Array.from(found.data as Uint8Array), data)
})
