import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, RCODES, TYPES } from 'corelet/plugin'
import { findFences, startServer, startUpstream, toLines, toRecords } from 'corelet/plugin/testing'

const RECORD = 'example.org. 60 IN A 192.0.2.1'

const fixed = definePlugin({
  name: 'fixed',
  summary: 'answers with an address',
  directive: { args: [] },
  start: () => (query, next) =>
    query.qtype === TYPES.A ? query.reply({ answers: toRecords(RECORD) }, 'fixed', 'fixed') : next(query),
})

test('a server with a plugin that is not in the order, asked over both transports', async () => {
  await using server = await startServer('. {\n  bind 127.0.0.1\n  fixed\n}\n', { plugins: [fixed] })
  for (const proto of ['udp', 'tcp'] as const) {
    const { rcode, answers } = await server.query('example.org', 'A', { proto })
    assert.deepEqual([rcode, toLines(answers)], [RCODES.NOERROR, [RECORD]])
  }
  assert.equal((await server.query('example.org', 'AAAA')).rcode, RCODES.SERVFAIL)
})

test('a server that does not start says what is wrong', async () => {
  await assert.rejects(startServer('. {\n  fixt\n}\n', { plugins: [fixed] }), /Unknown directive 'fixt'/)
})

test('an upstream answers from a table, and the rest with NXDOMAIN', async () => {
  await using upstream = await startUpstream({ 'example.org. A': [RECORD] })
  await using server = await startServer(`. {\n  forward . ${upstream.address}:${upstream.port}\n}\n`)
  assert.deepEqual(toLines((await server.query('Example.ORG', 'A')).answers), [RECORD])
  assert.equal((await server.query('example.org', 'AAAA')).rcode, RCODES.NXDOMAIN)
  assert.deepEqual(upstream.asked, ['Example.ORG. A', 'example.org. AAAA'])
})

test('an upstream is a function that may keep silent', async () => {
  await using upstream = await startUpstream(({ type, proto }) =>
    type === 'A' ? { rcode: RCODES.REFUSED, authorities: [`x.test. 1 IN TXT ${proto}`] } : undefined,
  )
  await using server = await startServer(`. {\n  forward . ${upstream.address}:${upstream.port}\n}\n`)
  const { rcode, authorities } = await server.query('x.test.', 'A')
  assert.deepEqual([rcode, toLines(authorities)], [RCODES.REFUSED, ['x.test. 1 IN TXT "udp"']])
  await assert.rejects(server.query('x.test.', 'AAAA', { timeout: 50 }), /no answer/)
})

test('fences are found by their language', () => {
  const text = 'a\n```corefile\n. {\n}\n```\n```\nplain\n```\n  ```corefile\nb {\n}\n  ```\n```corefile\nopen\n'
  assert.deepEqual(findFences(text, 'corefile'), [
    { line: 2, text: '. {\n}\n' },
    { line: 9, text: 'b {\n}\n' },
  ])
  assert.deepEqual(findFences(text, ''), [{ line: 6, text: 'plain\n' }])
})
