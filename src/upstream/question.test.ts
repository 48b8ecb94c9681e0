import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { scanReply } from '../dns/reply-scan.ts'
import { createProbe } from './probe.ts'
import { type Question, readAnswer } from './question.ts'
import { randomId, randomIndex } from './random.ts'
import { toAnswer } from './testing.ts'

const packet = Buffer.from('\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03www\x07example\0\0\x01\0\x01', 'latin1')
const question: Question = { packet, questionEnd: packet.length, anyReply: false }
const good = toAnswer({ wire: packet })

function patch(wire: Buffer, at: number, octet: number): Buffer {
  wire[at] = octet
  return wire
}

describe('readAnswer', () => {
  it('takes the answer, in any case of letters', () => {
    const result = readAnswer(question, Buffer.from(good.toString('latin1').replace('www', 'wWW'), 'latin1'))
    assert.ok(typeof result !== 'string')
    assert.equal(result.scan.answers, 1)
  })

  const rows: [string, (wire: Buffer) => Buffer, string][] = [
    ['a message of 11 octets', (wire) => wire.subarray(0, 11), 'short'],
    ['a query', () => packet, 'not_reply'],
    ['another opcode', (wire) => patch(wire, 2, 0x91), 'opcode'],
    ['another name', (wire) => patch(wire, 13, 0x78), 'question'],
    ['another type', (wire) => patch(wire, packet.length - 3, 28), 'question'],
    ['another class', (wire) => patch(wire, packet.length - 1, 3), 'question'],
    ['two questions', (wire) => patch(wire, 5, 2), 'question'],
    ['a length octet that differs in the bit of the case', (wire) => patch(wire, 12, 0x23), 'question'],
    ['a bare header without an error', (wire) => Buffer.concat([wire.subarray(0, 4), Buffer.alloc(8)]), 'question'],
    ['a record that breaks off', (wire) => wire.subarray(0, -1), 'malformed'],
  ]
  for (const [name, change, expected] of rows) {
    it(`refuses ${name}: ${expected}`, () => {
      assert.equal(readAnswer(question, change(Buffer.from(good))), expected)
    })
  }

  it('takes anything for a probe', () => {
    const probe = createProbe({ domain: 'example.org.', recursionDesired: true })
    assert.notEqual(typeof readAnswer(probe, good.subarray(0, 12)), 'string')
    assert.equal(readAnswer(probe, packet), 'not_reply')
  })

  it('never throws, and what it takes is well formed and has the question', () => {
    const mutations = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 })
    fc.assert(
      fc.property(mutations, fc.nat(good.length), (changes, length) => {
        const wire = Buffer.from(good.subarray(0, length))
        for (const [at, octet] of changes) if (at < wire.length) wire[at] = octet
        const result = readAnswer(question, wire)
        if (typeof result === 'string') return
        const scan = scanReply(result.wire)
        assert.equal(scan.key, '\x03www\x07example\0')
        assert.equal(scan.qtype, 1)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('random numbers', () => {
  it('spread over their range', () => {
    const ids = new Set(Array.from({ length: 5000 }, randomId))
    assert.ok(ids.size > 4500)
    const counts = new Array(10).fill(0)
    for (let i = 0; i < 10_000; i++) counts[randomIndex(10)]++
    for (const count of counts) assert.ok(count > 700 && count < 1300)
  })
})
