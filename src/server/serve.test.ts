import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMessage } from '../dns/codec.ts'
import { isPending } from '../plugin/chain.ts'
import { failOverloaded } from '../plugin/overload.ts'
import { Query } from '../plugin/query.ts'
import type { Reply } from '../plugin/reply.ts'
import { settle } from '../testing/fake-clock.ts'
import { fakeListener } from '../testing/fake-context.ts'
import { toQuery } from '../testing/messages.ts'
import { RouteTable } from './route.ts'
import { QueryServer, type Sink } from './serve.ts'
import { DEFAULT_SETTINGS, type ListenerSettings } from './settings.ts'
import { answerA, chainOf, toPacket } from './testing.ts'

/** The way of a socket's batch: one object for one client after the other. */
const peer = { address: '192.0.2.9', port: 4000 }

function setUp(handler: (query: Query) => Reply | Promise<Reply>, settings: Partial<ListenerSettings> = {}) {
  const events: string[] = []
  const answers: Uint8Array[] = []
  const kept: Sink[] = []
  const routes = new RouteTable([
    { zone: '.', view: '', chain: chainOf(handler) },
    { zone: 'empty.', view: '', chain: undefined },
  ])
  const server = new QueryServer(
    routes,
    { ...DEFAULT_SETTINGS, ...settings },
    {
      dropped: (query, rcode) => void events.push(`dropped ${query.name} ${rcode}`),
      panic: (_query, error) => void events.push(`panic ${error instanceof Error ? error.message : error}`),
      now: () => 0,
      overloaded: (query) => void events.push(`overloaded ${query.name}`),
    },
  )
  const out = new Uint8Array(2 + 65_535)
  const sink: Sink = {
    out,
    offset: 2,
    send: (length) => void answers.push(out.slice(2, 2 + length)),
    keep: () => void kept.push(sink),
  }
  const serve = (packet: Uint8Array) => {
    server.serve(packet, new Query(fakeListener(), peer, peer, 'udp', 0), sink)
  }
  return { server, serve, events, answers, kept, rcodes: () => answers.map((answer) => answer[3]! & 15) }
}

test('what is known now is sent now', () => {
  const { serve, answers, kept } = setUp(answerA)
  serve(toPacket('a.example'))
  assert.equal(decodeMessage(answers[0]!).answers.length, 1)
  assert.equal(kept.length, 0)
})

test('a query that waits keeps its packet and the way back', async () => {
  let release: (() => void) | undefined
  const { server, serve, answers, kept } = setUp(async (query) => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return answerA(query)
  })
  const packet = toPacket('a.eXample', { id: 7 })
  serve(packet)
  packet.fill(0xff)
  assert.deepEqual([server.inFlight, kept.length], [1, 1])
  const idle = server.idle()
  release!()
  await idle
  await settle()
  assert.equal(server.inFlight, 0)
  const message = decodeMessage(answers[0]!)
  assert.deepEqual([message.id, message.question!.name], [7, 'a.eXample.'])
})

test('background work keeps its client, even if the query was answered at once', () => {
  const background: Query[] = []
  const { serve } = setUp((query) => {
    background.push(query.with({ name: 'b.example' }).over('tcp'))
    return answerA(query)
  })
  serve(toPacket('a.example'))
  peer.address = '192.0.2.77'
  const [query] = background
  assert.deepEqual(
    [query!.client, query!.local, query!.proto],
    [{ address: '192.0.2.9', port: 4000 }, query!.client, 'tcp'],
  )
  peer.address = '192.0.2.9'
})

test('a handler that throws or rejects costs one SERVFAIL', async () => {
  for (const handler of [
    () => {
      throw new Error('broken')
    },
    () => Promise.reject(new Error('broken')),
  ]) {
    const { serve, events, rcodes } = setUp(handler)
    serve(toPacket('a.example'))
    await settle()
    assert.deepEqual(events, ['panic broken', 'dropped a.example. 2'])
    assert.deepEqual(rcodes(), [2])
  }
})

test('with debug a throwing handler is not caught', () => {
  const { serve, events, answers } = setUp(
    () => {
      throw new Error('broken')
    },
    { debug: true },
  )
  assert.throws(() => serve(toPacket('a.example')), /broken/)
  assert.deepEqual(events, [])
  assert.equal(answers.length, 0)
})

test('a reply to another question is a panic', () => {
  const { serve, events, rcodes } = setUp((query) => answerA(query.with({ name: 'b.example' })))
  serve(toPacket('a.example'))
  assert.deepEqual(events, ['panic plugin/test: the reply has another question', 'dropped a.example. 2'])
  assert.deepEqual(rcodes(), [2])
})

test('a handler that returns anything but a reply is a panic', () => {
  // biome-ignore lint/suspicious/noThenProperty: a plugin's own kind of promise is what is tested
  for (const result of [undefined, null, 'reply', {}, { then() {} }]) {
    const { serve, events, rcodes } = setUp((() => result) as never)
    serve(toPacket('a.example'))
    assert.match(events[0]!, /^panic /)
    assert.deepEqual(rcodes(), [2])
  }
})

test('failures of the chain are not counted as dropped, refusals by the server are', () => {
  const { serve, events, rcodes } = setUp((query) => query.fail(2, 'test', 'no upstream'))
  serve(toPacket('a.example'))
  serve(toPacket('empty'))
  assert.deepEqual(rcodes(), [2, 5])
  assert.deepEqual(events, ['dropped empty. 5'])
})

for (const [bound, settings] of [
  ['queries', { maxInFlight: 2 }],
  ['octets', { maxInFlightOctets: 2000 }],
] as const) {
  test(`too many ${bound} in work: what would have to wait fails, what is known is answered, until one is through`, async () => {
    const release: (() => void)[] = []
    const { server, serve, rcodes, answers, events } = setUp((query) => {
      if (query.name === 'known.') return answerA(query)
      return new Promise<void>((resolve) => void release.push(resolve)).then(() => answerA(query))
    }, settings)
    for (let i = 0; i < 3; i++) serve(toPacket('a.example', { edns: {} }))
    assert.deepEqual(rcodes(), [2])
    assert.deepEqual(events, ['overloaded a.example.', 'dropped a.example. 2'])
    const [option] = decodeMessage(answers[0]!).opt!.options
    assert.deepEqual([option!.code, Buffer.from(option!.data).toString()], [15, '\0\0too many queries in work'])
    serve(toPacket('known'))
    release[0]!()
    await settle()
    serve(toPacket('a.example'))
    for (const each of release.slice(1)) each()
    await settle()
    assert.deepEqual([rcodes(), server.inFlight, events.length], [[2, 0, 0, 0, 0], 0, 2])
  })
}

test('a plugin that knows of the overload says how it fails, and what it keeps after that throws', async () => {
  const { serve, rcodes, events } = setUp(
    (query) => {
      if (!query.mayWait && query.name === 'kit.') return failOverloaded(query, 'test')
      return query.mayWait ? new Promise(() => {}) : Promise.reject(new Error('late'))
    },
    { maxInFlight: 1 },
  )
  for (const name of ['a', 'kit', 'b']) serve(toPacket(name))
  await settle()
  assert.deepEqual(rcodes(), [2, 2])
  assert.deepEqual(events, ['overloaded kit.', 'overloaded b.', 'dropped b. 2'])
})

test('idle waits for the queries that wait already, not for those behind', async () => {
  const release: (() => void)[] = []
  const { server, serve } = setUp((query) =>
    new Promise<void>((resolve) => void release.push(resolve)).then(() => answerA(query)),
  )
  const done: string[] = []
  serve(toPacket('a.example'))
  void server.idle().then(() => done.push('first'))
  serve(toPacket('b.example'))
  void server.idle().then(() => done.push('second'))
  serve(toPacket('c.example'))
  release[1]!()
  await settle()
  assert.deepEqual(done, [])
  release[0]!()
  await settle()
  assert.deepEqual([done, server.inFlight], [['first', 'second'], 1])
  release[2]!()
  await server.idle()
  await settle()
  await server.idle()
})

test('silence settles the query, too', () => {
  const { serve, answers } = setUp((query) => query.drop('test', 'x'))
  serve(toPacket('a.example'))
  serve(Buffer.alloc(3))
  assert.deepEqual(
    answers.map((answer) => answer.length),
    [0, 0],
  )
})

test('a lookup of the server’s own goes through the choice of the block', async () => {
  const { server } = setUp(answerA)
  const reply = await server.ask(toQuery('a.example'))
  assert.equal(reply.sections.answers.length, 1)
  const refused = await server.ask(toQuery('a.empty'))
  assert.deepEqual([refused.kind, refused.rcode], ['failure', 5])
})

test('a chain that asks itself without end gets SERVFAIL', async () => {
  for (const derive of [
    (query: Query) => query.with({}),
    (query: Query) => Query.ask({ name: 'x.', qtype: 1 }, query),
  ]) {
    let asked = 0
    const { server, serve, rcodes } = setUp((query) => {
      asked++
      const reply = server.ask(derive(query))
      assert.equal(isPending(reply), false)
      return query.fail((reply as Reply).rcode, 'test', (reply as Reply).error!)
    })
    serve(toPacket('a.example'))
    assert.deepEqual(rcodes(), [2])
    assert.equal(asked, 9)
  }
})
