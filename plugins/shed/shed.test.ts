import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RCODES, type Reply } from 'corelet/plugin'
import {
  checkDirectives,
  fakeContext,
  fakeListener,
  settle,
  startPlugin,
  toNext,
  toQuery,
} from 'corelet/plugin/testing'
import { loadText, showDiagnostics } from '../../test/kit/load.ts'
import shed from './index.ts'
import { DEPTH } from './shedder.ts'

test('the directive takes nothing, once', async () => {
  await checkDirectives(shed, [
    ['shed'],
    ['shed 10', '2:6 wrong-argument-count'],
    ['shed {\ndepth 10\n}', '3:1 shed/no-options'],
    ['shed\nshed', '3:1 once-per-block'],
  ])
})

test('only plain DNS has it', async () => {
  const loaded = await loadText('. tls://a.example {\nshed\ntls cert.pem key.pem\nwhoami\n}', '/')
  const text = showDiagnostics(loaded).join('\n')
  assert.match(text, /only plain DNS server blocks are supported; "tls:\/\/a\.example" uses transport "tls"/)
})

async function start() {
  const listener = fakeListener({ server: 'dns://:5353' })
  const context = fakeContext({ plugin: 'shed' })
  const block = { ...context.block, listeners: [listener] }
  const { running } = await startPlugin(shed, 'shed', { ...context, block })
  const waiting: ((reply: Reply) => void)[] = []
  const slow = toNext((query) =>
    query.origin.mayWait
      ? new Promise<Reply>((resolve) => waiting.push(resolve))
      : query.fail(RCODES.SERVFAIL, 'test', 'full'),
  )
  const query = (proto: 'udp' | 'tcp' = 'udp') => toQuery('example.org.', 'A', { listener, proto })
  const ask = (next = slow, proto: 'udp' | 'tcp' = 'udp') => running.handler!(query(proto), next)
  const fill = () => Array.from({ length: DEPTH }, () => ask())
  const dropped = (reason: string) => context.metrics.value('coredns_shed_dropped_total', 'dns://:5353', reason)
  return { ...running, listener, context, waiting, query, ask, fill, dropped }
}

test('when so many wait, others are dropped, and let in again when one is answered', async () => {
  const { ask, fill, waiting, query, dropped } = await start()
  const results = fill()
  assert.ok(results.every((result) => result instanceof Promise))
  const late = ask()
  assert.ok(!(late instanceof Promise))
  assert.deepEqual([late.kind, dropped('query')], ['drop', 1])
  waiting[0]!(query().reply({}, 'test', ''))
  await settle()
  assert.ok(ask() instanceof Promise)
  assert.equal((ask() as Reply).kind, 'drop')
  assert.equal(dropped('query'), 2)
})

test('what is known at once is answered, what waits all the same is dropped', async () => {
  const { ask, fill, dropped } = await start()
  fill()
  const answered = ask(toNext((query) => query.reply({}, 'test', 'hit')))
  assert.equal((answered as Reply).reason, 'hit')
  const stubborn = ask(toNext(() => Promise.reject(new Error('too late'))))
  assert.equal((stubborn as Reply).kind, 'drop')
  await settle()
  assert.equal(dropped('query'), 1)
})

test('TCP is left alone', async () => {
  const { ask, fill } = await start()
  fill()
  assert.ok(ask(undefined, 'tcp') instanceof Promise)
})

test('answers that were not sent are counted', async () => {
  const { context, listener, dropped, stop } = await start()
  await context.clock.advance(1000)
  assert.equal(dropped('response'), undefined)
  Object.assign(listener, { droppedAnswers: 7 })
  await context.clock.advance(1000)
  Object.assign(listener, { droppedAnswers: 9 })
  await context.clock.advance(2000)
  assert.equal(dropped('response'), 9)
  await stop!()
  assert.equal(context.clock.pending, 0)
})
