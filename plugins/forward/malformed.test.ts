import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Reply, scanReply, WireError } from 'corelet/plugin'
import fc from 'fast-check'
import { type Question, readAnswer } from '../../src/upstream/question.ts'
import { toAnswer } from '../../src/upstream/testing.ts'

const octets = (text: string) => Buffer.from(text, 'latin1')
const packet = octets('\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03www\x07example\0\0\x01\0\x01')
const question: Question = { packet, questionEnd: packet.length, anyReply: false }

/** A CNAME, an MX, a TXT and an A record behind an OPT that is not the last record. */
function makeAnswer(): Buffer {
  const answer = toAnswer({ wire: packet })
  const records = [
    '\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03alt\xc0\x10',
    '\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x08\0\x0a\x03mx1\xc0\x10',
    '\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x06\x05hello',
  ].map(octets)
  const opt = octets('\0\0\x29\x04\xd0\0\0\0\0\0\x08\0\x0f\0\x04\0\x17hi')
  const additional = octets('\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02')
  const wire = Buffer.concat([answer, ...records, opt, additional])
  wire.writeUInt16BE(1 + records.length, 6)
  wire.writeUInt16BE(2, 10)
  return wire
}

describe('a reply of an upstream', () => {
  const good = makeAnswer()

  function relay(wire: Buffer): Reply | undefined {
    const answer = readAnswer(question, wire)
    if (typeof answer === 'string') return undefined
    try {
      return Reply.fromWire(answer.wire, answer.scan, 'forward', 'test')
    } catch (error) {
      assert.ok(error instanceof WireError)
      return undefined
    }
  }

  it('is relayed without its OPT wherever that stands, its options kept', () => {
    const reply = relay(good)
    assert.ok(reply)
    assert.equal(scanReply(reply.wire!).optOffset, -1)
    assert.equal(reply.scan?.answers, 4)
    assert.equal(reply.scan?.additionals, 1)
    assert.deepEqual(reply.options, [{ code: 15, data: Uint8Array.from(octets('\0\x17hi')) }])
  })

  it('never does harm, and what is relayed is well formed and answers the question', () => {
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 })
    fc.assert(
      fc.property(changes, fc.integer({ min: good.length - 3, max: good.length }), (mutations, length) => {
        const wire = Buffer.from(good.subarray(0, length))
        for (const [at, octet] of mutations) if (at < wire.length) wire[at] = octet
        const reply = relay(wire)
        if (!reply) return
        const scan = scanReply(reply.wire!)
        assert.equal(scan.key, '\x03www\x07example\0')
        assert.equal(scan.optOffset, -1)
        assert.equal(scan.end, reply.wire!.length)
      }),
      { numRuns: 3000 },
    )
  })
})
