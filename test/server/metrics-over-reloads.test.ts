/** What `/metrics` says of what a reload has changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { query, startServer, type TestServer } from 'corelet/plugin/testing'

const block = (address: string, zone = '.', more = '') =>
  `${zone}:0 {\n  bind ${address}\n  prometheus 127.0.0.1:0\n  cache\n  template IN A {\n    answer "{{ .Name }} 60 IN A 192.0.2.1"\n  }\n  ${more}\n}\n`
const ONE = block('127.0.0.1')
const TWO = block('127.0.0.2')

/** The series of the scrape that fit, without their values. */
async function seriesOf(server: TestServer, pattern: RegExp): Promise<string[]> {
  const lines = (await server.metrics()).split('\n').filter((line) => !line.startsWith('#') && pattern.test(line))
  return lines.map((line) => line.replace(/ \S+$/, '')).sort()
}

/** Settles when no series fits any more. @throws (rejects) AssertionError when that does not come */
async function untilGone(server: TestServer, pattern: RegExp): Promise<void> {
  for (let i = 0; i < 100 && (await seriesOf(server, pattern)).length > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.deepEqual(await seriesOf(server, pattern), [])
}

test('a listener that is gone leaves no series; those of the others go on, and its own begin anew when it comes back', async (t) => {
  const server = await startServer(ONE + TWO)
  t.after(() => server.stop())
  const [first, second] = server.instance.sites.map(({ listener }) => listener)
  const ask = (listener = first) => query(listener!, 'a.test.', 'A')
  await ask()
  await ask(second)
  const ofSecond = /server="[^"]*127\.0\.0\.2:/
  assert.ok((await seriesOf(server, ofSecond)).length > 5)
  const before = await seriesOf(server, /server="[^"]*127\.0\.0\.1:/)
  assert.deepEqual(await server.reload(ONE), { ok: true })
  await untilGone(server, ofSecond)
  assert.deepEqual(await seriesOf(server, /server="[^"]*127\.0\.0\.1:/), before)
  await ask()
  const { port } = server.instance.sites[0]!.listener
  const requests = `coredns_dns_requests_total\\{server="dns://127.0.0.1:${port}",zone=".",view="",proto="udp",family="1",type="A"\\}`
  assert.match(await server.metrics(), new RegExp(`^${requests} 2$`, 'm'))
  assert.deepEqual(await server.reload(ONE + TWO), { ok: true })
  await ask(server.instance.sites[1]!.listener)
  assert.match(await server.metrics(), /^coredns_dns_requests_total\{server="dns:\/\/127\.0\.0\.2:[^}]*\} 1$/m)
})

test('gauges of what is gone go, also where the listener stays; counters stay', async (t) => {
  const server = await startServer(ONE + block('127.0.0.1', 'b.test'))
  t.after(() => server.stop())
  await server.query('a.b.test.', 'A')
  const entries = /^coredns_cache_entries\{.*zones="b\.test\./
  assert.equal((await seriesOf(server, entries)).length, 2)
  assert.equal((await server.reload(ONE + block('127.0.0.1', 'b.test', 'nonsense'))).ok, false)
  assert.equal((await seriesOf(server, entries)).length, 2, 'a reload that fails takes nothing away')
  assert.deepEqual(await server.reload(ONE + block('127.0.0.1', 'b.test', 'bufsize 1000')), { ok: true })
  assert.deepEqual(await server.reload(ONE), { ok: true })
  await untilGone(server, entries)
  await untilGone(server, /^coredns_plugin_enabled\{.*zone="b\.test\./)
  assert.equal((await seriesOf(server, /^coredns_cache_requests_total\{.*zones="b\.test\./)).length, 1)
  assert.equal((await seriesOf(server, /^coredns_cache_entries\{.*zones="\."/)).length, 2)
})
