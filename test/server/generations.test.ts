import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type AnyPlugin, definePlugin, OPCODES, one, type PluginContext, text } from 'corelet/plugin'
import { FakeClock, startServer, type TestServer } from 'corelet/plugin/testing'

/** What happened, in order. */
function makeProbe(): { events: string[]; contexts: PluginContext[]; plugins: AnyPlugin[] } {
  const events: string[] = []
  const contexts: PluginContext[] = []
  const probe = definePlugin({
    name: 'probe',
    summary: 'tells what happens to it',
    directive: { args: [one(text('NAME'))] },
    parse: ([use]) => use!.values[0],
    start(name, context) {
      contexts.push(context)
      events.push(`${name} start`)
      if (name.startsWith('fails')) throw new Error('no luck')
      return {
        handler: (query) => {
          if (name.startsWith('panics')) throw new Error('oh no')
          if (name.startsWith('servfails')) return query.fail(2, 'probe', 'no luck')
          if (name.startsWith('dawdles') && query.opcode === OPCODES.QUERY) {
            const late = query.reply({ rcode: 7 }, 'probe', name)
            return new Promise((resolve) => void contexts[0]!.clock.timeout(500, () => resolve(late)))
          }
          if (name.startsWith('rejects')) return Promise.reject(new Error('oh no'))
          return query.reply({ rcode: name.length }, 'probe', name)
        },
        ready: () => name !== 'unready',
        listening: () => void events.push(`${name} listening`),
        drain: () => {
          events.push(`${name} drain`)
          return name.startsWith('drains') ? new Promise(() => {}) : undefined
        },
        stop: () => {
          events.push(`${name} stop`)
          return name.startsWith('stays') ? new Promise(() => {}) : undefined
        },
      }
    },
  })
  return { events, contexts, plugins: [probe] }
}

const corefile = (name: string, more = '') =>
  `.:0 {\n  bind 127.0.0.1\n  errors {\n  stacktrace\n  }\n  probe ${name}\n${more}\n}\n`

test('a new generation takes over on the same port, then the old one stops', async () => {
  const { events, plugins } = makeProbe()
  const server = await startServer(corefile('a'), { plugins })
  const { port } = server
  assert.equal((await server.query('x.', 'A')).rcode, 1)
  assert.deepEqual(await server.reload(corefile('bb')), { ok: true })
  assert.equal((await server.query('x.', 'A')).rcode, 2)
  assert.equal(server.port, port)
  await server.stop()
  assert.deepEqual(events, ['a start', 'a listening', 'bb start', 'bb listening', 'a stop', 'bb drain', 'bb stop'])
})

test('a plugin that fails to start leaves the old generation and nothing of the new one', async () => {
  const { events, plugins } = makeProbe()
  const server = await startServer(corefile('a'), { plugins })
  const text = `${corefile('bb')}a.test:0 {\n  bind 127.0.0.1 127.0.0.2\n  probe fails\n}\n`
  assert.deepEqual(await server.reload(text), { ok: false, error: 'plugin/probe: no luck' })
  assert.equal((await server.query('x.', 'A')).rcode, 1)
  assert.deepEqual(events.slice(2), ['bb start', 'fails start', 'bb stop'])
  assert.match(server.lines.at(-1) ?? '', /Reloading|Restart failed: plugin\/probe: no luck/)
  await server.stop()
})

test('a port that is taken leaves the old generation, and frees what the new one had opened', async () => {
  const { plugins, events } = makeProbe()
  const server = await startServer(corefile('a'), { plugins })
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  const result = await server.reload(
    `b.test:0 {\n  bind 127.0.0.1\n  probe bb\n}\n.:${port} {\n  bind 127.0.0.1\n  probe cc\n}\n`,
  )
  taken.close()
  assert.equal(result.ok, false)
  assert.match(
    (result as { error: string }).error,
    /^Listen: listen tcp 127\.0\.0\.1:\d+: bind: address already in use$/,
  )
  assert.equal((await server.query('x.', 'A')).rcode, 1)
  assert.deepEqual(events.slice(-2), ['bb stop', 'cc stop'])
  await server.stop()
})

for (const name of ['panics', 'rejects']) {
  test(`a handler that ${name} costs one SERVFAIL, a line and a count`, async () => {
    const { plugins } = makeProbe()
    const server = await startServer(corefile(name), { plugins })
    assert.equal((await server.query('x.', 'A')).rcode, 2)
    const line = await server.logged(/Recovered from panic/)
    assert.match(line, /^\[ERROR\] Recovered from panic in server: "dns:\/\/127\.0\.0\.1:\d+" oh no\\n.*at /)
    const metrics = await server.metrics()
    assert.match(metrics, /^coredns_panics_total 1$/m)
    assert.match(metrics, /^coredns_dns_responses_total\{.*zone="dropped".*rcode="SERVFAIL".*\} 1$/m)
    await server.stop()
  })
}

test('what no block serves is refused and counted as dropped', async () => {
  const server = await startServer('a.test:0 {\n  bind 127.0.0.1\n  whoami\n}\n')
  assert.equal((await server.query('b.test.', 'A')).rcode, 5)
  assert.match(await server.metrics(), /^coredns_dns_responses_total\{.*zone="dropped".*rcode="REFUSED".*\} 1$/m)
  await server.stop()
})

test('a plugin knows its block, its listeners, who is not ready, and the end', async () => {
  const { plugins, contexts } = makeProbe()
  const server = await startServer(`a.test:0 b.test:0 {\n  bind lo\n  log\n  errors\n  probe unready\n}\n`, { plugins })
  const [context] = contexts
  assert.deepEqual(context!.block.zones, ['a.test.', 'b.test.'])
  assert.deepEqual(context!.block.handlers, ['errors', 'log', 'probe'])
  assert.deepEqual(
    context!.block.listeners.map(({ server: name }) => name),
    server.ports.map((port, i) => `dns://${['127.0.0.1', '[::1]'][i]}:${port}`),
  )
  assert.deepEqual(context!.notReady(), ['probe'])
  assert.equal(context!.instance.hash, server.instance.configuration.hash)
  assert.equal(context!.running, true)
  context!.instance.fatal('the end')
  assert.equal(server.exited, true)
  await server.logged(/^\[FATAL\] the end$/)
  await server.stop()
  assert.equal(context!.running, false)
})

test('reloads that come at once are done one after the other', async () => {
  const { plugins } = makeProbe()
  const server = await startServer(corefile('a'), { plugins })
  const results = await Promise.all(['bb', 'ccc', 'dddd'].map((name) => server.reload(corefile(name))))
  assert.deepEqual(results, [{ ok: true }, { ok: true }, { ok: true }])
  assert.equal((await server.query('x.', 'A')).rcode, 4)
  await server.stop()
  assert.deepEqual(await server.reload(corefile('a')), { ok: false, error: 'the server is shutting down' })
})

for (const name of ['panics', 'rejects']) {
  test(`a generation with a plugin that ${name} does not take over, and its test query leaves no trace`, async () => {
    const { plugins, events } = makeProbe()
    const server = await startServer(corefile('a', 'log\nprometheus 127.0.0.1:0\nready 127.0.0.1:0'), { plugins })
    const result = await server.reload(corefile(name, 'log'))
    assert.equal(result.ok, false)
    assert.match((result as { error: string }).error, /^a test query for \. at dns:\/\/127\.0\.0\.1:\d+ failed: oh no$/)
    assert.equal((await server.query('x.', 'A')).rcode, 1)
    assert.deepEqual(events.slice(2), [`${name} start`, `${name} stop`])
    assert.deepEqual(await server.reload(corefile('bb', 'log\nprometheus 127.0.0.1:0')), { ok: true })
    const metrics = await server.metrics()
    assert.match(metrics, /^coredns_panics_total 0$/m)
    assert.match(metrics, /^coredns_dns_requests_total\{.*\} 1$/m)
    await server.logged(/"A IN x\. /)
    assert.deepEqual(
      server.lines.filter((line) => / IN \. /.test(line)),
      [],
    )
    await server.stop()
  })
}

/** Asks so often that a judgement can be made. */
async function askOften(server: TestServer): Promise<void> {
  for (let i = 0; i < 60; i++) await server.query(`n${i}.`, 'A')
}

test('a watched generation that fails queries is taken back, and not tried again by itself', async () => {
  const { plugins, events } = makeProbe()
  const clock = new FakeClock()
  const watched = 'reload {\n watch 30s\n}\nready 127.0.0.1:0\n'
  const server = await startServer(corefile('a', watched), { plugins, clock })
  await askOften(server)
  const bad = corefile('servfails', watched)
  assert.deepEqual(await server.reload(bad), { ok: true })
  await clock.advance(5000)
  assert.deepEqual(events.slice(2), ['servfails start', 'servfails listening'], 'nothing was asked, nothing is judged')
  await askOften(server)
  await clock.advance(1000)
  await server.logged(
    /^\[ERROR\] Going on with the configuration before: the configuration [0-9a-f]{12} was taken back: 100 % of the answers are SERVFAIL, before 0 %$/,
  )
  assert.equal((await server.query('x.', 'A')).rcode, 1)
  assert.match(await server.metrics(), /^corelet_reload_rollbacks_total 1$/m)
  await clock.advance(10_000)
  assert.deepEqual(events.slice(4), ['servfails stop'])
  await clock.advance(60_000)
  await server.logged(
    /plugin\/reload: Corefile changed but reload failed: the configuration [0-9a-f]{12} was taken back/,
  )
  assert.equal((await server.query('x.', 'A')).rcode, 1)
  assert.deepEqual(await server.reload(bad), { ok: true }, 'who asks for it gets it')
  const stopped = server.stop()
  await clock.advance(1)
  await stopped
})

test('a watched generation whose answers take ten times as long is taken back', async () => {
  const { plugins } = makeProbe()
  const clock = new FakeClock()
  const watched = 'reload {\n watch 30s\n}\n'
  await using server = await startServer(corefile('a', watched), { plugins, clock })
  await askOften(server)
  assert.deepEqual(await server.reload(corefile('dawdles', watched)), { ok: true })
  const asked = Array.from({ length: 60 }, (_, i) => server.query(`n${i}.`, 'A'))
  let answered = 0
  for (const each of asked) each.then(() => answered++)
  for (let i = 0; i < 2000 && answered < 60; i++) await clock.advance(1)
  assert.deepEqual(
    (await Promise.all(asked)).map(({ rcode }) => rcode),
    new Array(60).fill(7),
  )
  await clock.advance(1000)
  await server.logged(/was taken back: an answer takes \d+ ms, before 0 ms$/)
  assert.equal((await server.query('x.', 'A')).rcode, 1)
})

test('a watched generation that does well stays, and the one before ends then', async () => {
  const { plugins, events } = makeProbe()
  const clock = new FakeClock()
  const watched = 'reload {\n watch 30s\n}\n'
  const server = await startServer(corefile('a', watched), { plugins, clock })
  assert.deepEqual(await server.reload(corefile('ccc', watched)), { ok: true })
  await askOften(server)
  await clock.advance(29_000)
  assert.equal(events.includes('a stop'), false)
  await clock.advance(2000)
  assert.equal(events.at(-1), 'a stop')
  assert.deepEqual(await server.reload(corefile('dddd', watched)), { ok: true })
  assert.deepEqual(await server.reload(corefile('eeeee')), { ok: true })
  await clock.advance(0)
  assert.deepEqual(
    events.filter((event) => event.endsWith('stop')),
    ['a stop', 'ccc stop', 'dddd stop'],
  )
  assert.equal((await server.query('x.', 'A')).rcode, 5)
  const stopped = server.stop()
  await clock.advance(1)
  await stopped
})

test('a plugin that never ends its drain or stop holds up the end for five seconds each', async () => {
  const { plugins, events } = makeProbe()
  const clock = new FakeClock()
  const server = await startServer(`${corefile('drains')}a.test:0 {\n  bind 127.0.0.1\n  probe stays\n}\n`, {
    plugins,
    clock,
  })
  const ended = server.instance.shutdown({ drain: true })
  await clock.advance(4999)
  assert.equal(events.includes('stays drain'), false)
  await clock.advance(1)
  assert.equal(events.includes('stays drain'), true)
  for (let i = 0; i < 20 && !events.includes('stays stop'); i++) await clock.advance(1)
  await clock.advance(5000)
  assert.equal(await ended, false)
  assert.ok(server.lines.includes('[ERROR] plugin/probe: drain has not ended within 5s: going on without it'))
  await server.logged(/^\[ERROR\] plugin\/probe: stop has not ended within 5s: going on without it$/)
})
