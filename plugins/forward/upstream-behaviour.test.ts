/** What upstreams may send, and what comes of it: one row for each. Most rows for UDP are in test/hostile/upstream-replies.ts. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { TC, Z } from 'corelet/plugin'
import { settle, toQuery } from 'corelet/plugin/testing'
import { type FakeServer, type Received, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import { type RunningForward, startForward } from './testing.ts'

const GOOD = '192.0.2.1'

const setFlags = (message: Buffer, flags: number) => {
  message.writeUInt16BE(flags, 2)
  return message
}
const withId = (message: Buffer, change: number) => {
  message.writeUInt16BE(message.readUInt16BE(0) ^ change, 0)
  return message
}
const otherQuestion = (query: Received) => {
  const forged = toAnswer(query, { addresses: ['203.0.113.66'] })
  forged[13] = forged[13]! ^ 1
  return forged
}
const aRecord = (length: number) =>
  Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, length, ...new Array(length).fill(1)])

const modes: Record<string, { respond(query: Received): void; expected: string }> = {
  'too late': { respond: (query) => void setTimeout(() => query.send(toAnswer(query)), 1500), expected: 'SERVFAIL' },
  'late, while it is asked again': {
    respond: (() => {
      let first = true
      return (query: Received) => {
        if (first) setTimeout(() => query.send(toAnswer(query)), 400)
        first = false
      }
    })(),
    expected: GOOD,
  },
  'FORMERR as a bare header': {
    respond: (query) => query.send(Buffer.concat([query.wire.subarray(0, 2), Buffer.from([0x80, 1]), Buffer.alloc(8)])),
    expected: 'FORMERR',
  },
  'truncated within a record': {
    respond: (query) => query.send(toAnswer(query, { flags: TC }).subarray(0, -3)),
    expected: 'TC',
  },
  'the question in another case': {
    respond: (query) => {
      const answer = toAnswer(query)
      answer[13] = answer[13]! ^ 0x20
      query.send(answer)
    },
    expected: GOOD,
  },
  'more than the client can take': {
    respond: (query) => query.send(toAnswer(query, { addresses: new Array(200).fill(GOOD) })),
    expected: GOOD,
  },
  'counts that lie': {
    respond: (query) => query.send(toAnswer(query, { records: { count: 9, octets: aRecord(4) } })),
    expected: 'SERVFAIL',
  },
  'a bare header without an error': {
    respond: (query) => query.send(Buffer.concat([query.wire.subarray(0, 2), Buffer.from([0x80, 0]), Buffer.alloc(8)])),
    expected: 'SERVFAIL',
  },
}

describe('an upstream over UDP', () => {
  let server: FakeServer
  let forward: RunningForward
  let respond: (query: Received) => void | Promise<void>

  before(async () => {
    server = await startFakeServer({ respond: (query) => void respond(query) })
    forward = await startForward(`forward . 127.0.0.1:${server.port} {\n  read_timeout 300ms\n}`)
  })
  after(async () => {
    forward.stop()
    await server.close()
  })

  for (const [name, mode] of Object.entries(modes)) {
    it(`sends ${name}: ${mode.expected}`, async () => {
      respond = mode.respond
      assert.equal(await forward.resolve(`${name.replaceAll(/\W/g, '-')}.example`), mode.expected)
    })
  }

  it('may set Z, which is cleared, and AA and RA, which are kept', async () => {
    respond = (query) => query.send(setFlags(toAnswer(query), 0x8580 | Z))
    const reply = await forward.ask(toQuery('flags.example'))
    assert.equal(reply.flags & 0x05f0, 0x0580 & 0x05f0)
  })

  it('gets the octets of the query, with another id', async () => {
    respond = (query) => query.send(toAnswer(query))
    const query = toQuery('Octets.Example', 'AAAA', { dnssecOk: true, flags: 0x0010 })
    await forward.ask(query)
    const { wire } = server.received.at(-1)!
    assert.deepEqual(wire.subarray(2), Buffer.from(query.packet).subarray(2))
  })

  it('does not suffer from names that it cannot answer', async () => {
    respond = (query) => {
      if (query.name.startsWith('dead')) return
      query.send(toAnswer(query))
    }
    const patient = await startForward(`forward . 127.0.0.1:${server.port} {\n  read_timeout 1m\n}`)
    const dead: Promise<string>[] = []
    for (let i = 0; i < 300; i++) {
      dead.push(patient.resolve(`dead${i}.example`))
      if (i % 50 === 0) await settle()
    }
    for (let i = 0; i < 160; i++) assert.equal(await patient.resolve(`good${i}.example`), GOOD)
    assert.equal(patient.context.metrics.value('coredns_forward_healthcheck_broken_total') ?? 0, 0)
    patient.stop()
    assert.deepEqual(new Set(await Promise.all(dead)), new Set(['SERVFAIL']))
  })
})

describe('an upstream over TCP', () => {
  let server: FakeServer
  let forward: RunningForward
  let respond: (query: Received) => void

  before(async () => {
    server = await startFakeServer({ respond: (query) => respond(query) })
    forward = await startForward(`forward . 127.0.0.1:${server.port} {\n  read_timeout 300ms\n  force_tcp\n}`)
  })
  after(async () => {
    forward.stop()
    await server.close()
  })

  const rows: [name: string, respond: (query: Received) => void, expected: string][] = [
    ['good', (query) => query.send(toAnswer(query)), GOOD],
    ['nothing', () => {}, 'SERVFAIL'],
    ['a reset', (query) => query.socket?.resetAndDestroy(), 'SERVFAIL'],
    ['half a message', (query) => query.socket?.end(Buffer.from([0, 60, 1, 2, 3])), 'SERVFAIL'],
    ['a length and no message', (query) => query.socket?.write(Buffer.from([0xff, 0xff])), 'SERVFAIL'],
    ['a message of no length', (query) => query.socket?.write(Buffer.alloc(2)), 'SERVFAIL'],
    ['a wrong question', (query) => query.send(otherQuestion(query)), 'SERVFAIL'],
    ['the query itself', (query) => query.send(query.wire), 'SERVFAIL'],
    ['a malformed answer', (query) => query.send(toAnswer(query).subarray(0, -3)), 'SERVFAIL'],
    [
      'a wrong id first',
      (query) => {
        query.send(withId(toAnswer(query, { addresses: ['203.0.113.66'] }), 1))
        query.send(toAnswer(query))
      },
      GOOD,
    ],
    [
      'single octets',
      async ({ socket, ...query }) => {
        const message = toAnswer(query)
        for (const octet of [0, message.length, ...message]) {
          await new Promise((resolve) => socket?.write(Buffer.from([octet]), resolve))
        }
      },
      GOOD,
    ],
  ]
  for (const [name, mode, expected] of rows) {
    it(`sends ${name}: ${expected}`, async () => {
      respond = mode
      assert.equal(await forward.resolve('mode.example'), expected)
      respond = (query) => query.send(toAnswer(query))
      assert.equal(await forward.resolve('afterwards.example'), GOOD)
    })
  }

  it('answers pipelined queries in any order over few connections', async () => {
    const waiting: Received[] = []
    respond = (query) => {
      waiting.push(query)
      if (waiting.length < 100) return
      for (const each of waiting.reverse())
        each.send(toAnswer(each, { addresses: [`192.0.2.${each.wire[13]! - 0x30}`] }))
    }
    const first = server.connections.length
    const names = Array.from({ length: 100 }, (_, i) => `${i % 10}-${i}.example`)
    const answers = await Promise.all(names.map((name) => forward.resolve(name)))
    assert.deepEqual(
      answers,
      names.map((name) => `192.0.2.${name[0]}`),
    )
    assert.ok(server.connections.length - first <= 16)
  })

  it('may close an idle connection: the query goes out again at once and nothing is counted', async () => {
    const once = await startForward(`forward . 127.0.0.1:${server.port} {\n  force_tcp\n  max_connect_attempts 1\n}`)
    const seen: string[] = []
    respond = (query) => {
      seen.push(query.name)
      if (seen.length === 2) query.socket?.end()
      else query.send(toAnswer(query))
    }
    assert.equal(await once.resolve('first.example'), GOOD)
    assert.equal(await once.resolve('second.example'), GOOD)
    assert.deepEqual(seen, ['first.example.', 'second.example.', 'second.example.'])
    once.stop()
  })
})

describe('prefer_udp', () => {
  const answerOverTcp = { respond: (query: Received) => query.send(toAnswer(query)), expected: GOOD }
  const rows: Record<string, { respond(query: Received): void; expected: string }> = {
    'the whole answer': answerOverTcp,
    'a reset': { respond: (query) => query.socket?.resetAndDestroy(), expected: 'SERVFAIL' },
    'half a message': { respond: (query) => query.socket?.end(Buffer.from([0, 60, 1])), expected: 'SERVFAIL' },
    nothing: { respond: () => {}, expected: 'SERVFAIL' },
  }
  for (const [name, row] of Object.entries(rows)) {
    it(`asks over TCP after a truncated answer, and gets ${name}`, async () => {
      const protos: string[] = []
      const server = await startFakeServer({
        respond(query) {
          protos.push(query.proto)
          if (query.proto === 'udp') query.send(toAnswer(query, { flags: TC, addresses: [] }))
          else row.respond(query)
        },
      })
      const forward = await startForward(`forward . 127.0.0.1:${server.port} {\n  read_timeout 200ms\n  prefer_udp\n}`)
      assert.equal(await forward.resolve('big.example', 'tcp'), row.expected)
      assert.deepEqual(protos.slice(0, 2), ['udp', 'tcp'])
      forward.stop()
      await server.close()
    })
  }
})
