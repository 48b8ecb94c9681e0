import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import {
  checkDirectives,
  FakeClock,
  type FakeContext,
  fakeContext,
  readText,
  settle,
  startPlugin,
  startServer,
} from 'corelet/plugin/testing'
import health from './index.ts'

const FAILURES = 'coredns_health_request_failures_total'
const DURATION = 'coredns_health_request_duration_seconds'

const GOOD: [text: string, address: string, lameduck: number][] = [
  ['health', ':8080', 0],
  ['health :8091', ':8091', 0],
  ['health 127.0.0.1:8091 {\n}', '127.0.0.1:8091', 0],
  ['health [::1]:8091 {\n lameduck 5s\n}', '::1:8091', 5000],
  ['health {\n lameduck 1m30s\n lameduck 250ms\n}', ':8080', 250],
  ['health {\n lameduck 0\n}', ':8080', 0],
  ['health :8091\nhealth :8092', ':8092', 0],
  ['health :8091 {\n lameduck 1s\n}\nhealth {\n lameduck 2s\n}\nhealth', ':8091', 2000],
]

for (const [text, address, lameduck] of GOOD) {
  test(`takes ${JSON.stringify(text)}`, async () => {
    const { options, context } = await startPlugin(health, text)
    assert.deepEqual([...context.routes.keys()], [`${address}/health`])
    assert.equal(options.lameduck, lameduck)
  })
}

test('mistakes are found where they are', async () => {
  await checkDirectives(health, [
    ['health :8080 :8081', '2:14 wrong-argument-count'],
    ['health 8080', '2:8 bad-host-port'],
    ['health ::1:8080', '2:8 bad-host-port'],
    ['health {\n lameduck\n}', '3:2 wrong-argument-count'],
    ['health {\n lameduck 5s 6s\n}', '3:14 wrong-argument-count'],
    ['health {\n lameduck 5\n}', '3:11 health/bad-lameduck'],
    ['health {\n lameduck soon\n}', '3:11 health/bad-lameduck'],
    ['health {\n lameduk 5s\n}', '3:2 unknown-property'],
  ])
})

test('a wrong lameduck is explained as CoreDNS does', async () => {
  const { diagnostics } = await readText(health, 'health {\n lameduck 5\n}')
  assert.equal(
    diagnostics[0]?.message,
    `unable to parse lameduck duration value: '5' : time: missing unit in duration "5"`,
  )
})

test('says OK, and is not part of the chain', async () => {
  const { context, running } = await startPlugin(health, 'health')
  assert.deepEqual(context.routes.get(':8080/health')!({ method: 'POST', path: '/health', search: '', headers: {} }), {
    status: 200,
    body: 'OK',
  })
  assert.equal(running.handler, undefined)
})

test('an address that is taken aborts the start', async () => {
  const serve = async () => {
    throw new Error('listen EADDRINUSE: address already in use')
  }
  await assert.rejects(startPlugin(health, 'health', fakeContext({ plugin: 'health', http: { serve } })), /EADDRINUSE/)
})

test('draining waits for the lameduck duration', async () => {
  const { running, context } = await startPlugin(health, 'health {\n lameduck 5s\n}')
  let drained = false
  const draining = Promise.resolve(running.drain!()).then(() => {
    drained = true
  })
  assert.deepEqual(context.lines, ['[INFO] plugin/health: Going into lameduck mode for 5s'])
  await context.clock.advance(4999)
  assert.equal(drained, false)
  await context.clock.advance(1)
  await draining
})

test('without lameduck draining is done at once', async () => {
  const { running, context } = await startPlugin(health, 'health')
  await running.drain!()
  assert.deepEqual([context.lines, context.clock.pending], [[], 0])
})

test('the durations of several blocks add up, queries are answered meanwhile, and a reload waits for none', async () => {
  const block = (zone: string, lameduck: string) =>
    `${zone}:0 {\n health 127.0.0.1:0 {\n  lameduck ${lameduck}\n }\n whoami\n}\n`
  const corefile = block('a.', '1s') + block('b.', '2s')
  const clock = new FakeClock()
  const server = await startServer(corefile, { clock })
  assert.deepEqual(await server.reload(`# again\n\n${corefile}`), { ok: true })
  assert.equal(clock.monotonic(), 0)
  const { port } = server
  let stopped = false
  const stopping = server.stop().then(() => {
    stopped = true
  })
  await clock.advance(2900)
  assert.equal((await server.query('a.', 'A', { port })).rcode, 0)
  assert.equal(stopped, false)
  await clock.advance(100)
  await stopping
  assert.deepEqual(server.lines, [
    '[INFO] Reloading',
    '[INFO] Reloading complete',
    '[INFO] plugin/health: Going into lameduck mode for 1s',
    '[INFO] plugin/health: Going into lameduck mode for 2s',
  ])
})

/** Starts it as if it had bound the port of a server that answers by `answer`; undefined: of no server at all. */
async function startAt(t: TestContext, answer: RequestListener | undefined, host = '127.0.0.1') {
  const server = createServer(answer ?? (() => {}))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  if (!answer) await close()
  const serve = async () => ({ host, port })
  const started = await startPlugin(health, 'health', fakeContext({ plugin: 'health', http: { serve } }))
  started.running.listening!()
  t.after(async () => {
    await started.running.stop!()
    await close()
  })
  return { ...started, url: `http://127.0.0.1:${port}/health` }
}

/** Waits, for a second at most, until as many self-checks were measured. */
async function measured(context: FakeContext, count: number): Promise<void> {
  for (let i = 0; i < 1000 && (context.metrics.value(DURATION) ?? 0) < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  assert.equal(context.metrics.value(DURATION), count)
}

test('asks itself every second and measures how long it takes', async (t) => {
  const paths: unknown[] = []
  const { context, running } = await startAt(t, (request, response) => {
    paths.push(request.url)
    response.end('OK')
  })
  for (const count of [1, 2, 3]) {
    await context.clock.advance(1000)
    await measured(context, count)
  }
  assert.deepEqual(paths, ['/health', '/health', '/health'])
  assert.equal(context.metrics.value(FAILURES) ?? 0, 0)
  assert.deepEqual(context.lines, [])
  await running.stop!()
  await context.clock.advance(5000)
  assert.equal(paths.length, 3)
})

for (const host of ['::1', '::1%lo']) {
  test(`asks itself at [${host}]`, { skip: !hasLoopback6() }, async (t) => {
    const { context } = await startAt(t, (_request, response) => response.end('OK'), host)
    await context.clock.advance(1000)
    await measured(context, 1)
    assert.deepEqual(context.lines, [])
  })
}

/** Whether the machine has `::1` on an interface called `lo`. */
function hasLoopback6(): boolean {
  return networkInterfaces()['lo']?.some(({ address }) => address === '::1') ?? false
}

test('warns when its request fails', async (t) => {
  const { context, url } = await startAt(t, undefined)
  await context.clock.advance(1000)
  await measured(context, 1)
  assert.equal(context.metrics.value(FAILURES), 1)
  assert.equal(context.lines.length, 1)
  assert.ok(context.lines[0]!.startsWith(`[WARNING] plugin/health: Local health request to "${url}" failed: `))
})

test('warns when an answer takes more than a second', { timeout: 10_000 }, async (t) => {
  let respond = () => {}
  const asked = Promise.withResolvers<void>()
  const { context, url } = await startAt(t, (_request, response) => {
    respond = () => response.end('OK')
    asked.resolve()
  })
  await context.clock.advance(1000)
  await asked.promise
  await context.clock.advance(1500)
  respond()
  await measured(context, 1)
  assert.deepEqual(context.lines, [`[WARNING] plugin/health: Local health request to "${url}" took more than 1s: 1.5s`])
})

test('gives up after three seconds, and asks one at a time', { timeout: 10_000 }, async (t) => {
  let requests = 0
  const asked = Promise.withResolvers<void>()
  const { context } = await startAt(t, () => {
    requests++
    asked.resolve()
  })
  await context.clock.advance(1000)
  await asked.promise
  await context.clock.advance(2999)
  assert.deepEqual([requests, context.metrics.value(FAILURES) ?? 0], [1, 0])
  await context.clock.advance(1)
  await measured(context, 1)
  await settle()
  assert.equal(context.metrics.value(FAILURES), 1)
  assert.match(context.lines[0]!, /failed: no answer within 3s$/)
})
