import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { recordOf } from './arbitraries.ts'
import { decodeSections, encodeMessage } from './codec.ts'
import type { KnownType, ResourceRecord } from './record.ts'
import { RECORD_SAMPLES } from './record-samples.ts'
import { scanReply } from './reply-scan.ts'
import { formatRecord, parseRecord } from './text.ts'
import { FORMATS } from './types/table.ts'

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

test('samples print as they were read', () => {
  for (const text of RECORD_SAMPLES) {
    const record = parseRecord(text)
    assert.equal(formatRecord(record).replaceAll('\t', ' '), text)
    assert.deepEqual(roundTrip(record), record)
  }
})
