import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lookUp, OPTIONS, type Query, type Reply, systemClock } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  fakeContext,
  settle,
  startPlugin,
  startServer,
  toNext,
  toQuery,
  toReply,
} from 'corelet/plugin/testing'
import { startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import cache from '../cache/index.ts'
import forward from '../forward/index.ts'
import cancel from './index.ts'

test('the time-out is a positive duration; the last use counts', async () => {
  await checkDirectives(cancel, [
    ['cancel', { timeout: 5001 }],
    ['cancel 2s', { timeout: 2000 }],
    ['cancel 1s\ncancel 500ms', { timeout: 500 }],
    ['cancel 5', '2:8 cancel/bad-timeout'],
    ['cancel soon', '2:8 cancel/bad-timeout'],
    ['cancel -1s', '2:8 cancel/no-timeout'],
    ['cancel 0', '2:8 cancel/no-timeout'],
    ['cancel 1s 2s', '2:11 wrong-argument-count'],
    ['cancel {\n  x\n}', '2:1 unexpected-block'],
  ])
})

/** A query whose answer comes when the test says so. */
async function waiting(text: string) {
  const started = await startPlugin(cancel, text)
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const query = toQuery('example.org.')
  let asked: Query | undefined
  let reply: Reply | undefined
  const result = started.ask(query, (each) => {
    asked = each
    return promise
  })
  result.then(
    (each) => {
      reply = each
    },
    () => {},
  )
  await settle()
  return { ...started, query, result, signal: asked!.signal!, resolve, reject, reply: () => reply }
}

test('what is known at once is passed on without a promise, and no signal is made', async () => {
  const { askNow, context } = await startPlugin(cancel, 'cancel')
  assert.equal(askNow(toQuery('example.org.'), answering({})).reason, 'fixed answer')
  assert.equal(context.clock.pending, 0)
})

test('an answer in time is passed on', async () => {
  const { query, context, resolve, result, signal, running } = await waiting('cancel 1s')
  await context.clock.advance(990)
  const answer = query.reply({}, 'test', 'late')
  resolve(answer)
  assert.equal(await result, answer)
  await context.clock.advance(10_000)
  assert.equal(signal.aborted, false)
  assert.equal(context.clock.pending, 0)
  await running.stop!()
})

test('an error is passed on', async () => {
  const { reject, result, running } = await waiting('cancel 1s')
  reject(new Error('broken'))
  await assert.rejects(result, /broken/)
  await running.stop!()
})

test('after the time-out the client gets SERVFAIL and the work its signal', async () => {
  const { query, context, resolve, reply, signal, running } = await waiting('cancel 1s')
  await context.clock.advance(999)
  assert.deepEqual([signal.aborted, reply()], [false, undefined])
  await context.clock.advance(60)
  assert.equal(signal.aborted, true)
  const { kind, rcodeName, error, options } = reply()!
  assert.deepEqual([kind, rcodeName, error], ['failure', 'SERVFAIL', 'no answer within 1s'])
  assert.deepEqual(options, [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 22) }])
  resolve(query.reply({}, 'test', 'too late'))
  await settle()
  assert.equal(reply()!.kind, 'failure')
  await running.stop!()
})

test('without it queries have no signal; derived ones share it, those in the background have none', () => {
  const query = toQuery('example.org.')
  assert.equal(query.signal, undefined)
  query.origin.cancellable = true
  const derived = query.with({ qtype: 28 })
  query.cancel()
  assert.equal(derived.signal?.aborted, true)
  assert.equal(derived.over('tcp').signal, undefined)
})

test('lookups for a query are given up with it', async () => {
  const query = toQuery('example.org.')
  let asked: Query | undefined
  const look = (): Query => {
    const ask = (each: Query) => {
      asked = each
      return each.fail(2, 'test', undefined)
    }
    void lookUp({ ask }, query, { name: 'other.' })
    return asked!
  }
  assert.equal(look().signal, undefined, 'nothing gives queries up')
  query.origin.cancellable = true
  const early = look()
  assert.equal(early.signal?.aborted, false)
  query.cancel()
  assert.equal(early.signal?.aborted, true)
  assert.equal(look().signal?.aborted, true, 'what is asked for a query that was given up')
})

test('forward gives up, which makes room, but not while another client waits for the same', async () => {
  const upstream = await startFakeServer({ respond: () => {} })
  const corefile = `. {
    cancel 300ms
    forward . 127.0.0.1:${upstream.port} {
      max_concurrent 1
    }
  }`
  const server = await startServer(corefile)
  try {
    const started = performance.now()
    assert.equal((await server.query('a.example', 'A')).rcode, 2)
    assert.ok(performance.now() - started < 1500, 'long before the upstream times out')
    assert.equal((await server.query('b.example', 'A')).rcode, 2, 'REFUSED if there were no room')
  } finally {
    await server.stop()
    await upstream.close()
  }
})

test('that one client gave up is not cached for the next', async () => {
  let asked = 0
  const upstream = await startFakeServer({
    respond: (query) => {
      if (query.name === 'a.example.' && ++asked > 1) query.send(toAnswer(query))
    },
  })
  await using server = await startServer(
    `. {\n  cancel 100ms\n  cache\n  forward . 127.0.0.1:${upstream.port} {\n    prefer_udp\n  }\n}`,
  )
  try {
    assert.equal((await server.query('a.example', 'A')).rcode, 2)
    assert.equal((await server.query('a.example', 'A')).rcode, 0)
    assert.equal((await server.query('a.example', 'A')).rcode, 0)
    assert.equal(asked, 2, 'what was answered is cached')
  } finally {
    await upstream.close()
  }
})

for (const [what, change] of [
  [
    'the server had too much to do for',
    (query: Query) => {
      query.origin.mayWait = false
    },
  ],
  [
    'was given up',
    (query: Query) => {
      query.origin.cancellable = true
      query.cancel()
    },
  ],
] as const) {
  test(`a failure of a query that ${what} is not cached, another is`, async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    let failures = 0
    const fail = (each: Query) => {
      failures++
      return each.fail(2, 'forward', 'no answer')
    }
    const query = toQuery('example.org.')
    change(query)
    askNow(query, fail)
    askNow(toQuery('example.org.'), fail)
    assert.equal(failures, 2)
    askNow(toQuery('example.org.'), fail)
    assert.equal(failures, 2)
  })
}

test('a query given up while the cache waits for the rest of the chain ends with it, stale data stay', async () => {
  const context = fakeContext({ plugin: 'cache' })
  const { ask } = await startPlugin(cache, 'cache {\n  serve_stale 1h verify\n}', context)
  await ask(toQuery('example.org.'), (query) => toReply(query, { answers: ['example.org. 5 IN A 192.0.2.1'] }))
  await context.clock.advance(6000)
  const query = toQuery('example.org.')
  query.origin.cancellable = true
  const given = ask(query, async (each) => {
    query.cancel()
    assert.equal(each.signal?.aborted, true)
    return each.fail(2, 'forward', 'the query was given up')
  })
  assert.equal((await given).answers.length, 1)
})

test('forward goes on for the client that came later', async () => {
  const server = await startFakeServer({
    respond: (query) => void setTimeout(() => query.send(toAnswer(query, { addresses: ['192.0.2.1'] })), 100),
  })
  const context = Object.assign(fakeContext({ plugin: 'forward' }), { clock: systemClock as never })
  const { running } = await startPlugin(forward, `forward . 127.0.0.1:${server.port}`, context)
  try {
    const queries = [toQuery('example.org.'), toQuery('example.org.')]
    for (const query of queries) query.cancellable = true
    const results = queries.map((query) =>
      running.handler!(
        query,
        toNext(() => assert.fail()),
      ),
    )
    queries[0]!.cancel()
    const [first, second] = await Promise.all(results)
    assert.deepEqual([first!.rcodeName, first!.error], ['SERVFAIL', 'the query was given up'])
    assert.equal(second!.answers[0]?.data, '192.0.2.1')
  } finally {
    await running.stop!()
    await server.close()
  }
})
