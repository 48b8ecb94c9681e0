import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage } from '../dns/codec.ts'
import { answerA, startListener, toPacket } from './testing.ts'

const ROUNDS = 40
const CLIENTS = 5
/** Queries of a client in a round; more than one batch together with the garbage between them. */
const QUERIES = 30

/** Octets that may come from anywhere: noise, queries with some octets changed, queries cut short, datagrams that are too long. */
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc.uint8Array({ minLength: 4000, maxLength: 9000, size: 'max' }),
  fc
    .tuple(fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 8 }), fc.option(fc.nat(60)))
    .map(([changes, end]) => {
      const packet = toPacket('garbage.example', { id: 0xffff, edns: {} })
      for (const [at, octet] of changes) if (at > 1) packet[at % packet.length] = octet
      return packet.subarray(0, end ?? packet.length)
    }),
)

for (const backEnd of ['libc', 'dgram']) {
  test(`${backEnd}: every sound query among garbage is answered, known at once or later`, async () => {
    process.env['CORELET_NET'] = backEnd
    await using server = await startListener((query) => {
      assert.equal(query.local.port, server.port)
      if (query.qtype !== 28) return answerA(query)
      const asked = query.qname
      return new Promise((resolve) =>
        setImmediate(() => {
          assert.equal(query.qname, asked)
          assert.match(query.client.address, /^127\.0\.0\.1$/)
          resolve(answerA(query))
        }),
      )
    })
    const clients = Array.from({ length: CLIENTS }, () => createSocket('udp4'))
    const noise = fc.sample(garbage, { numRuns: ROUNDS * CLIENTS * QUERIES, seed: 20 })
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await Promise.all(
          clients.map(async (client, c) => {
            const open = new Map<number, string>()
            const answered = new Promise<void>((resolve) => {
              client.removeAllListeners('message').on('message', (octets) => {
                const name = open.get(octets.readUInt16BE())
                if (name === undefined) return
                const { question, answers } = decodeMessage(octets)
                if (question?.name.toLowerCase() !== name.toLowerCase()) return
                assert.deepEqual([question.name, answers.length], [name, 1])
                open.delete(octets.readUInt16BE())
                if (open.size === 0) resolve()
              })
            })
            for (let i = 0; i < QUERIES; i++) {
              const id = round * 100 + i
              const name = `Host${i}.of.${c}.in.${round}.example.`
              open.set(id, name)
              client.send(noise.pop()!, server.port, '127.0.0.1')
              client.send(toPacket(name, { id, type: i % 3 === 0 ? 'AAAA' : 'A' }), server.port, '127.0.0.1')
            }
            await answered
          }),
        )
      }
    } finally {
      delete process.env['CORELET_NET']
      for (const client of clients) client.close()
    }
    assert.deepEqual(server.panics, [])
    assert.equal(server.listener.inFlight, 0)
  })
}
