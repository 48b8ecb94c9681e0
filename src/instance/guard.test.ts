import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeOption, type Handler, OPTIONS, type Query, type Reply } from '../plugin/index.ts'
import { settle } from '../testing/fake-clock.ts'
import { fakeContext } from '../testing/fake-context.ts'
import { toQuery } from '../testing/messages.ts'
import { type NextLike, toNext } from '../testing/start-plugin.ts'
import { guardHandler, type PluginLimits } from './guard.ts'

const query = toQuery('example.org.', 'A')
const answer = (query: Query) => query.reply({}, 'mine', 'fixed')
const never = () => new Promise<Reply>(() => {})

function setUp(handler: Handler, limits: Partial<PluginLimits> = {}) {
  const context = fakeContext({ plugin: 'mine' })
  const guarded = guardHandler('mine', handler, { timeout: 1000, ...limits }, context)
  const ask = (next: NextLike = answer) => guarded(query, toNext(next, 'cache'))
  const count = (reason: string) => context.metrics.value('corelet_plugin_failures_total', 'mine', reason)
  return { ...context, ask, count }
}

test('an answer that is known now is passed on without a promise or a timer', () => {
  const { ask, clock, metrics } = setUp(answer)
  assert.equal((ask() as Reply).plugin, 'mine')
  assert.equal(clock.pending, 0)
  assert.equal(metrics.values.size, 0)
})

test('a promise that never settles costs its query a SERVFAIL with EDE, and no timer stays behind', async () => {
  const { ask, clock, count } = setUp(never)
  let reply: Reply | undefined
  void Promise.resolve(ask()).then((given) => (reply = given))
  await clock.advance(999)
  assert.equal(reply, undefined)
  await clock.advance(1)
  assert.deepEqual([reply!.kind, reply!.rcode, reply!.error], ['failure', 2, 'plugin/mine: no answer within 1s'])
  assert.deepEqual(reply!.options.map(decodeOption), [
    { type: 'EDE', data: { infoCode: 0, extraText: 'plugin/mine: no answer within 1s' } },
  ])
  assert.equal(reply!.options[0]!.code, OPTIONS.EDE)
  assert.equal(count('timeout'), 1)
  assert.equal(clock.pending, 0)
})

test('what comes too late is dropped, errors too', async () => {
  for (const end of ['resolve', 'reject'] as const) {
    const late = Promise.withResolvers<Reply>()
    const { ask, clock, count } = setUp(() => late.promise)
    const reply = ask()
    await clock.advance(1000)
    late[end](answer(query))
    assert.equal((await reply).kind, 'failure')
    assert.deepEqual([count('timeout'), count('throw')], [1, undefined])
  }
})

test('the time in which the plugin waits for the rest of the chain does not count', async () => {
  const upstream = Promise.withResolvers<Reply>()
  const plugin = Promise.withResolvers<void>()
  const { ask, clock } = setUp(async (query, next) => {
    await plugin.promise
    const reply = await next(query)
    await never()
    return reply
  })
  let reply: Reply | undefined
  void Promise.resolve(ask(() => upstream.promise)).then((given) => (reply = given))
  await clock.advance(600)
  plugin.resolve()
  await settle()
  await clock.advance(60_000)
  assert.equal(reply, undefined)
  upstream.resolve(answer(query))
  await settle()
  await clock.advance(250)
  assert.equal(reply, undefined)
  await clock.advance(250)
  assert.equal(reply!.rcode, 2)
})

test('without a budget it waits for ever', async () => {
  const { ask, clock, count } = setUp(never, { timeout: 0 })
  void ask()
  await clock.advance(1e6)
  assert.deepEqual([clock.pending, count('timeout')], [0, undefined])
})

const WRONG: [title: string, handler: Handler, reason: string, message: RegExp][] = [
  [
    'throws',
    () => {
      throw new Error('no luck')
    },
    'throw',
    /^no luck$/,
  ],
  ['rejects', () => Promise.reject(new Error('no luck')), 'throw', /^no luck$/],
  ['returns nothing', () => undefined as never, 'no-reply', /^plugin\/mine: the handler returned no Reply$/],
  ['promises nothing', async () => undefined as never, 'no-reply', /^plugin\/mine: the handler returned no Reply$/],
]
for (const [title, handler, reason, message] of WRONG) {
  test(`a handler that ${title} is counted, and the error goes on to the server`, async () => {
    const { ask, count } = setUp(handler)
    await assert.rejects(
      async () => ask(),
      ({ message: text }: Error) => message.test(text),
    )
    assert.equal(count(reason), 1)
  })
}

test('what the rest of the chain throws is not counted', async () => {
  const passing = setUp((query, next) => next(query))
  const waiting = setUp(async (query, next) => await next(query))
  for (const { ask, count } of [passing, waiting]) {
    for (const next of [
      () => {
        throw new Error('below')
      },
      () => Promise.reject(new Error('below')),
    ]) {
      await assert.rejects(async () => ask(next), { message: 'below' })
    }
    assert.equal(count('throw'), undefined)
  }
})

test('the plugin still knows whom it would ask', () => {
  let seen: string | undefined
  setUp((query, next) => {
    seen = next.plugin
    return next(query)
  }).ask()
  assert.equal(seen, 'cache')
})

test('a breaker lets queries pass the plugin by after failures in a row, and tries it again', async () => {
  let works = false
  const { ask, clock, lines, metrics } = setUp(
    (query) => {
      if (!works) throw new Error('no luck')
      return answer(query)
    },
    { breaker: { failures: 3, pause: 30_000 } },
  )
  const next: NextLike = (query) => query.reply({}, 'next', 'asked')
  const fails = () => assert.throws(() => ask(next), /no luck/)
  const answerer = () => (ask(next) as Reply).plugin
  fails()
  fails()
  works = true
  assert.equal(answerer(), 'mine', 'a good answer begins the count anew')
  works = false
  for (let i = 0; i < 3; i++) fails()
  assert.equal(answerer(), 'next')
  assert.deepEqual(lines, ['[WARNING] plugin/mine: passed by for 30s: 3 failures in a row'])
  await clock.advance(30_000)
  fails()
  assert.equal(answerer(), 'next', 'one failure more opens it again')
  await clock.advance(30_000)
  works = true
  assert.deepEqual([answerer(), answerer()], ['mine', 'mine'])
  assert.equal(metrics.value('corelet_plugin_passed_by_total', 'mine'), 2)
})
