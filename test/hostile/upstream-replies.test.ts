/** Every row through a whole server: cache, forward, a real socket to an upstream that misbehaves; each reply holds before a second reader. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { exchange } from 'corelet/plugin/testing'
import { toRcodeName } from '../../src/dns/constants.ts'
import { toPacket } from '../../src/server/testing.ts'
import { killLeftovers } from '../kit/process.ts'
import { type OracleMessage, readMessage } from './oracle.ts'
import { FORGED, toAddress, toReply } from './replies.ts'
import { type ServerUnderTest, startServerUnderTest } from './server-under-test.ts'
import { TRANSPORTS } from './transports.ts'
import { POISONS, UPSTREAM_ROWS } from './upstream-replies.ts'
import { TCP_ROWS } from './upstream-streams.ts'

after(killLeftovers)

const RD = 0x0100
const TC = 0x0200
const AD = 0x0020
const Z = 0x0040

/** `A 192.0.2.1` or the rcode, with what else is worth a word. */
function describeReply({ answers, flags, rcode }: OracleMessage): string {
  const address = answers.find(({ type, class: klass }) => type === 1 && klass === 1)
  const outcome = address ? `A ${[...address.data].join('.')}` : rcode === 11 ? 'RCODE11' : toRcodeName(rcode)
  const truncated = flags & TC ? (address ? ' TC' : 'TC') : ''
  return `${truncated === 'TC' ? '' : outcome}${truncated}${flags & AD ? ' AD' : ''}`
}

for (const { name: back, env } of TRANSPORTS.filter(({ stream }) => !stream)) {
  describe(`an upstream behind a server with ${back} sends`, { concurrency: false }, () => {
    let server: ServerUnderTest
    before(async () => {
      server = await startServerUnderTest({ env, scheme: '' }, '    read_timeout 500ms\n    max_connect_attempts 1\n')
    })
    after(async () => {
      assert.equal(await server.metric('coredns_panics_total'), 0)
      await server.stop()
    })
    const ask = async (name: string, flags = 0) =>
      readMessage(
        await exchange(
          { address: '127.0.0.1', port: server.forwarding },
          toPacket(name, { flags: RD | flags, edns: { udpSize: 1232 } }),
        ),
      )
    const asked = (name: string) => server.upstream.received.filter((query) => query.name === name).length

    for (const [i, row] of UPSTREAM_ROWS.entries()) {
      it(`${row.name}: ${row.expected}`, async () => {
        const name = `row-${i}.example.`
        server.respond = (query) => void row.respond(query)
        const reply = await ask(name, row.flags)
        assert.equal(describeReply(reply), row.expected)
        assert.equal(reply.flags & Z, 0)
        assert.ok(reply.opt, 'a client with EDNS gets one OPT')
        if (row.ttl !== undefined) {
          for (const { ttl } of [...reply.answers, ...reply.authorities]) assert.ok(ttl <= row.ttl, `TTL ${ttl}`)
        }
        if (row.again === undefined) return
        const before = asked(name)
        const second = await ask(name, row.flags)
        assert.equal(asked(name) > before, row.again, row.again ? 'asked again' : 'answered from the cache')
        if (!row.again) assert.equal(describeReply(second), row.expected)
      })
    }

    for (const [i, { name, parts }] of POISONS.entries()) {
      it(`records of another name ${name}, which are never answered for that name`, async () => {
        const victim = `victim-${i}.example.`
        server.respond = (query) => {
          const own = { answers: [toAddress('198.51.100.1')] }
          query.send(toReply(query, query.name === victim ? own : parts(victim)))
        }
        await ask(`bait-${i}.example.`)
        assert.equal(describeReply(await ask(victim)), 'A 198.51.100.1')
        assert.equal(describeReply(await ask(victim)), 'A 198.51.100.1')
      })
    }

    it('five wrong answers to a query, which then goes over TCP, and they are counted', async () => {
      const protos: string[] = []
      server.respond = (query) => {
        // a probe may come in between
        if (query.name === '.') return query.send(toReply(query))
        protos.push(query.proto)
        if (query.proto === 'tcp') return query.send(toReply(query, { answers: [toAddress('198.51.100.1')] }))
        const wrong = toReply(query, { answers: [toAddress(FORGED)] })
        wrong[13] = wrong[13]! ^ 1
        for (let i = 0; i < 5; i++) query.send(wrong)
      }
      const before = await server.metric('corelet_forward_mismatched_answers_total')
      assert.equal(describeReply(await ask('guessed.example.')), 'A 198.51.100.1')
      assert.deepEqual(protos, ['udp', 'tcp'])
      assert.equal((await server.metric('corelet_forward_mismatched_answers_total')) - before, 5)
    })

    it('answers to 2,000 queries, whose ports and ids nobody can guess', async () => {
      server.respond = (query) => query.send(toReply(query, { answers: [toAddress('198.51.100.1')] }))
      const first = server.upstream.received.length
      for (let i = 0; i < 2000; i++) await ask(`entropy-${i}.example.`)
      const received = server.upstream.received.slice(first).filter(({ name }) => name.startsWith('entropy'))
      assert.equal(received.length, 2000)
      for (const values of [received.map(({ wire }) => wire.readUInt16BE(0)), received.map(({ port }) => port)]) {
        assert.ok(entropy(values) >= 10.5, `${entropy(values)} bits`)
      }
    })
  })
}

describe('an upstream whose answer over UDP is truncated sends over TCP', { concurrency: false }, () => {
  let server: ServerUnderTest
  before(async () => {
    const options = '    prefer_udp\n    read_timeout 500ms\n    max_connect_attempts 1\n'
    server = await startServerUnderTest({ env: {}, scheme: '' }, options)
  })
  after(async () => {
    assert.equal(await server.metric('coredns_panics_total'), 0)
    await server.stop()
  })
  const ask = async (name: string) => {
    const at = { address: '127.0.0.1', port: server.forwarding }
    return readMessage(await exchange(at, toPacket(name), 'tcp'))
  }
  const asked = (name: string) => server.upstream.received.filter((query) => query.name === name).length

  for (const [i, { name: what, respond, expected, again }] of TCP_ROWS.entries()) {
    it(`${what}: ${expected}`, async () => {
      const name = `row-${i}.example.`
      server.respond = (query) =>
        query.proto === 'udp' ? query.send(toReply(query, { flags: 0x8380 })) : void respond(query)
      assert.equal(describeReply(await ask(name)), expected)
      const before = asked(name)
      assert.ok(before >= 2, 'asked over UDP and TCP')
      const second = await ask(name)
      if (again !== undefined) assert.equal(asked(name) > before, again)
      assert.equal(describeReply(second), expected)
      server.respond = (query) => query.send(toReply(query, { answers: [toAddress('198.51.100.1')] }))
      assert.equal(describeReply(await ask(`after-${i}.example.`)), 'A 198.51.100.1', 'the next query is answered')
    })
  }
})

/** Shannon entropy in bits of the values' frequencies. */
function entropy(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / values.length) * Math.log2(count / values.length),
    0,
  )
}
