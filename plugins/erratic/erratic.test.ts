import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AA, isPending, TC } from 'corelet/plugin'
import {
  checkDirectives,
  type DirectiveCase,
  settle,
  startPlugin,
  startServer,
  toNext,
  toQuery,
} from 'corelet/plugin/testing'
import erratic from './index.ts'

test('the directive takes options', async () => {
  const none = { drop: 0, truncate: 0, delay: 0, duration: 100, large: false }
  const cases: DirectiveCase[] = [
    ['', { ...none, drop: 2 }],
    ['drop', { ...none, drop: 2 }],
    ['drop 3', { ...none, drop: 3 }],
    ['drop 0', none],
    ['truncate', { ...none, truncate: 2 }],
    ['truncate 1', { ...none, truncate: 1 }],
    ['truncate 1\ndrop', { ...none, truncate: 1 }],
    ['truncate 1\ndrop 4', { ...none, truncate: 1, drop: 4 }],
    ['delay', { ...none, delay: 2 }],
    ['truncate 0', { ...none, drop: 2 }],
    ['delay 0', { ...none, drop: 2 }],
    ['delay 3', { ...none, delay: 3 }],
    ['delay 3 1s', { ...none, delay: 3, duration: 1000 }],
    ['large', { ...none, drop: 2, large: true }],
    ['drop -1', '3:6 erratic/bad-amount'],
    ['truncate -1', '3:10 erratic/bad-amount'],
    ['delay -1', '3:7 erratic/bad-amount'],
    ['drop x', '3:6 bad-integer'],
    ['drop 1 2', '3:8 wrong-argument-count'],
    ['delay 1 2', '3:9 bad-duration'],
    ['delay 1 -2s', '3:9 out-of-range'],
    ['delay 1 2s 3', '3:12 wrong-argument-count'],
    ['large 1', '3:7 wrong-argument-count'],
    ['small', '3:1 unknown-property'],
  ]
  const inBlock = cases.map(([lines, ...expected]): DirectiveCase => [`erratic {\n${lines}\n}`, ...expected])
  await checkDirectives(erratic, inBlock)
})

test('addresses are made up, other types are failures', async () => {
  const { askNow } = await startPlugin(erratic, 'erratic {\ndrop 0\n}')
  const a = askNow(toQuery('eXample.ORG.'))
  assert.deepEqual(a.answers, [{ name: 'eXample.ORG.', type: 'A', class: 'IN', ttl: 0, data: '192.0.2.53' }])
  assert.equal(a.flags & (AA | TC), AA)
  assert.equal(askNow(toQuery('example.org.', 'AAAA')).answers[0]!.data, '2001:db8::53')
  const other = askNow(toQuery('example.org.', 'MX'))
  assert.deepEqual([other.kind, other.rcodeName], ['failure', 'SERVFAIL'])
})

test('every second query is dropped, the first to begin with', async () => {
  const { askNow } = await startPlugin(erratic, 'erratic')
  const kinds = ['A', 'A', 'MX', 'AAAA', 'AXFR'].map((type) => askNow(toQuery('example.org.', type)).kind)
  assert.deepEqual(kinds, ['drop', 'answer', 'drop', 'answer', 'drop'])
})

test('every third answer is truncated', async () => {
  const { askNow } = await startPlugin(erratic, 'erratic {\ntruncate 3\n}')
  const flags = Array.from({ length: 5 }, () => askNow(toQuery('example.org.')).truncated)
  assert.deepEqual(flags, [true, false, false, true, false])
})

test('every second answer is delayed', async () => {
  const { running, context } = await startPlugin(erratic, 'erratic {\ndelay 2 200ms\n}')
  const ask = () =>
    running.handler!(
      toQuery('example.org.'),
      toNext(() => assert.fail()),
    )
  const first = ask()
  assert.ok(isPending(first))
  assert.ok(!isPending(ask()))
  let answered = false
  first.then(() => {
    answered = true
  })
  await context.clock.advance(199)
  assert.equal(answered, false)
  await context.clock.advance(1)
  await settle()
  assert.equal(answered, true)
})

test('large answers have 30 addresses of IPv4', async () => {
  const { askNow } = await startPlugin(erratic, 'erratic {\ndrop 0\nlarge\n}')
  assert.equal(askNow(toQuery('example.org.')).answers.length, 30)
  assert.equal(askNow(toQuery('example.org.', 'AAAA')).answers.length, 1)
})

test('a transfer begins and ends with the SOA, a truncated one does not end', async () => {
  for (const [text, ends] of [
    ['erratic {\ndrop 0\n}', true],
    ['erratic {\ntruncate 1\n}', false],
  ] as const) {
    const server = await startServer(`. {\n${text}\n}`)
    try {
      const { answers } = await server.query('example.org', 'AXFR', { proto: 'tcp' })
      assert.equal(answers[0]?.type, 'SOA')
      assert.equal(answers.at(-1)?.type === 'SOA', ends)
    } finally {
      await server.stop()
    }
  }
})

test('it is ready from the third query to the fifth', async () => {
  const { askNow, running } = await startPlugin(erratic, 'erratic')
  const ready = Array.from({ length: 7 }, () => {
    const now = running.ready!()
    askNow(toQuery('example.org.'))
    return now
  })
  assert.deepEqual(ready, [false, false, false, true, true, false, false])
})
