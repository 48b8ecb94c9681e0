import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage, decodeSections, encodeMessage } from './codec.ts'
import { TextError, WireError } from './errors.ts'
import { skipName, skippedSteps } from './name.ts'
import { QueryView, readQuery } from './query-view.ts'
import { scanReply } from './reply-scan.ts'
import { records } from './testing/arbitraries.ts'
import { formatRecord, parseRecord } from './text.ts'
import { stepBudget } from './wire-reader.ts'

const question = { name: 'www.example.org.', type: 'A' }

/** Octets that look like a message: valid ones with some octets changed, cut off, or noise behind a header. */
const octets = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(3), fc.nat(3), fc.uint8Array({ maxLength: 200 }))
    .map(([start, answers, more, rest]) => Uint8Array.of(...start, 0, 1, 0, answers, 0, more, 0, 1, ...rest)),
  fc
    .tuple(records, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(40))
    .map(([answers, changes, cut]) => {
      const wire = encodeMessage({ question, answers, opt: { udpSize: 512, version: 0, flags: 0, options: [] } })
      for (const [at, value] of changes) wire[at % wire.length] = value
      return wire.subarray(0, wire.length - (cut > 20 ? cut - 20 : 0))
    }),
)

function throwsOnly(kind: typeof WireError | typeof TextError, call: () => unknown): void {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof kind, `${(error as Error).stack}`)
  }
}

describe('any octets', () => {
  test('readQuery gives a verdict and a view that holds', () => {
    const view = new QueryView()
    fc.assert(
      fc.property(octets, (packet) => {
        if (readQuery(packet, view) !== 'serve') return
        assert.ok(view.questionEnd <= packet.length)
        assert.ok(view.optionsEnd <= packet.length && view.optionsStart <= view.optionsEnd)
        assert.equal(view.key.at(-1), '\0')
      }),
      { numRuns: 1000 },
    )
  })

  for (const [name, read] of Object.entries({ scanReply, decodeMessage, decodeSections })) {
    test(`${name} gives a result or a WireError`, () => {
      fc.assert(
        fc.property(octets, (packet) => throwsOnly(WireError, () => read(packet))),
        { numRuns: 1000 },
      )
    })
  }

  test('what decodeMessage reads prints and is read back', () => {
    fc.assert(
      fc.property(octets, (packet) => {
        let message: ReturnType<typeof decodeMessage>
        try {
          message = decodeMessage(packet)
        } catch {
          return
        }
        for (const record of [...message.answers, ...message.authorities, ...message.additionals]) {
          assert.deepEqual(parseRecord(formatRecord(record)), record)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('any text', () => {
  const word = fc.constantFrom(
    'a.',
    '.',
    '60',
    'IN',
    'TXT',
    'SVCB',
    'LOC',
    'A',
    '\\#',
    '4',
    'FF',
    '"',
    '\\',
    'a=b',
    'N',
    '"x"',
    '(',
    ';',
    '-1',
    '*',
    '1',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
  )

  test('parseRecord gives a record that can be encoded, or a TextError', () => {
    fc.assert(
      fc.property(text, (line) =>
        throwsOnly(TextError, () => {
          const record = parseRecord(line)
          encodeMessage({ answers: [record] })
          assert.deepEqual(parseRecord(formatRecord(record)), record)
        }),
      ),
      { numRuns: 3000 },
    )
  })
})

describe('bounds', () => {
  test('counts of 65535 in a header cost nothing', () => {
    const packet = Uint8Array.of(0, 1, 0x80, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
    assert.throws(() => scanReply(packet), /more records counted/)
    assert.throws(() => decodeMessage(packet), /more records counted/)
    packet[2] = 0
    assert.equal(readQuery(packet, new QueryView()), 'header-only')
  })

  test('names of 64 kB of records that chase pointers to a name of 127 labels are given up', () => {
    const packet = pointerBomb()
    let steps = 0
    const budget = stepBudget(packet.length)
    for (let at = 12 + 255 + 4; at < packet.length; at += 12) {
      skipName(packet, at)
      steps += skippedSteps()
    }
    assert.ok(steps > budget)
    for (const read of [scanReply, decodeMessage, decodeSections]) assert.throws(() => read(packet), /too many labels/)
  })

  test('the budget is kept', () => {
    // Each record has an owner and a target that take 127 labels and 1 pointer each.
    const answers = Array.from({ length: 4000 }, () => ({ name: deep, type: 'NS' as const, ttl: 1, data: deep }))
    const wire = encodeMessage({ question: { name: deep, type: 'NS' }, answers })
    assert.ok(wire.length < 0xffff)
    for (const read of [scanReply, decodeMessage, decodeSections]) assert.throws(() => read(wire), /too many labels/)
  })

  test('deep names within reason pass: any datagram full of them, and 64 kB of the reverse name of an IPv6 address', () => {
    const reverse = `${'a.'.repeat(32)}ip6.arpa.`
    for (const [name, count] of [
      [deep, 60],
      [reverse, 1000],
    ] as const) {
      const answers = Array.from({ length: count }, (_, i) => ({
        name,
        type: 'PTR' as const,
        ttl: 1,
        data: `${'x'.repeat(30)}${i}.`,
      }))
      const wire = encodeMessage({ question: { name, type: 'PTR' }, answers })
      assert.equal(decodeSections(wire).answers.length, count)
      assert.equal(scanReply(wire).answers, count)
    }
  })

  test('compression looks each label up at most once', () => {
    const lookUp = Map.prototype.get
    let count = 0
    Map.prototype.get = function (this: Map<unknown, unknown>, key: unknown) {
      count++
      return lookUp.call(this, key)
    }
    try {
      const name = (i: number) => `${i}.${deep.slice(12)}`
      const answers = Array.from({ length: 1000 }, (_, i) => parseRecord(`${name(i)} 1 NULL \\# 0`))
      count = 0
      encodeMessage({ answers })
    } finally {
      Map.prototype.get = lookUp
    }
    assert.ok(count >= 1000 && count <= 1000 * 127, String(count))
  })
})

const deep = 'a.'.repeat(127)

/** A reply of 64 kB whose records' owners are pointers to pointers, 12 octets each. */
function pointerBomb(): Uint8Array {
  const packet = new Uint8Array(65_500)
  const count = Math.floor((packet.length - 12 - 255 - 4) / 12)
  packet.set([0, 1, 0x80, 0, 0, 1, count >> 8, count & 0xff, 0, 0, 0, 0])
  for (let at = 12; at < 12 + 254; at += 2) packet.set([1, 0x61], at)
  let at = 12 + 255 + 4
  let last = 12
  for (let i = 0; i < count; i++) {
    packet.set([0xc0 | (last >> 8), last & 0xff, 0, 10], at)
    if (i < 120) last = at
    at += 12
  }
  return packet
}
