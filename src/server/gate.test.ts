import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CLIENT_PACKETS } from '../../test/hostile/client-packets.ts'
import { decodeMessage } from '../dns/codec.ts'
import { toRcodeName } from '../dns/constants.ts'
import { TcpClient, toFrames } from '../net/testing.ts'
import { answerA, exchange, startListener, toPacket } from './testing.ts'

/** Extended DNS without options. */
const OPT = Buffer.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)

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
    for (const [name, packet, overUdp, otherwise] of CLIENT_PACKETS) {
      const expected = (proto === 'tcp' && otherwise?.stream) || overUdp
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
