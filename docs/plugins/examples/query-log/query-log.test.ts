import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import {
  answering,
  checkDirectives,
  FakeClock,
  findFences,
  startPlugin,
  startServer,
  toQuery,
} from 'corelet/plugin/testing'
import plugin from './index.ts'
import { LineSink } from './line-sink.ts'

const folder = import.meta.dirname
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
let files: string
let path: string
beforeEach(() => {
  files = mkdtempSync(join(tmpdir(), 'query-log-'))
  path = join(files, 'socket')
})
afterEach(() => rmSync(files, { recursive: true }))

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(plugin, [
    ['query-log /run/log'],
    ['query-log /run/log {\n queue 5\n}'],
    ['query-log', '2:1 wrong-argument-count'],
    ['query-log a b', '2:13 wrong-argument-count'],
    ['query-log a {\n queue 0\n}', '3:8 out-of-range'],
    ['query-log a {\n queue long\n}', '3:8 bad-integer'],
  ])
})

/** The program at the other end. */
class Reader {
  readonly lines: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #wake = () => {}

  constructor({ reads = true } = {}) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      let rest = ''
      if (!reads) return void socket.pause()
      socket.on('data', (chunk) => {
        const parts = (rest + chunk).split('\n')
        rest = parts.pop()!
        this.lines.push(...parts)
        this.#wake()
      })
    })
  }

  async listen(at: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(at, resolve))
  }

  /** Settles when so many lines are there. */
  async has(count: number): Promise<void> {
    while (this.lines.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

test('each query is a line, with how it came out', async () => {
  const reader = new Reader()
  await reader.listen(path)
  const { askNow, running } = await startPlugin(plugin, `query-log ${path}`)
  askNow(toQuery('Example.org', 'AAAA'), answering({ rcode: 3 }))
  askNow(toQuery('x.test', 'A'), (query) => query.drop('acl', 'blocked'))
  await reader.has(2)
  await running.stop!()
  const [first, second] = reader.lines.map((line) => JSON.parse(line))
  assert.deepEqual(first, {
    time: '2026-01-01T00:00:00.000Z',
    client: '192.0.2.53',
    proto: 'udp',
    name: 'example.org.',
    type: 'AAAA',
    rcode: 'NXDOMAIN',
    plugin: 'test',
    reason: 'fixed answer',
    milliseconds: 0,
  })
  assert.deepEqual([second.rcode, second.plugin, second.reason], ['dropped', 'acl', 'blocked'])
  await reader.close()
})

test('while nobody listens, lines wait up to a bound and the rest is dropped; then they are sent in their order', async () => {
  const { askNow, context, running } = await startPlugin(plugin, `query-log ${path} {\n queue 3\n}`)
  for (let i = 0; i < 5; i++) askNow(toQuery(`n${i}.test`), answering({}))
  assert.equal(context.metrics.value('corelet_query_log_queue'), 3)
  assert.equal(context.metrics.value('corelet_query_log_dropped_total'), 2)
  const reader = new Reader()
  await reader.listen(path)
  while (reader.lines.length < 3) await context.clock.advance(1000)
  assert.deepEqual(
    reader.lines.map((line) => JSON.parse(line).name),
    ['n0.test.', 'n1.test.', 'n2.test.'],
  )
  assert.equal(context.metrics.value('corelet_query_log_queue'), 0)
  assert.ok(context.lines.filter((line) => line.includes('ENOENT')).length <= 1, 'a problem is told once')
  await running.stop!()
  await reader.close()
})

test('a program that does not read costs lines, never memory or queries', async () => {
  const reader = new Reader({ reads: false })
  await reader.listen(path)
  let dropped = 0
  let most = 0
  const clock = new FakeClock()
  const waiting = (count: number) => {
    most = Math.max(most, count)
  }
  const hooks = { clock, dropped: () => void dropped++, waiting }
  const sink = new LineSink(path, 10, { ...hooks, problem: () => {} })
  for (let i = 0; i < 100 && dropped === 0; i++) {
    for (let j = 0; j < 100; j++) sink.write('x'.repeat(1000))
    await clock.advance(1)
  }
  assert.ok(dropped > 0)
  assert.equal(most, 10)
  const closed = sink.close()
  await reader.close()
  await closed
})

test('a program that comes back is found again', async () => {
  const first = new Reader()
  await first.listen(path)
  const { askNow, context, running } = await startPlugin(plugin, `query-log ${path}`)
  askNow(toQuery('one.test'), answering({}))
  await first.has(1)
  await first.close()
  const second = new Reader()
  await second.listen(path)
  for (let i = 0; i < 500 && second.lines.length === 0; i++) {
    await context.clock.advance(1000)
    askNow(toQuery('two.test'), answering({}))
  }
  assert.equal(JSON.parse(second.lines[0]!).name, 'two.test.')
  await running.stop!()
  await second.close()
})

for (const { line, text } of [...findFences(read('README.md'), 'corefile'), { line: 0, text: read('Corefile') }]) {
  test(`the Corefile in ${line === 0 ? 'Corefile' : `README.md:${line}`} logs`, async () => {
    const reader = new Reader()
    await reader.listen(path)
    await using server = await startServer(text.replace(/query-log \S+/, `query-log ${path}`), { folder })
    await server.query('example.org', 'A')
    await reader.has(1)
    assert.equal(JSON.parse(reader.lines[0]!).plugin, 'whoami')
    await reader.close()
  })
}
