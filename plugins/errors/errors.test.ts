import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { answering, checkDirectives, fakeContext, startPlugin, toQuery } from 'corelet/plugin/testing'
import errors from './index.ts'

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(errors, [
    ['errors'],
    ['errors stdout'],
    ['errors {\n}'],
    ['errors {\n stacktrace\n}'],
    ['errors stdout {\n stacktrace\n consolidate 5m timeout\n}'],
    ['errors {\n consolidate 1h30m ".* i/o timeout$" warning\n consolidate 0 refused info show_first\n}'],
    ['errors {\n consolidate 30s x show_first\n consolidate 30s x debug\n consolidate 30s x error\n}'],
    [`errors {\n consolidate 5m ${'a'.repeat(10_000)}\n}`],
    ['errors file.log', '2:8 errors/invalid-log-file'],
    ['errors stdout stdout', '2:15 wrong-argument-count'],
    ['errors\nerrors', '3:1 once-per-block'],
    ['errors {\n stack\n}', '3:2 errors/unknown-field'],
    ['errors {\n stacktrace on\n}', '3:13 wrong-argument-count'],
    ['errors {\n consolidate\n}', '3:2 wrong-argument-count'],
    ['errors {\n consolidate 5m\n}', '3:14 wrong-argument-count'],
    ['errors {\n consolidate 5m x info show_first more\n}', '3:35 wrong-argument-count'],
    ['errors {\n consolidate 5 x\n}', '3:14 bad-duration'],
    ['errors {\n consolidate soon x\n}', '3:14 bad-duration'],
    ['errors {\n consolidate 5m (\n}', '3:17 bad-regex'],
    ['errors {\n consolidate 5m (?=x)\n}', '3:17 bad-regex'],
    [`errors {\n consolidate 5m ${'a'.repeat(10_001)}\n}`, '3:17 regex-too-long'],
    ['errors {\n consolidate 5m x info warning\n}', '3:24 errors/multiple-levels'],
    ['errors {\n consolidate 5m x show_first info\n}', '3:30 errors/level-after-show-first'],
    ['errors {\n consolidate 5m x fatal\n}', '3:19 errors/unknown-consolidate-option'],
  ])
})

/** Next that fails with `error`. */
const failing =
  (error: string | Error, rcode: number = RCODES.SERVFAIL) =>
  (query: ReturnType<typeof toQuery>) =>
    query.fail(rcode, 'forward', error)

test('logs rcode, name, type and error, and passes the reply on as it is', async () => {
  const { askNow, ask, context } = await startPlugin(errors, 'errors')
  const query = toQuery('WWW.Example.org', 'AAAA')
  const failure = query.fail(RCODES.SERVFAIL, 'forward', 'read udp: i/o timeout')
  assert.equal(
    askNow(query, () => failure),
    failure,
  )
  assert.equal(await ask(query, async () => failure), failure)
  askNow(query, failing(new Error('no upstream'), RCODES.REFUSED))
  assert.deepEqual(context.lines, [
    '[ERROR] plugin/errors: 2 www.example.org. AAAA: read udp: i/o timeout',
    '[ERROR] plugin/errors: 2 www.example.org. AAAA: read udp: i/o timeout',
    '[ERROR] plugin/errors: 5 www.example.org. AAAA: no upstream',
  ])
})

test('logs nothing for answers, whatever their rcode, and for silence', async () => {
  const { askNow, context } = await startPlugin(errors, 'errors')
  askNow(toQuery('example.org'), answering({}))
  askNow(toQuery('example.org'), answering({ rcode: RCODES.SERVFAIL }))
  askNow(toQuery('example.org'), (query) => query.drop('acl', 'blocked'))
  assert.deepEqual(context.lines, [])
})

test('what a plugin throws is left to the server', async () => {
  const { ask } = await startPlugin(errors, 'errors')
  const thrown = () => {
    throw new Error('oops')
  }
  await assert.rejects(ask(toQuery('example.org'), thrown), /oops/)
  await assert.rejects(
    ask(toQuery('example.org'), async () => thrown()),
    /oops/,
  )
})

test('stacktrace is a setting of the block', async () => {
  assert.equal((await startPlugin(errors, 'errors')).settings.stacktrace, false)
  assert.equal((await startPlugin(errors, 'errors {\n stacktrace\n}')).settings.stacktrace, true)
})

test('errors of a pattern are counted and logged when the period of the first one ends', async () => {
  const { askNow, context } = await startPlugin(errors, 'errors {\n consolidate 5m "timeout$" warning\n}')
  const { clock, lines } = context
  const fail = (error: string) => askNow(toQuery('example.org'), failing(error))
  fail('i/o timeout')
  await clock.advance(299_000)
  fail('i/o timeout')
  fail('connection refused')
  assert.deepEqual(lines.splice(0), ['[ERROR] plugin/errors: 2 example.org. A: connection refused'])
  await clock.advance(1000)
  assert.deepEqual(lines.splice(0), ["[WARNING] plugin/errors: 2 errors like 'timeout$' occurred in last 5m0s"])
  await clock.advance(600_000)
  assert.deepEqual(lines, [])
  fail('i/o timeout')
  await clock.advance(300_000)
  assert.deepEqual(lines, ["[WARNING] plugin/errors: 1 errors like 'timeout$' occurred in last 5m0s"])
})

test('the first pattern that matches takes the error', async () => {
  const { askNow, context } = await startPlugin(
    errors,
    'errors {\n consolidate 10s timeout info\n consolidate 20s out\n}',
  )
  for (const error of ['timeout', 'timeout', 'out of luck']) askNow(toQuery('example.org'), failing(error))
  await context.clock.advance(20_000)
  assert.deepEqual(context.lines, [
    "[INFO] plugin/errors: 2 errors like 'timeout' occurred in last 10s",
    "[ERROR] plugin/errors: 1 errors like 'out' occurred in last 20s",
  ])
})

test('show_first logs the first error as it is and the count only when there were more', async () => {
  const { askNow, context } = await startPlugin(errors, 'errors {\n consolidate 10s timeout info show_first\n}')
  const { clock, lines } = context
  const fail = () => askNow(toQuery('example.org'), failing('timeout'))
  fail()
  assert.deepEqual(lines.splice(0), ['[INFO] plugin/errors: 2 example.org. A: timeout'])
  await clock.advance(10_000)
  assert.deepEqual(lines.splice(0), [])
  fail()
  fail()
  fail()
  await clock.advance(10_000)
  assert.deepEqual(lines, [
    '[INFO] plugin/errors: 2 example.org. A: timeout',
    "[INFO] plugin/errors: 3 errors like 'timeout' occurred in last 10s",
  ])
})

test('stopping logs what was counted; later errors are logged one by one', async () => {
  const { askNow, running, context } = await startPlugin(errors, 'errors {\n consolidate 10s timeout info\n}')
  const fail = () => askNow(toQuery('example.org'), failing('timeout'))
  fail()
  fail()
  await running.stop!()
  assert.deepEqual(context.lines.splice(0), ["[INFO] plugin/errors: 2 errors like 'timeout' occurred in last 10s"])
  assert.equal(context.clock.pending, 0)
  fail()
  assert.deepEqual(context.lines, ['[ERROR] plugin/errors: 2 example.org. A: timeout'])
})

test('a period longer than timers can wait does not end at once', async () => {
  const context = fakeContext({ plugin: 'errors' })
  const { askNow } = await startPlugin(errors, 'errors {\n consolidate 10000h timeout\n}', context)
  askNow(toQuery('example.org'), failing('timeout'))
  await context.clock.advance(86_400_000)
  assert.deepEqual(context.lines, [])
})

test('a pattern that makes backtracking engines explode is matched at once', async () => {
  const { askNow, context } = await startPlugin(errors, 'errors {\n consolidate 10s ^(a+)+$\n}')
  askNow(toQuery('example.org'), failing(`${'a'.repeat(5000)}!`))
  assert.equal(context.lines.length, 1)
})
