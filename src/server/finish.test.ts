import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage, encodeMessage } from '../dns/codec.ts'
import { AA, AD, CD, OPTIONS, QR, RA, RD, TC, Z } from '../dns/constants.ts'
import type { EdnsOption } from '../dns/message.ts'
import { readQuery } from '../dns/query-view.ts'
import type { ResourceRecord } from '../dns/record.ts'
import { scanReply } from '../dns/reply-scan.ts'
import type { Transport } from '../plugin/listener.ts'
import { Query } from '../plugin/query.ts'
import { Reply, type ReplyParts } from '../plugin/reply.ts'
import { fakeListener } from '../testing/fake-context.ts'
import { finishReply, MAX_MESSAGE } from './finish.ts'
import { MAX_UDP_SIZE } from './settings.ts'
import { type PacketParts, toPacket } from './testing.ts'

const OFFSET = 2

function receive(
  name: string,
  parts: PacketParts = {},
  proto: 'udp' | 'tcp' = 'udp',
  transport: Transport = 'dns',
): Query {
  const peer = { address: '192.0.2.9', port: 4000 }
  const query = new Query(fakeListener({ transport }), peer, peer, proto, 0)
  assert.equal(readQuery(toPacket(name, parts), query), 'serve')
  return query
}

function finish(query: Query, reply: Reply, maxUdpSize = MAX_UDP_SIZE): Uint8Array {
  const out = new Uint8Array(OFFSET + MAX_MESSAGE).fill(0xaa)
  const length = finishReply(query, reply, out, OFFSET, maxUdpSize)
  assert.deepEqual([...out.subarray(0, OFFSET)], [0xaa, 0xaa], 'nothing in front of the offset is touched')
  return out.subarray(OFFSET, OFFSET + length)
}

const a = (name: string, data = '192.0.2.1', ttl = 300): ResourceRecord => ({ name, type: 'A', ttl, data })
const answer = (query: Query, parts: ReplyParts = { answers: [a(query.qname)] }) => query.reply(parts, 'test', 'fixed')
const octets = (...data: number[]) => Uint8Array.from(data)

test('id and question are the client’s, octet by octet', () => {
  const first = receive('www.example.org', { id: 1 })
  const cached = answer(first)
  const packet = toPacket('WWW.eXample.ORG', { id: 0xabcd })
  const sent = finish(receive('WWW.eXample.ORG', { id: 0xabcd }), cached)
  assert.equal((sent[0]! << 8) | sent[1]!, 0xabcd)
  assert.deepEqual(Buffer.from(sent.subarray(12, packet.length)), packet.subarray(12))
  assert.deepEqual(decodeMessage(sent).answers, [{ ...a('WWW.eXample.ORG.'), class: 'IN' }])
  assert.equal(decodeMessage(cached.wire!).answers[0]!.name, 'www.example.org.', 'the shared octets stay as they were')
})

test('flags are the reply’s, but QR and opcode; Z is clear', () => {
  const query = receive('a.example', { flags: RD | CD | AD | Z })
  const flags = (change: number) => decodeMessage(finish(query, answer(query).copy({ flags: change }))).flags
  assert.equal(flags(0), QR)
  assert.equal(flags(QR | AA | TC | RD | RA | Z | AD | CD | 0x7800), QR | AA | TC | RD | RA | AD | CD)
  const notify = receive('a.example', { flags: 4 << 11 })
  assert.equal(decodeMessage(finish(notify, answer(notify))).flags, QR | (4 << 11))
})

test('AD goes to clients that set AD or DO', () => {
  const flags = (parts: PacketParts) => {
    const query = receive('a.example', parts)
    return decodeMessage(finish(query, answer(query).copy({ flags: QR | AD }))).flags & AD
  }
  assert.equal(flags({}), 0)
  assert.equal(flags({ edns: {} }), 0)
  assert.equal(flags({ flags: AD }), AD)
  assert.equal(flags({ edns: { flags: 0x8000 } }), AD)
})

test('TTLs are the reply’s one TTL, when it has one', () => {
  const query = receive('a.example', { edns: {} })
  const reply = answer(query, {
    answers: [a('a.example.', '192.0.2.1', 7), a('a.example.', '192.0.2.2', 9)],
    authorities: [{ name: 'example.', type: 'NS', ttl: 11, data: 'ns.example.' }],
    additionals: [a('ns.example.', '192.0.2.3', 13)],
  })
  const ttls = (ttl: number) => {
    const { answers, authorities, additionals } = decodeMessage(finish(query, reply.copy({ ttl })))
    return [...answers, ...authorities, ...additionals].map((record) => record.ttl)
  }
  assert.deepEqual(ttls(-1), [7, 9, 11, 13])
  assert.deepEqual(ttls(0), [0, 0, 0, 0])
  assert.deepEqual(ttls(0x12345678), Array(4).fill(0x12345678))
})

const all: EdnsOption[] = [
  { code: OPTIONS.NSID, data: octets() },
  { code: OPTIONS.ECS, data: octets(0, 1, 8, 0, 10) },
  { code: OPTIONS.EXPIRE, data: octets() },
  { code: OPTIONS.COOKIE, data: octets(1, 2, 3, 4, 5, 6, 7, 8) },
  { code: OPTIONS.KEEPALIVE, data: octets() },
  { code: 65_001, data: octets(1) },
]

for (const [proto, transport, expected] of [
  ['udp', 'dns', [OPTIONS.NSID, OPTIONS.EXPIRE]],
  ['tcp', 'dns', [OPTIONS.NSID, OPTIONS.EXPIRE, OPTIONS.KEEPALIVE]],
  ['tcp', 'tls', [OPTIONS.NSID, OPTIONS.EXPIRE, OPTIONS.KEEPALIVE]],
] as const) {
  test(`options that go back to the client over ${proto} (${transport})`, () => {
    const query = receive('a.example', { edns: { options: all } }, proto, transport)
    for (const reply of [answer(query), query.fail(2, 'test', 'x')]) {
      const { opt } = decodeMessage(finish(query, reply))
      assert.deepEqual(
        opt!.options.map(({ code }) => code),
        expected,
      )
      assert.deepEqual(opt!.options[0], all[0])
    }
  })
}

const padding = { code: OPTIONS.PADDING, data: octets(0, 0, 0) }
const ede = { code: OPTIONS.EDE, data: octets(0, 15) }

test('encrypted answers are padded to blocks of 468 octets when the query was', () => {
  for (const transport of ['tls', 'https', 'grpc'] as const) {
    const query = receive('a.example', { edns: { options: [padding] } }, 'tcp', transport)
    for (const reply of [
      answer(query),
      query.fail(2, 'test', 'x'),
      answer(query).copy({ options: [ede, { code: OPTIONS.PADDING, data: octets(1) }] }),
    ]) {
      const message = finish(query, reply)
      assert.equal(message.length, 468)
      const { options } = decodeMessage(message).opt!
      assert.equal(options.at(-1)!.code, OPTIONS.PADDING)
      assert.ok(options.at(-1)!.data.every((octet) => octet === 0))
      assert.equal(options.length, reply.options.length === 0 ? 1 : 2)
    }
  }
})

test('nothing else is padded', () => {
  const clear = receive('a.example', { edns: { options: [padding] } }, 'tcp')
  assert.deepEqual(decodeMessage(finish(clear, answer(clear))).opt!.options, [])
  const unasked = receive('a.example', { edns: {} }, 'tcp', 'tls')
  assert.deepEqual(decodeMessage(finish(unasked, answer(unasked))).opt!.options, [])
  const plain = receive('a.example', {}, 'tcp', 'tls')
  assert.equal(decodeMessage(finish(plain, answer(plain))).opt, undefined)
})

test('padding never makes an answer too large', () => {
  const query = receive('a.example', { edns: { options: [padding] } }, 'tcp', 'tls')
  for (let data = 65_200; data < 65_490; data += 7) {
    const answers = [{ name: 'a.example.', type: 'TYPE65280', ttl: 1, data: Buffer.alloc(data) }]
    const message = finish(query, query.reply({ answers } as never, 'test', 'x'))
    assert.ok(message.length <= 65_535)
    decodeMessage(message)
  }
})

test('an option keeps its octets', () => {
  const query = receive('a.example', { edns: { options: [{ code: OPTIONS.EXPIRE, data: octets(1, 2, 3, 4) }] } })
  const { opt } = decodeMessage(finish(query, answer(query)))
  assert.deepEqual(opt!.options, [{ code: OPTIONS.EXPIRE, data: octets(1, 2, 3, 4) }])
})

test('options of the reply take the place of the client’s', () => {
  const keepalive = { code: OPTIONS.KEEPALIVE, data: octets(0, 9) }
  const sent = (proto: 'udp' | 'tcp') => {
    const query = receive('a.example', { edns: { options: all } }, proto)
    return decodeMessage(finish(query, answer(query).copy({ options: [ede, keepalive] }))).opt!.options
  }
  assert.deepEqual(sent('udp'), [ede])
  assert.deepEqual(sent('tcp'), [ede, keepalive])
})

test('the OPT has the client’s size and upper flags', () => {
  const query = receive('a.example', { edns: { udpSize: 4000, flags: 0xc0ff } })
  const { opt } = decodeMessage(finish(query, answer(query)))
  assert.deepEqual(opt, { udpSize: 4000, version: 0, flags: 0xc000, options: [] })
})

test('a client without EDNS gets none, whatever the reply has', () => {
  const query = receive('a.example')
  const reply = answer(query).copy({ options: [{ code: OPTIONS.EDE, data: octets(0, 15) }] })
  assert.equal(decodeMessage(finish(query, reply)).opt, undefined)
  assert.equal(decodeMessage(finish(query, query.fail(2, 'test', 'x'))).opt, undefined)
})

test('an rcode above 15 needs the OPT', () => {
  for (const make of [
    (query: Query) => answer(query).copy({ rcode: 23 }),
    (query: Query) => query.fail(23, 'test', 'x'),
  ]) {
    const withEdns = receive('a.example', { edns: {} })
    assert.equal(decodeMessage(finish(withEdns, make(withEdns))).rcode, 23)
    const without = receive('a.example')
    assert.equal(decodeMessage(finish(without, make(without))).rcode, 2)
  }
})

test('a failure is header, question and OPT', () => {
  const query = receive('wWw.example', { flags: RD | CD | AD, edns: { flags: 0x8000 } })
  const message = decodeMessage(finish(query, query.fail(5, 'test', 'x')))
  assert.equal(message.rcode, 5)
  assert.equal(message.flags, QR | RD | CD)
  assert.deepEqual(message.question, { name: 'wWw.example.', type: 'A', class: 'IN' })
  assert.deepEqual([message.answers, message.authorities, message.additionals], [[], [], []])
  assert.equal(message.opt!.flags, 0x8000)
})

test('silence is no octet', () => {
  const query = receive('a.example')
  assert.equal(finish(query, query.drop('test', 'x')).length, 0)
})

test('a derived query is answered as the client’s own', () => {
  const query = receive('a.example', { id: 5, edns: { udpSize: 700 } })
  const derived = query.with({ id: 99, flags: 0, edns: null })
  const sent = decodeMessage(finish(derived, answer(derived)))
  assert.equal(sent.id, 5)
  assert.equal(sent.opt!.udpSize, 700)
})

test('a reply to another question is not sent', () => {
  const query = receive('a.example')
  for (const change of [{ name: 'b.example' }, { name: 'aa.example' }, { qtype: 28 }]) {
    assert.throws(() => finish(query, answer(query.with(change))), /plugin\/test: the reply has another question/)
  }
})

test('how large an answer may be', () => {
  const limit = (
    edns: number | undefined,
    proto: 'udp' | 'tcp' = 'udp',
    udpLimit = 0xffff,
    maxUdpSize = MAX_UDP_SIZE,
  ) => {
    const query = receive('a.example', edns === undefined ? {} : { edns: { udpSize: edns } }, proto)
    query.udpLimit = udpLimit
    const reply = answer(query, {
      answers: Array.from({ length: 4000 }, (_, i) => a('a.example.', `10.0.${i >> 8}.${i & 255}`)),
    })
    const sent = finish(query.with({}), reply, maxUdpSize)
    assert.equal((decodeMessage(sent).flags & TC) !== 0, proto === 'udp', 'TC')
    return sent.length
  }
  const about = (size: number, most: number) =>
    assert.ok(size <= most && size > most - 16, `${size} is not just below ${most}`)
  about(limit(undefined), 512)
  for (const size of [0, 511, 512]) about(limit(size), 512)
  about(limit(1000), 1000)
  for (const size of [1232, 4096, 65_535]) about(limit(size), 1232)
  about(limit(4096, 'udp', 0xffff, 4096), 4096)
  about(limit(4096, 'udp', 2048), 2048)
  about(limit(1400, 'udp', 2048), 1400)
  about(limit(4096, 'udp', 800), 800)
  about(limit(4096, 'udp', 100), 512)
  assert.ok(limit(1232, 'tcp') > 60_000)
})

test('records are kept in order, additional ones are the first to go, and the OPT stays', () => {
  const query = receive('a.example', { edns: { udpSize: 512, options: [{ code: OPTIONS.NSID, data: octets() }] } })
  const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => a(name, `10.0.0.${i}`))
  const sent = (answers: number, authorities: number, additionals: number) => {
    const parts = {
      answers: many('a.example.', answers),
      authorities: many('a.example.', authorities),
      additionals: many('a.example.', additionals),
    }
    const message = decodeMessage(finish(query, answer(query, parts)))
    assert.equal(message.opt!.options.length, 1)
    for (const section of ['answers', 'authorities', 'additionals'] as const) {
      const whole = parts[section].slice(0, message[section].length).map((record) => ({ ...record, class: 'IN' }))
      assert.deepEqual(message[section], whole)
    }
    const { flags } = message
    return [message.answers.length, message.authorities.length, message.additionals.length, (flags & TC) !== 0]
  }
  // 12 + 15 octets of header and question, 16 for each record, 15 of OPT: 29 fit.
  assert.deepEqual(sent(20, 5, 4), [20, 5, 4, false])
  assert.deepEqual(sent(20, 5, 5), [20, 5, 4, true])
  assert.deepEqual(sent(20, 15, 5), [20, 9, 0, true])
  assert.deepEqual(sent(40, 1, 1), [29, 0, 0, true])
})

test('options that leave no room are left out', () => {
  const query = receive('a.example', { edns: { udpSize: 512 } })
  const reply = answer(query).copy({ options: [{ code: OPTIONS.EDE, data: new Uint8Array(1000) }] })
  const message = decodeMessage(finish(query, reply))
  assert.deepEqual([message.answers.length, message.opt!.options.length], [1, 0])
})

const nameOf = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,20}$/), { minLength: 1, maxLength: 5 })
  .map((labels) => `${labels.join('.')}.`)

const recordOf: fc.Arbitrary<ResourceRecord> = fc.oneof(
  fc.record({ name: nameOf, type: fc.constant('A' as const), ttl: fc.nat(), data: fc.ipV4() }),
  fc.record({ name: nameOf, type: fc.constant('CNAME' as const), ttl: fc.nat(), data: nameOf }),
  fc.record({
    name: nameOf,
    type: fc.constant('TYPE65280' as const),
    ttl: fc.nat(),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
)

test('whatever the reply and the client, what is sent is sound and not too large', () => {
  const records = fc.array(recordOf, { maxLength: 30 })
  const options = fc.array(fc.record({ code: fc.nat(20), data: fc.uint8Array({ maxLength: 400 }) }), { maxLength: 4 })
  fc.assert(
    fc.property(
      nameOf,
      fc.tuple(records, records, records),
      options,
      fc.option(fc.record({ udpSize: fc.nat(65_535), flags: fc.nat(65_535), options })),
      fc.integer({ min: -1, max: 0x7fffffff }),
      fc.nat(4095),
      fc.constantFrom('udp', 'tcp'),
      (name, [answers, authorities, additionals], replyOptions, edns, ttl, rcode, proto) => {
        const query = receive(name, edns ? { edns } : {}, proto as 'udp' | 'tcp')
        const reply = answer(query, { answers, authorities, additionals }).copy({ ttl, rcode, options: replyOptions })
        const sent = finish(query, reply)
        const scan = scanReply(sent)
        assert.equal(scan.end, sent.length)
        assert.equal(scan.optOffset >= 0, edns !== null)
        const limit = proto === 'tcp' ? 65_535 : Math.max(512, Math.min(edns?.udpSize ?? 0, 1232))
        assert.ok(sent.length <= limit)
        const total = answers.length + authorities.length + additionals.length
        assert.equal((scan.flags & TC) !== 0, scan.ttlOffsets.length < total)
        assert.equal(scan.rcode, edns || rcode < 16 ? rcode : 2)
      },
    ),
    { numRuns: 300 },
  )
})

test('the OPT of an upstream’s answer is not sent', () => {
  const query = receive('a.example')
  const question = query.packet.subarray(12, query.questionEnd)
  const bare = Buffer.from(
    encodeMessage({ question, answers: [a('a.example.')], authorities: [], additionals: [a('x.')] }),
  )
  bare.writeUInt16BE(QR | RA, 2)
  bare[11] = 2
  const opt = octets(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
  for (const at of [bare.length - 17, bare.length]) {
    const wire = Buffer.concat([bare.subarray(0, at), opt, bare.subarray(at)])
    const message = decodeMessage(finish(query, Reply.fromWire(wire, scanReply(wire), 'test', 'x')))
    assert.deepEqual([message.answers.length, message.additionals.length, message.opt], [1, 1, undefined])
  }
})
