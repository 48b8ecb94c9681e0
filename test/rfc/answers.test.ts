/** Rules of RFCs that only a whole server can follow or break: cache, forward and the last step before sending together. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { exchange, startServer, type TestServer } from 'corelet/plugin/testing'
import { fromText } from '../../src/dns/name.ts'
import { type PacketParts, toPacket } from '../../src/server/testing.ts'
import { type FakeServer, type Received, startFakeServer } from '../../src/upstream/testing.ts'
import { type OracleMessage, readMessage } from '../hostile/oracle.ts'
import { toAddress, toRecord, toReply } from '../hostile/replies.ts'

const CD = 0x0010
const DO = 0x8000
const EDE = 15
const [A, SOA, AAAA, RRSIG, HTTPS, UNKNOWN] = [1, 6, 28, 46, 65, 65_280]

let upstream: FakeServer
let server: TestServer
let respond: (query: Received) => void
before(async () => {
  upstream = await startFakeServer({ respond: (query) => respond(query) })
  server = await startServer(
    `. {\n bind 127.0.0.1\n cache\n forward . 127.0.0.1:${upstream.port} {\n  read_timeout 300ms\n }\n}`,
  )
})
after(async () => {
  await server.stop()
  await upstream.close()
})

const ask = async (name: string, parts: PacketParts = {}): Promise<OracleMessage> =>
  readMessage(await exchange(server, toPacket(name, parts)))
const asked = (name: string) => upstream.received.filter((query) => query.name === name).length
const opt = (...options: number[]) =>
  Buffer.concat([Buffer.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.length), Buffer.from(options)])
const soa = () =>
  toRecord(
    SOA,
    Buffer.concat([fromText('ns.x.'), fromText('root.x.'), Buffer.alloc(16), Buffer.of(0, 0, 0, 60)]),
    60,
    'x.',
  )

describe('RFC 6891 §6.1.1', () => {
  it('a client without EDNS gets no OPT, also from what was asked with one, and the other way round', async () => {
    respond = (query) => {
      const additionals = query.wire.readUInt16BE(10) > 0 ? [opt(0, 3, 0, 1, 65)] : []
      query.send(toReply(query, { answers: [toAddress('192.0.2.1')], additionals }))
    }
    assert.ok((await ask('one.x', { edns: {} })).opt)
    assert.equal((await ask('one.x')).opt, undefined)
    assert.equal((await ask('two.x')).opt, undefined)
    assert.ok((await ask('two.x', { edns: {} })).opt)
  })
})

describe('RFC 4035 §3.2, RFC 6840 §5.9', () => {
  it('answers with and without DO and CD are kept apart', async () => {
    const flagsOf = ({ wire }: Received) => {
      const dnssecOk = wire.readUInt16BE(10) > 0 && (wire[wire.length - 4]! & 0x80) !== 0
      return (dnssecOk ? 2 : 0) + (wire.readUInt16BE(2) & CD ? 1 : 0)
    }
    respond = (query) => {
      const flags = 0x8180 | (query.wire.readUInt16BE(2) & CD)
      query.send(toReply(query, { flags, answers: [toAddress(`192.0.2.${flagsOf(query)}`)] }))
    }
    for (const round of [1, 2]) {
      for (const [flags, dnssec, last] of [
        [0, 0, 0],
        [CD, 0, 1],
        [0, DO, 2],
        [CD, DO, 3],
      ] as const) {
        const reply = await ask('apart.x', { flags, edns: { flags: dnssec } })
        assert.equal(reply.answers[0]!.data[3], last, `round ${round}`)
        assert.equal(reply.flags & CD, flags, 'CD is copied')
        assert.equal(reply.opt!.flags & DO, dnssec, 'DO is copied (RFC 3225 §3)')
      }
    }
    assert.equal(asked('apart.x.'), 4)
  })
})

describe('RFC 3597 §2, RFC 9460 §2.2', () => {
  it('data of unknown types and of HTTPS goes through octet by octet, with the records around it', async () => {
    const target = Buffer.concat([Buffer.of(0, 1), fromText('svc.through.x.'), Buffer.of(0, 3, 0, 2, 1, 187)])
    const data = Buffer.of(0xc0, 12, 3, 119, 119, 119, 0, 255)
    respond = (query) =>
      query.send(
        toReply(query, {
          answers: [toAddress('192.0.2.1'), toRecord(UNKNOWN, data), toRecord(HTTPS, target), toAddress('192.0.2.2')],
        }),
      )
    for (const round of [1, 2]) {
      const { answers } = await ask('through.x')
      assert.deepEqual(
        answers.map(({ type }) => type),
        [A, UNKNOWN, HTTPS, A],
        `round ${round}`,
      )
      assert.deepEqual([answers[1]!.data, answers[2]!.data], [data, target])
    }
  })

  it('signatures are not changed', async () => {
    const data = Buffer.concat([
      Buffer.of(0, 1, 8, 2, 0, 0, 1, 44),
      Buffer.alloc(8, 0x7f),
      Buffer.of(1, 2),
      fromText('x.'),
      Buffer.alloc(64, 9),
    ])
    respond = (query) => query.send(toReply(query, { answers: [toAddress('192.0.2.1'), toRecord(RRSIG, data)] }))
    assert.deepEqual((await ask('signed.x', { edns: { flags: DO } })).answers[1]!.data, data)
  })
})

describe('RFC 2308 §3, §5', () => {
  it('a denial comes with its SOA, also from the cache, where the TTL is no higher', async () => {
    respond = (query) => query.send(toReply(query, { flags: 0x8183, authorities: [soa()] }))
    for (let i = 0; i < 2; i++) {
      const { rcode, authorities } = await ask('nowhere.x')
      assert.equal(rcode, 3)
      assert.deepEqual(
        authorities.map(({ type }) => type),
        [SOA],
      )
      assert.ok(authorities[0]!.ttl <= 60)
    }
    assert.equal(asked('nowhere.x.'), 1)
  })
})

describe('RFC 8020, RFC 8198 §3', () => {
  it('a name that does not exist says nothing of the names below and beside it: nothing is validated here', async () => {
    respond = (query) =>
      query.send(
        query.name === 'parent.x.'
          ? toReply(query, { flags: 0x8183, authorities: [soa()] })
          : toReply(query, { answers: [toAddress('192.0.2.1')] }),
      )
    assert.equal((await ask('parent.x')).rcode, 3)
    assert.equal((await ask('child.parent.x')).rcode, 0)
    assert.equal((await ask('parent.x', { type: AAAA })).rcode, 3)
  })
})

describe('RFC 9520 §3', () => {
  it('a hundred queries within a second for what does not resolve are three upstream at most', async () => {
    respond = () => {}
    const begun = performance.now()
    const replies = []
    for (let i = 0; i < 100; i++) replies.push(ask('dead.x', { id: i }))
    for (const { rcode } of await Promise.all(replies)) assert.equal(rcode, 2)
    assert.equal((await ask('dead.x')).rcode, 2)
    if (performance.now() - begun < 1000) assert.ok(asked('dead.x.') <= 3, `asked ${asked('dead.x.')} times`)
    else assert.ok(asked('dead.x.') <= 6)
  })
})

describe('RFC 8914 §3', () => {
  it('an extended error of the upstream reaches clients with EDNS, and no others', async () => {
    respond = (query) => query.send(toReply(query, { flags: 0x8182, additionals: [opt(0, EDE, 0, 2, 0, 9)] }))
    const plain = await startServer(`. {\n bind 127.0.0.1\n forward . 127.0.0.1:${upstream.port}\n}`)
    try {
      const reply = readMessage(await exchange(plain, toPacket('broken.x', { edns: {} })))
      assert.deepEqual(reply.opt?.options, [{ code: EDE, data: Buffer.of(0, 9) }])
      assert.equal(readMessage(await exchange(plain, toPacket('broken.x'))).opt, undefined)
    } finally {
      await plain.stop()
    }
  })

  it('no upstream that answers is error 22', async () => {
    respond = () => {}
    const { opt: own } = await ask('silent.x', { edns: {} })
    assert.deepEqual(own?.options, [{ code: EDE, data: Buffer.of(0, 22) }])
  })
})

describe('RFC 2181 §11', () => {
  it('a dot within a label is no label border, so it is another name', async () => {
    respond = (query) =>
      query.send(toReply(query, { answers: [toAddress(query.wire[12] === 5 ? '192.0.2.5' : '192.0.2.3')] }))
    const name = 'a\\.b\\.c.x'
    assert.equal((await ask('a.b.c.x')).answers[0]!.data[3], 3)
    assert.equal((await ask(name)).answers[0]!.data[3], 5)
    assert.equal((await ask('a.b.c.x')).answers[0]!.data[3], 3)
    assert.equal((await ask(name)).answers[0]!.data[3], 5)
  })
})

describe('RFC 5452 §5', () => {
  it('fifty clients with the same question are one query upstream', async () => {
    const waiting: Received[] = []
    respond = (query) => void waiting.push(query)
    const replies = Array.from({ length: 50 }, (_, id) => ask('popular.x', { id }))
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
    respond = (query) => query.send(toReply(query, { answers: [toAddress('192.0.2.1')] }))
    for (const query of waiting) respond(query)
    assert.deepEqual(new Set((await Promise.all(replies)).map(({ rcode }) => rcode)), new Set([0]))
    assert.equal(asked('popular.x.'), 1)
  })
})
