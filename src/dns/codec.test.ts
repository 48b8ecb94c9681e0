import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage, decodeSections, encodeMessage } from './codec.ts'
import { AA, QR, RD } from './constants.ts'
import { WireError } from './errors.ts'
import type { Message, Question } from './message.ts'
import { fromText } from './name.ts'
import type { ResourceRecord } from './record.ts'
import { scanReply } from './reply-scan.ts'
import { record, records } from './testing/arbitraries.ts'

const question: Question = { name: 'www.Example.org.', type: 'A', class: 'IN' }

const opt = fc.record(
  {
    udpSize: fc.nat(0xffff),
    version: fc.nat(255),
    flags: fc.nat(0xffff),
    options: fc.array(
      fc.record({ code: fc.nat(0xffff), data: fc.uint8Array({ maxLength: 40 }) }, { noNullPrototype: true }),
      { maxLength: 3 },
    ),
  },
  { noNullPrototype: true },
)

const message: fc.Arbitrary<Message> = fc
  .record(
    {
      id: fc.nat(0xffff),
      flags: fc.nat(0xfff).map((bits) => bits << 4),
      answers: records,
      authorities: records,
      additionals: records,
      question: fc.constantFrom(
        question,
        { name: '.', type: 'TYPE999', class: 'CLASS9' },
        { name: '\\000.', type: 'NS', class: 'CH' },
      ),
    },
    { noNullPrototype: true },
  )
  .chain((parts) =>
    fc.oneof(
      fc.nat(15).map((rcode): Message => ({ ...parts, rcode })),
      fc.tuple(fc.nat(0xfff), opt).map(([rcode, each]): Message => ({ ...parts, rcode, opt: each })),
    ),
  )

describe('messages', () => {
  test('decode(encode(x)) = x', () => {
    fc.assert(
      fc.property(message, (each) => assert.deepEqual(decodeMessage(encodeMessage(each)), each)),
      { numRuns: 150 },
    )
  })

  test('records share no octets with the message, Buffer or not', () => {
    fc.assert(
      fc.property(records, (answers) => {
        for (const wire of [encodeMessage({ answers }), Buffer.from(encodeMessage({ answers }))]) {
          const decoded = decodeSections(wire)
          wire.fill(0xff)
          assert.deepEqual(decoded.answers, answers)
        }
      }),
    )
  })

  test('the question may be given as octets', () => {
    const octets = Buffer.concat([fromText(question.name), Buffer.of(0, 1, 0, 1)])
    assert.deepEqual(encodeMessage({ question: octets }), encodeMessage({ question }))
  })

  test('a bare message has QR set and nothing else', () => {
    assert.deepEqual([...encodeMessage({})], [0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  test('a record behind the OPT is kept, the OPT is not among the sections', () => {
    const additionals: ResourceRecord[] = [{ name: 'a.', type: 'A', class: 'IN', ttl: 1, data: '192.0.2.1' }]
    const wire = encodeMessage({ question, additionals, opt: { udpSize: 1232, version: 0, flags: 0, options: [] } })
    assert.deepEqual(decodeSections(wire), { answers: [], authorities: [], additionals })
  })

  test('the upper bits of the rcode need an OPT', () => {
    assert.throws(() => encodeMessage({ rcode: 16 }), WireError)
    const wire = encodeMessage({ question, rcode: 23, opt: { udpSize: 512, version: 0, flags: 0x8000, options: [] } })
    assert.equal(wire[3]! & 15, 7)
    assert.equal(decodeMessage(wire).rcode, 23)
  })

  test('a TTL with its top bit set reads as the longest there is (RFC 8767 §4)', () => {
    const wire = encodeMessage({ question, answers: [{ name: 'a.', type: 'A', ttl: 0x80000000, data: '192.0.2.1' }] })
    assert.equal(decodeSections(wire).answers[0]!.ttl, 0x7fffffff)
  })
})

describe('what is refused', () => {
  const bad: [string, unknown][] = [
    ['a type without a number', { name: 'a.', type: 'BOGUS', ttl: 1, data: new Uint8Array(0) }],
    ['a class without a number', { name: 'a.', type: 'A', class: 'XX', ttl: 1, data: '192.0.2.1' }],
    ['a TTL over 32 bits', { name: 'a.', type: 'A', ttl: 2 ** 32, data: '192.0.2.1' }],
    ['a TTL that is no number', { name: 'a.', type: 'A', ttl: Number.NaN, data: '192.0.2.1' }],
    ['an address of the other family', { name: 'a.', type: 'A', ttl: 1, data: '::1' }],
    ['an address that is none', { name: 'a.', type: 'AAAA', ttl: 1, data: '1' }],
    ['a long label', { name: `${'a'.repeat(64)}.`, type: 'A', ttl: 1, data: '192.0.2.1' }],
    ['a long name', { name: 'a.', type: 'NS', ttl: 1, data: 'a.'.repeat(128) }],
    ['a long character string', { name: 'a.', type: 'TXT', ttl: 1, data: 'x'.repeat(256) }],
    ['a preference over 16 bits', { name: 'a.', type: 'MX', ttl: 1, data: { preference: 65536, exchange: '.' } }],
    ['a missing number', { name: 'a.', type: 'MX', ttl: 1, data: { exchange: '.' } }],
    ['opaque data that is not octets', { name: 'a.', type: 'TYPE999', ttl: 1, data: 'text' }],
    ['octets for a known type', { name: 'a.', type: 'MX', ttl: 1, data: Uint8Array.of(1) }],
    [
      'a service parameter without a number',
      { name: 'a.', type: 'SVCB', ttl: 1, data: { priority: 1, target: '.', params: { x: 1 } } },
    ],
    ['missing data', { name: 'a.', type: 'SOA', ttl: 1 }],
  ]
  for (const [what, each] of bad) {
    test(what, () => assert.throws(() => encodeMessage({ question, answers: [each as ResourceRecord] }), WireError))
  }

  test('a message over 65535 octets', () => {
    const large: ResourceRecord = { name: 'a.', type: 'TYPE999', ttl: 1, data: new Uint8Array(40_000) }
    assert.throws(() => encodeMessage({ question, answers: [large, large] }), WireError)
    assert.throws(() => encodeMessage({ question, answers: [{ ...large, data: new Uint8Array(70_000) }] }), WireError)
  })
})

describe('compression', () => {
  const answer = (name: string, data: string): ResourceRecord => ({ name, type: 'NS', class: 'IN', ttl: 1, data })

  test('names point to the longest earlier name', () => {
    const wire = encodeMessage({ question, answers: [answer('www.Example.org.', 'ns.www.Example.org.')] })
    assert.deepEqual([...wire.subarray(33)], [0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 1, 0, 5, 2, 0x6e, 0x73, 0xc0, 12])
  })

  test('letter case is kept: names of another case are written anew', () => {
    const wire = encodeMessage({ question, answers: [answer('www.example.org.', 'WWW.Example.org.')] })
    assert.deepEqual(decodeSections(wire).answers, [answer('www.example.org.', 'WWW.Example.org.')])
  })

  test('names in the data of younger types are written in full (RFC 3597 §4)', () => {
    const data = { priority: 0, weight: 0, port: 53, target: 'www.Example.org.' }
    const wire = encodeMessage({ question, answers: [{ name: 'www.Example.org.', type: 'SRV', ttl: 1, data }] })
    assert.equal(wire.length, 33 + 12 + 6 + 17)
  })

  test('nothing points beyond 16383', () => {
    const filler: ResourceRecord = { name: '.', type: 'NULL', class: 'IN', ttl: 1, data: new Uint8Array(16_400) }
    const answers = [filler, answer('far.test.', 'a.far.test.'), answer('far.test.', 'a.far.test.')]
    assert.deepEqual(decodeSections(encodeMessage({ question, answers })).answers, answers)
  })

  test('a dot within a label is no label border', () => {
    const answers = [answer('a\\.b.test.', 'b.test.'), answer('b.test.', 'a\\.b.test.')]
    assert.deepEqual(decodeSections(encodeMessage({ question, answers })).answers, answers)
  })
})

describe('scanReply', () => {
  test('size is the length without compression', () => {
    const length = (each: ResourceRecord) => {
      // Alone in a message and below no other name, a record has nothing to point to but itself.
      const wire = encodeMessage({ answers: [each] })
      return wire.length - 12
    }
    const plain = record.filter((each) => !/^(SOA|MINFO|NS|CNAME|PTR|MX|M[BDFGR])$/.test(each.type))
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 6 }), (answers) => {
        const wire = encodeMessage({ question, answers })
        const expected = answers.reduce((sum, each) => sum + length(each), 33)
        assert.equal(scanReply(wire).size, expected)
      }),
      { numRuns: 100 },
    )
  })

  test('size counts compressed names in data', () => {
    const soa = 'www.Example.org.'
    const numbers = { serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 }
    const wire = encodeMessage({
      question,
      answers: [{ name: soa, type: 'MX', ttl: 1, data: { preference: 1, exchange: soa } }],
      authorities: [{ name: soa, type: 'SOA', ttl: 1, data: { mname: soa, rname: soa, ...numbers } }],
    })
    assert.equal(scanReply(wire).size, 33 + (17 + 10 + 2 + 17) + (17 + 10 + 17 + 17 + 20))
  })

  test('a reply that passes it decodes, and encodes to a reply that passes it', () => {
    fc.assert(
      fc.property(
        records,
        records,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        (answers, more, flips) => {
          const wire = encodeMessage({ question, flags: QR | AA | RD, answers, additionals: more })
          for (const [at, value] of flips) wire[at % wire.length] = value
          try {
            scanReply(wire)
          } catch (error) {
            assert.ok(error instanceof WireError, String(error))
            return
          }
          const sections = decodeSections(wire)
          const again = encodeMessage({ question, ...sections })
          scanReply(again)
          assert.deepEqual(decodeSections(again), sections)
        },
      ),
      { numRuns: 1500 },
    )
  })
})
