/** Every row of the table over every transport: the same outcome on each, and each reply holds before a second reader. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { toRcodeName } from '../../src/dns/constants.ts'
import { toPacket } from '../../src/server/testing.ts'
import { killLeftovers } from '../kit/process.ts'
import { CLIENT_PACKETS, type Otherwise } from './client-packets.ts'
import { readMessage } from './oracle.ts'
import { type ServerUnderTest, startServerUnderTest } from './server-under-test.ts'
import { type Connection, TRANSPORTS, type Transport } from './transports.ts'

after(killLeftovers)

const GOOD = toPacket('good.example', { id: 1 })
const isGood = (answer: Buffer) => answer.length >= 2 && answer.readUInt16BE() === 1

/** UDP answers are never larger, whatever the client says it takes. */
const MAX_UDP = 1232
/** Options that must not come back: client's COOKIE always, KEEPALIVE and PADDING on clear text over UDP (RFC 7873 §5.2, 7828 §3.2.2, 7830 §6). */
const COOKIE = 10
const KEEPALIVE = 11
const PADDING = 12

function expectedFor(transport: Transport, forwarded: boolean, overUdp: string, otherwise: Otherwise = {}): string {
  const { stream, forward, forwardStream } = otherwise
  const own = (transport.stream && stream) || overUdp
  const expected = forwarded ? (transport.stream && forwardStream) || forward || own : own
  return expected.replace(' counted', '')
}

/** Sends a packet and a good query behind it, checks both replies, and says what became of the first. */
async function send(connection: Connection, packet: Uint8Array, expected: string, transport: Transport) {
  const wanted = expected === 'drop' ? 1 : 2
  const answers = await connection.ask([packet, GOOD], (all) => all.length >= wanted && all.some(isGood))
  assert.ok(answers.some(isGood), 'a good query behind it is answered')
  assert.ok(answers.length <= 2, 'no query is answered twice')
  const answer = answers.find((each) => !isGood(each))
  if (!answer) return 'drop'
  const message = readMessage(answer)
  assert.equal(message.id, (packet[0]! << 8) | packet[1]!, 'the id is kept')
  assert.equal(message.flags & 0x8040, 0x8000, 'QR is set, Z is clear')
  assert.equal(message.opcode, (packet[2]! >> 3) & 15, 'the opcode is kept')
  if (message.question.length > 0)
    assert.deepEqual(message.question, Buffer.from(packet).subarray(12, 12 + message.question.length))
  if (!transport.stream) assert.ok(answer.length <= MAX_UDP, 'no answer is fragmented')
  for (const { code } of message.opt?.options ?? []) {
    assert.ok(
      code !== COOKIE && (transport.stream || (code !== KEEPALIVE && code !== PADDING)),
      `option ${code} is back`,
    )
  }
  const rcode = toRcodeName(message.rcode)
  const outcome = message.rcode === 16 ? 'BADVERS' : message.rcode === 0 ? 'answer' : rcode
  return answer.length === 12 ? `${outcome} header` : outcome
}

for (const transport of TRANSPORTS) {
  describe(`over ${transport.name}`, { concurrency: false }, () => {
    let server: ServerUnderTest
    before(async () => {
      server = await startServerUnderTest(transport)
    })
    after(async () => {
      assert.equal(await server.metric('coredns_panics_total'), 0)
      await server.stop()
    })

    for (const forwarded of [false, true]) {
      it(forwarded ? 'a block that asks an upstream' : 'a block that answers by itself', async (t) => {
        const connection = await transport.open(forwarded ? server.forwarding : server.own)
        for (const [name, packet, overUdp, otherwise] of CLIENT_PACKETS) {
          if (packet.length > (transport.longest ?? Infinity)) continue
          const expected = expectedFor(transport, forwarded, overUdp, otherwise)
          await t.test(name, async () => {
            const asked = server.upstream.received.length
            assert.equal(await send(connection, packet, expected, transport), expected)
            if (expected !== 'answer') {
              const leaked = server.upstream.received.slice(asked).filter((query) => query.name !== 'good.example.')
              assert.deepEqual(leaked, [], 'what is refused is not forwarded')
            }
          })
        }
        connection.close()
      })
    }
  })
}
