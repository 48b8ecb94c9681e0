import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { answering, checkDirectives, findFences, startPlugin, startServer, toQuery } from 'corelet/plugin/testing'
import { Buckets } from './buckets.ts'
import plugin from './index.ts'

const folder = import.meta.dirname
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
const from = (address: string, proto: 'udp' | 'tcp' = 'udp') =>
  toQuery('example.org', 'A', { client: { address, port: 40_000 }, proto })

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(plugin, [
    ['client-limit 20'],
    ['client-limit 20 {\n burst 50\n clients 100\n over drop\n allow 10.0.0.0/8 ::1\n}'],
    ['client-limit', '2:1 wrong-argument-count'],
    ['client-limit 0', '2:14 out-of-range'],
    ['client-limit many', '2:14 bad-integer'],
    ['client-limit 1 {\n burst 0\n}', '3:8 out-of-range'],
    ['client-limit 1 {\n clients 0\n}', '3:10 out-of-range'],
    ['client-limit 1 {\n over there\n}', '3:7 bad-choice'],
    ['client-limit 1 {\n allow 10.0.0.0/99\n}', '3:8 bad-network'],
    ['client-limit 1 {\n allow\n}', '3:2 wrong-argument-count'],
    ['client-limit 1 {\n rate 2\n}', '3:2 unknown-property'],
  ])
})

test('a client gets its burst, then its rate; another one has its own', async () => {
  const { askNow, context } = await startPlugin(plugin, 'client-limit 2 {\n burst 3\n}')
  const next = answering({})
  const ask = (address: string) => (askNow(from(address), next).truncated ? 'truncated' : 'answered')
  assert.deepEqual(
    Array.from({ length: 4 }, () => ask('192.0.2.1')),
    ['answered', 'answered', 'answered', 'truncated'],
  )
  assert.equal(ask('192.0.2.200'), 'truncated', 'a /24 is one client')
  assert.equal(ask('::ffff:192.0.2.1'), 'truncated', 'in either notation')
  assert.equal(ask('198.51.100.1'), 'answered')
  await context.clock.advance(500)
  assert.deepEqual([ask('192.0.2.1'), ask('192.0.2.1')], ['answered', 'truncated'])
  assert.equal(context.metrics.value('corelet_client_limit_limited_total', 'truncate'), 4)
  assert.equal(context.metrics.value('corelet_client_limit_clients'), 2)
})

test('an IPv6 client is a /56', async () => {
  const { askNow } = await startPlugin(plugin, 'client-limit 1 {\n burst 1\n}')
  const ask = (address: string) => askNow(from(address), answering({})).truncated
  assert.deepEqual([ask('2001:db8:0:1::1'), ask('2001:db8:0:ff::2'), ask('2001:db8:0:100::1')], [false, true, false])
})

test('over TCP, and for clients that are allowed, there is no limit', async () => {
  const { askNow } = await startPlugin(plugin, 'client-limit 1 {\n burst 1\n allow 192.0.2.0/25\n}')
  for (let i = 0; i < 5; i++) {
    assert.equal(askNow(from('192.0.2.1'), answering({})).truncated, false)
    assert.equal(askNow(from('203.0.113.1', 'tcp'), answering({})).truncated, false)
  }
})

for (const [over, kind, rcode] of [
  ['truncate', 'answer', RCODES.NOERROR],
  ['refuse', 'failure', RCODES.REFUSED],
  ['drop', 'drop', RCODES.NOERROR],
] as const) {
  test(`over ${over} gives ${kind}`, async () => {
    const { askNow } = await startPlugin(plugin, `client-limit 1 {\n burst 1\n over ${over}\n}`)
    askNow(from('192.0.2.1'), answering({}))
    const reply = askNow(from('192.0.2.1'), answering({}))
    assert.deepEqual([reply.kind, reply.rcode, reply.truncated], [kind, rcode, over === 'truncate'])
  })
}

test('no more clients are remembered than were asked for, and the one seen last stays', () => {
  const buckets = new Buckets(1, 1, 3)
  for (const client of ['a', 'b', 'c']) assert.equal(buckets.take(client, 0), true)
  assert.equal(buckets.take('a', 0), false)
  assert.equal(buckets.take('d', 0), true)
  assert.equal(buckets.size, 3)
  assert.equal(buckets.take('a', 0), false, 'a was seen again, so b made room')
  assert.equal(buckets.take('b', 0), true)
})

for (const { line, text } of [...findFences(read('README.md'), 'corefile'), { line: 0, text: read('Corefile') }]) {
  test(`the Corefile in ${line === 0 ? 'Corefile' : `README.md:${line}`} limits`, async () => {
    await using server = await startServer(text, { folder })
    const flags = []
    for (let i = 0; i < 60; i++) flags.push((await server.query('example.org', 'A')).flags & 0x200)
    assert.equal(flags[0], 0)
    assert.ok(flags.includes(0x200), 'some are truncated')
    assert.equal((await server.query('example.org', 'A', { proto: 'tcp' })).flags & 0x200, 0)
  })
}
