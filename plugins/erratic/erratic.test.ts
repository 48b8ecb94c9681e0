import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AA, isPending, TC } from 'corelet/plugin'
import { readText, settle, startPlugin, startServer, toNext, toQuery } from 'corelet/plugin/testing'
import erratic from './index.ts'

test('the directive takes options', async () => {
  const none = { drop: 0, truncate: 0, delay: 0, duration: 100, large: false }
  const cases: [lines: string, codes: [code: string, line: number, column: number][], options?: unknown][] = [
    ['', [], { ...none, drop: 2 }],
    ['drop', [], { ...none, drop: 2 }],
    ['drop 3', [], { ...none, drop: 3 }],
    ['drop 0', [], none],
    ['truncate', [], { ...none, truncate: 2 }],
    ['truncate 1', [], { ...none, truncate: 1 }],
    ['truncate 1\ndrop', [], { ...none, truncate: 1 }],
    ['truncate 1\ndrop 4', [], { ...none, truncate: 1, drop: 4 }],
    ['delay', [], { ...none, delay: 2 }],
    ['truncate 0', [], { ...none, drop: 2 }],
    ['delay 0', [], { ...none, drop: 2 }],
    ['delay 3', [], { ...none, delay: 3 }],
    ['delay 3 1s', [], { ...none, delay: 3, duration: 1000 }],
    ['large', [], { ...none, drop: 2, large: true }],
    ['drop -1', [['erratic/bad-amount', 3, 6]]],
    ['truncate -1', [['erratic/bad-amount', 3, 10]]],
    ['delay -1', [['erratic/bad-amount', 3, 7]]],
    ['drop x', [['bad-integer', 3, 6]]],
    ['drop 1 2', [['wrong-argument-count', 3, 8]]],
    ['delay 1 2', [['bad-duration', 3, 9]]],
    ['delay 1 -2s', [['out-of-range', 3, 9]]],
    ['delay 1 2s 3', [['wrong-argument-count', 3, 12]]],
    ['large 1', [['wrong-argument-count', 3, 7]]],
    ['small', [['unknown-property', 3, 1]]],
  ]
  for (const [lines, codes, expected] of cases) {
    const { options, diagnostics } = await readText(erratic, `erratic {\n${lines}\n}`)
    assert.deepEqual(
      diagnostics.map(({ code, line, column }) => [code, line, column]),
      codes,
      lines,
    )
    assert.deepEqual(options, expected ? [expected] : [])
  }
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
