import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage } from '../dns/codec.ts'
import { toRcodeName } from '../dns/constants.ts'
import { TcpClient, toFrames } from '../net/testing.ts'
import { answerA, exchange, type PacketParts, startListener, toPacket } from './testing.ts'

const label = (length: number, octet = 0x61) => Buffer.concat([Buffer.of(length), Buffer.alloc(length, octet)])
const AFTER_NAME = Buffer.of(0, 1, 0, 1)
const named = (...parts: Uint8Array[]): PacketParts => ({ question: Buffer.concat([...parts, AFTER_NAME]) })
const option = (code: number, ...data: number[]) => ({ edns: { options: [{ code, data: Uint8Array.from(data) }] } })
const OPT = Buffer.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
const A_RECORD = Buffer.of(0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4)

/** What becomes of a packet: the rcode, `drop`, or `answer`; with `header` when the reply is 12 octets, and whether it is counted. */
const cases: [name: string, packet: Uint8Array, expected: string][] = [
  ['0 octets', Buffer.alloc(0), 'drop'],
  ['1 octet', Buffer.alloc(1), 'drop'],
  ['11 octets', Buffer.alloc(11), 'drop'],
  ['QR set', toPacket('example.org', { flags: 0x8180 }), 'drop'],
  ['QR set, opcode 15, rcode 5', toPacket('example.org', { flags: 0xf805 }), 'drop'],
  ['QDCOUNT 0', toPacket('example.org', { counts: [0, 0, 0, 0] }), 'FORMERR header'],
  ['QDCOUNT 2', toPacket('example.org', { counts: [2, 0, 0, 0] }), 'FORMERR header'],
  ['QDCOUNT 65535', toPacket('example.org', { counts: [65_535, 0, 0, 0] }), 'FORMERR header'],
  ['header only with QDCOUNT 1', toPacket('').subarray(0, 12), 'SERVFAIL header counted'],
  ...[1, 2, 3, 5, 6, 7, 15].map((opcode): [string, Uint8Array, string] => [
    `opcode ${opcode}`,
    toPacket('example.org', { flags: 0x0100 | (opcode << 11) }),
    'NOTIMP header',
  ]),
  ['NOTIFY', toPacket('example.org', { flags: 4 << 11, type: 'SOA' }), 'answer'],
  ['TC, AA, RA, Z and an rcode', toPacket('example.org', { flags: 0x06cf }), 'answer'],
  ['class 0', toPacket('example.org', { qclass: 0 }), 'REFUSED counted'],
  ['class NONE', toPacket('example.org', { qclass: 254 }), 'REFUSED counted'],
  ['class ANY', toPacket('example.org', { qclass: 255 }), 'REFUSED counted'],
  ['class HS', toPacket('example.org', { qclass: 4 }), 'REFUSED counted'],
  ['class 32769', toPacket('example.org', { qclass: 32_769 }), 'REFUSED counted'],
  ['CH TXT version.bind', toPacket('version.bind', { qclass: 3, type: 'TXT' }), 'REFUSED counted'],
  ['AXFR over UDP', toPacket('example.org', { type: 'AXFR' }), 'REFUSED counted'],
  ['IXFR over UDP', toPacket('example.org', { type: 'IXFR' }), 'REFUSED counted'],
  ...['OPT', 'TSIG', 'TKEY', 'MAILA', 'MAILB', 'NXNAME'].map((type): [string, Uint8Array, string] => [
    `type ${type}`,
    toPacket('example.org', { type }),
    'FORMERR counted',
  ]),
  ['type ANY', toPacket('example.org', { type: 'ANY' }), 'answer'],
  ['unknown type', toPacket('example.org', { type: 65_280 }), 'answer'],
  ['pointer to itself', toPacket('', named(Buffer.of(0xc0, 12))), 'FORMERR header'],
  ['pointers in a circle', toPacket('', named(Buffer.of(1, 0x61, 0xc0, 12))), 'FORMERR header'],
  ['pointer forward', toPacket('', named(Buffer.of(0xc0, 18))), 'FORMERR header'],
  ['pointer past the end', toPacket('', named(Buffer.of(0xc1, 0))), 'FORMERR header'],
  ['pointer into the header', toPacket('', named(Buffer.of(0xc0, 4))), 'FORMERR header'],
  ['half a pointer', toPacket('', { question: Buffer.of(0xc0) }), 'FORMERR header'],
  ['label of 64', toPacket('', named(Buffer.of(0x40), Buffer.alloc(64, 97), Buffer.of(0))), 'FORMERR header'],
  ['label type 0x80', toPacket('', named(Buffer.of(0x80, 97, 0))), 'FORMERR header'],
  ['bit string label', toPacket('', named(Buffer.of(0x41, 8, 97, 0))), 'FORMERR header'],
  ['name of 255 octets', toPacket('', named(label(63), label(63), label(63), label(61), Buffer.of(0))), 'answer'],
  ['127 labels', toPacket('', named(...Array.from({ length: 127 }, () => label(1)), Buffer.of(0))), 'answer'],
  [
    'name of 256 octets',
    toPacket('', named(label(63), label(63), label(63), label(62), Buffer.of(0))),
    'FORMERR header',
  ],
  [
    'name of 1000 octets',
    toPacket('', named(...Array.from({ length: 20 }, () => label(49)), Buffer.of(0))),
    'FORMERR header',
  ],
  ['question without class', toPacket('', { question: Buffer.of(1, 97, 0, 0, 1) }), 'FORMERR header'],
  ['question without type', toPacket('', { question: Buffer.of(1, 97, 0) }), 'FORMERR header'],
  ['NUL in a label', toPacket('a\\000b.example'), 'answer'],
  ['dot in a label', toPacket('www\\.example'), 'answer'],
  ['octet 255 in a label', toPacket('\\255.example'), 'answer'],
  ['__proto__.constructor', toPacket('__proto__.constructor'), 'answer'],
  ['trailing octet', toPacket('example.org', { tail: Buffer.alloc(1) }), 'answer'],
  ['500 trailing octets', toPacket('example.org', { tail: Buffer.alloc(500, 7) }), 'answer'],
  ['ANCOUNT 1 without data', toPacket('example.org', { counts: [1, 1, 0, 0] }), 'FORMERR'],
  ['ANCOUNT 65535', toPacket('example.org', { counts: [1, 65_535, 0, 0] }), 'FORMERR header'],
  ['ARCOUNT 3', toPacket('example.org', { counts: [1, 0, 0, 3] }), 'FORMERR header'],
  ['RDLENGTH too long', toPacket('example.org', { counts: [1, 1, 0, 0], tail: A_RECORD.subarray(0, 13) }), 'FORMERR'],
  ['a record in the answer section', toPacket('example.org', { counts: [1, 1, 0, 0], tail: A_RECORD }), 'answer'],
  ['EDNS version 1', toPacket('example.org', { edns: { version: 1 } }), 'BADVERS'],
  ['EDNS version 255', toPacket('example.org', { edns: { version: 255 } }), 'BADVERS'],
  ['EDNS version 1, class CH', toPacket('example.org', { edns: { version: 1 }, qclass: 3 }), 'REFUSED counted'],
  ['two OPT', toPacket('example.org', { edns: {}, counts: [1, 0, 0, 2], tail: OPT }), 'FORMERR'],
  [
    'OPT below a name',
    toPacket('example.org', { counts: [1, 0, 0, 1], tail: Buffer.concat([Buffer.of(1, 97), OPT]) }),
    'FORMERR',
  ],
  ['OPT in the answer section', toPacket('example.org', { counts: [1, 1, 0, 0], tail: OPT }), 'FORMERR'],
  ['OPT in the authority section', toPacket('example.org', { counts: [1, 0, 1, 0], tail: OPT }), 'FORMERR'],
  [
    'option cut short',
    toPacket('example.org', {
      counts: [1, 0, 0, 1],
      tail: Buffer.concat([OPT.subarray(0, 10), Buffer.of(3, 0, 3, 0)]),
    }),
    'FORMERR',
  ],
  [
    'option of 1 octet',
    toPacket('example.org', { counts: [1, 0, 0, 1], tail: Buffer.concat([OPT.subarray(0, 10), Buffer.of(1, 0)]) }),
    'FORMERR',
  ],
  [
    'OPT longer than the message',
    toPacket('example.org', { counts: [1, 0, 0, 1], tail: Buffer.concat([OPT.subarray(0, 10), Buffer.of(9)]) }),
    'FORMERR',
  ],
  ['EDNS size 0', toPacket('example.org', { edns: { udpSize: 0 } }), 'answer'],
  [
    '300 options',
    toPacket('example.org', {
      edns: { options: Array.from({ length: 300 }, () => ({ code: 65_001, data: new Uint8Array(0) })) },
    }),
    'answer',
  ],
  ['COOKIE of 7 octets', toPacket('example.org', option(10, 1, 2, 3, 4, 5, 6, 7)), 'answer'],
  ['ECS', toPacket('example.org', option(8, 0, 1, 24, 0, 192, 0, 2)), 'answer'],
  ['ECS of no family', toPacket('example.org', option(8, 0, 0, 0, 0)), 'answer'],
  ['ECS of a bad family', toPacket('example.org', option(8, 0, 9, 24, 0, 192, 0, 2)), 'FORMERR'],
  ['ECS /33', toPacket('example.org', option(8, 0, 1, 33, 0, 192, 0, 2, 1, 0)), 'FORMERR'],
  ['ECS cut short', toPacket('example.org', option(8, 0, 1)), 'FORMERR'],
  ['ECS with a short address', toPacket('example.org', option(8, 0, 1, 24, 0, 192)), 'FORMERR'],
  [
    'TSIG',
    toPacket('example.org', {
      counts: [1, 0, 0, 1],
      tail: Buffer.concat([Buffer.of(0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 1), Buffer.of(0)]),
    }),
    'answer',
  ],
  ['a query of 4096 octets', toPacket('example.org', { tail: Buffer.alloc(4096 - 29) }), 'answer'],
  ['a query of 4097 octets', toPacket('example.org', { tail: Buffer.alloc(4097 - 29) }), 'FORMERR'],
  ['65507 octets', toPacket('example.org', { tail: Buffer.alloc(65_507 - 29) }), 'FORMERR'],
]

function describe(answer: Uint8Array | undefined, packet: Uint8Array, counted: boolean): string {
  if (!answer) return 'drop'
  const message = decodeMessage(answer)
  assert.equal(message.id, (packet[0]! << 8) | packet[1]!, 'the id is kept')
  assert.ok(message.flags & 0x8000, 'QR is set')
  assert.equal(message.flags & 0x0040, 0, 'Z is clear')
  assert.equal(message.flags & 0x7800, (packet[2]! << 8) & 0x7800, 'the opcode is kept')
  const name = message.answers.length > 0 ? 'answer' : message.rcode === 16 ? 'BADVERS' : toRcodeName(message.rcode)
  return [name, answer.length === 12 && 'header', counted && 'counted'].filter(Boolean).join(' ')
}

for (const proto of ['udp', 'tcp'] as const) {
  test(`odd and malformed queries over ${proto}`, async (t) => {
    await using server = await startListener(answerA)
    for (const [name, packet, forUdp] of cases) {
      const expected = proto === 'tcp' && name.includes('XFR') ? 'answer' : forUdp
      await t.test(name, async () => {
        server.dropped.length = 0
        const good = toPacket('good.example', { id: 1 })
        const answers = await askBoth(proto, server.port, packet, good)
        assert.ok(
          answers.some((answer) => answer.readUInt16BE() === 1),
          'a good query behind it is answered',
        )
        const answer = answers.find((answer) => answer.readUInt16BE() !== 1)
        assert.equal(describe(answer, packet, server.dropped.length > 0), expected)
      })
    }
    assert.deepEqual(server.panics, [])
  })
}

async function askBoth(proto: 'udp' | 'tcp', port: number, packet: Uint8Array, good: Uint8Array): Promise<Buffer[]> {
  if (proto === 'udp') {
    // The good query is sent last and answered last: once its answer is there, nothing comes for the other one.
    return exchange(port, [packet, good], (all) => all.some((one) => one.readUInt16BE() === 1))
  }
  using client = new TcpClient(port)
  client.write(toFrames(packet, good))
  await client.receiveUntil((all) => all.some((one) => one.readUInt16BE() === 1))
  return client.messages
}

test('flags of the replies to what is no sound query', async () => {
  await using server = await startListener(answerA)
  const flags = async (packet: Uint8Array) => (await exchange(server.port, [packet]))[0]!.readUInt16BE(2)
  assert.equal(await flags(toPacket('a', { flags: 0x07f0, counts: [2, 0, 0, 0] })), 0x83b1, 'FORMERR: RD TC RA AD CD')
  assert.equal(await flags(toPacket('a', { flags: 0x2ff0 })), 0xabb4, 'NOTIMP')
  assert.equal(await flags(toPacket('a', { flags: 0x07f0, edns: { version: 1 } })), 0x8110, 'BADVERS: RD CD')
  assert.equal(await flags(toPacket('a', { flags: 0x07f0, qclass: 3 })), 0x8115, 'REFUSED: RD CD')
  assert.equal(await flags(toPacket('a', { flags: 0x27f0, qclass: 3 })), 0xa005, 'REFUSED NOTIFY: none')
})

test('BADVERS has the question and an OPT of size 0 and version 0', async () => {
  await using server = await startListener(answerA)
  const packet = toPacket('exAmple.org', {
    edns: { version: 1, flags: 0x8000, options: [{ code: 3, data: new Uint8Array(0) }] },
  })
  const [answer] = await exchange(server.port, [packet])
  const question = toPacket('exAmple.org').subarray(12)
  const expected = Buffer.concat([Buffer.of(0x12, 0x67, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 1), question])
  assert.deepEqual(answer, Buffer.concat([expected, Buffer.of(0, 0, 41, 0, 0, 1, 0, 0, 0, 0, 0)]))
})

test('FORMERR keeps the question and has no OPT', async () => {
  await using server = await startListener(answerA)
  const packet = toPacket('exAmple.org', { edns: {}, counts: [1, 0, 0, 2], tail: OPT })
  const [answer] = await exchange(server.port, [packet])
  assert.deepEqual(answer!.subarray(12), toPacket('exAmple.org').subarray(12))
})

test('classes other than IN reach the chain when they may, but for those that stand for none or all', async () => {
  await using server = await startListener(answerA, { anyClass: true })
  const rcode = async (qclass: number) => (await exchange(server.port, [toPacket('a', { qclass })]))[0]![3]! & 15
  assert.equal(await rcode(3), 0)
  assert.equal(await rcode(32_769), 0)
  for (const qclass of [0, 254, 255]) assert.equal(await rcode(qclass), 5)
})

test('random octets and random changes of a sound query do no harm', async () => {
  await using server = await startListener(answerA)
  const { listener } = server
  const sound = toPacket('www.example.org', { edns: { options: [{ code: 10, data: new Uint8Array(8) }] } })
  const client = { address: '127.0.0.1', port: 1 }
  const changed = fc
    .array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 6 })
    .map((changes) => changes.reduce((octets, [at, octet]) => octets.fill(octet, at, at + 1), Buffer.from(sound)))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.uint8Array({ maxLength: 80 }), changed),
      fc.constantFrom('udp', 'tcp'),
      async (packet, proto) => {
        const answer = await listener.serve(packet, client, client, proto as 'udp' | 'tcp')
        if (answer) decodeMessage(answer)
        assert.deepEqual(server.panics, [])
      },
    ),
    { numRuns: 2000 },
  )
})
