import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { RCODES } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  findFences,
  startPlugin,
  startServer,
  toLines,
  toQuery,
} from 'corelet/plugin/testing'
import plugin from './index.ts'

const folder = import.meta.dirname
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
const RECORD = 'example.org. 60 IN A 192.0.2.1'

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(plugin, [
    ['http-answers http://localhost:8080/lookup'],
    ['http-answers https://x/ example.org {\n timeout 1s\n ttl 1m\n entries 5\n}'],
    ['http-answers', '2:1 wrong-argument-count'],
    ['http-answers localhost:8080', '2:14 http-answers/bad-url'],
    ['http-answers ftp://x/', '2:14 http-answers/bad-url'],
    ['http-answers http://x/ a..b', '2:24 bad-zone'],
    ['http-answers http://x/ {\n timeout 0s\n}', '3:10 out-of-range'],
    ['http-answers http://x/ {\n ttl 1ms\n}', '3:6 out-of-range'],
    ['http-answers http://x/ {\n entries 0\n}', '3:10 out-of-range'],
    ['http-answers http://x/ {\n cache 5\n}', '3:2 unknown-property'],
  ])
})

interface Service extends AsyncDisposable {
  url: string
  asked: string[]
}

async function startService(respond: (response: ServerResponse) => void): Promise<Service> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    respond(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/lookup`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const say = (value: unknown) => (response: ServerResponse) => void response.end(JSON.stringify(value))
const query = () => toQuery('example.org', 'A')

test('it asks the service once, and then answers at once while the TTL counts down', async () => {
  await using service = await startService(say({ records: [RECORD] }))
  const { ask, askNow, context } = await startPlugin(plugin, `http-answers ${service.url} {\n ttl 2m\n}`)
  assert.deepEqual(toLines((await ask(query())).answers), [RECORD])
  await context.clock.advance(20_000)
  assert.deepEqual(toLines(askNow(query()).answers), ['example.org. 40 IN A 192.0.2.1'])
  assert.deepEqual(service.asked, ['/lookup?name=example.org.&type=A'])
  await context.clock.advance(40_000)
  await ask(query())
  assert.equal(service.asked.length, 2)
  assert.equal(context.metrics.value('corelet_http_answers_requests_total', 'ok'), 2)
})

test('equal questions that come at once are one request', async () => {
  const waiting: ServerResponse[] = []
  await using service = await startService((response) => {
    waiting.push(response)
    setImmediate(() => say({ records: [RECORD] })(response))
  })
  const { ask } = await startPlugin(plugin, `http-answers ${service.url}`)
  const replies = await Promise.all([ask(query()), ask(query()), ask(query())])
  assert.deepEqual(
    replies.map((reply) => toLines(reply.answers)),
    Array(3).fill([RECORD.replace('60', '30')]),
  )
  assert.equal(service.asked.length, 1)
})

test('denials are kept, too', async () => {
  await using service = await startService(say({ rcode: RCODES.NXDOMAIN }))
  const { ask, askNow } = await startPlugin(plugin, `http-answers ${service.url}`)
  assert.equal((await ask(query())).rcode, RCODES.NXDOMAIN)
  assert.equal(askNow(query()).rcode, RCODES.NXDOMAIN)
})

const FAILURES: [title: string, respond: (response: ServerResponse) => void, error: RegExp][] = [
  ['never answers', () => {}, /timeout/],
  ['fails', (response) => void response.writeHead(500).end(), /status 500/],
  ['redirects', (response) => void response.writeHead(302, { location: 'http://127.0.0.1/' }).end(), /fetch failed/],
  ['says no JSON', (response) => void response.end('<html>'), /JSON/],
  ['says too much', (response) => void response.end('x'.repeat(70_000)), /more than 65536 octets/],
  ['gives no list', say({ records: 'x' }), /no list of records/],
  ['gives no records', say({ records: ['x'] }), /./],
  ['gives no rcode', say({ rcode: 'NXDOMAIN' }), /no rcode/],
]
for (const [title, respond, error] of FAILURES) {
  test(`a service that ${title} costs a SERVFAIL, and is asked again`, async () => {
    await using service = await startService(respond)
    const { ask, context } = await startPlugin(plugin, `http-answers ${service.url} {\n timeout 100ms\n}`)
    for (const count of [1, 2]) {
      const reply = await ask(query())
      assert.equal(reply.rcode, RCODES.SERVFAIL)
      assert.match((reply.error as Error).message, error)
      assert.equal(context.metrics.value('corelet_http_answers_requests_total', 'failed'), count)
    }
  })
}

test('other zones are asked on, and only so many answers are kept', async () => {
  await using service = await startService(say({ records: [] }))
  const { ask, askNow } = await startPlugin(plugin, `http-answers ${service.url} example.org {\n entries 2\n}`)
  assert.equal(askNow(toQuery('example.net'), answering({ rcode: 3 })).rcode, 3)
  for (const name of ['a.example.org', 'b.example.org', 'c.example.org']) await ask(toQuery(name))
  askNow(toQuery('c.example.org'))
  assert.throws(() => askNow(toQuery('a.example.org')), /promise/)
})

test('when too many queries wait, what is not known fails at once', async () => {
  const { askNow } = await startPlugin(plugin, 'http-answers http://127.0.0.1:9/')
  const busy = query()
  busy.mayWait = false
  assert.equal(askNow(busy).rcode, RCODES.SERVFAIL)
})

for (const { line, text } of [...findFences(read('README.md'), 'corefile'), { line: 0, text: read('Corefile') }]) {
  test(`the Corefile in ${line === 0 ? 'Corefile' : `README.md:${line}`} answers`, async () => {
    await using service = await startService(say({ records: [RECORD] }))
    await using server = await startServer(text.replace(/http:\S+/, service.url), { folder })
    const { answers } = await server.query('example.org', 'A')
    assert.match(toLines(answers)[0]!, /^example\.org\. \d+ IN A 192\.0\.2\.1$/)
  })
}
