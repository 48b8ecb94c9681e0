import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { OPTIONS, RCODES } from 'corelet/plugin'
import { answering, checkDirectives, startPlugin, startServer, toQuery } from 'corelet/plugin/testing'
import nsid from './index.ts'

const ASK = { code: OPTIONS.NSID, data: new Uint8Array() }
const EDE = { code: OPTIONS.EDE, data: Uint8Array.of(0, 17) }
const asking = () =>
  toQuery('example.org.').with({
    edns: { udpSize: 1232, flags: 0, options: [{ code: 10, data: new Uint8Array(8) }, ASK] },
  })

test('the directive takes words, once', async () => {
  await checkDirectives(nsid, [
    ['nsid', { data: '' }],
    ['nsid dns-1', { data: 'dns-1' }],
    ['nsid ps   0', { data: 'ps 0' }],
    ['nsid a\nnsid b', '3:1 once-per-block', { data: 'a' }],
    ['nsid a {\n  x\n}', '3:3 unknown-property'],
  ])
})

test('clients that ask get the text, or else the name of the machine', async () => {
  for (const [text, told] of [
    ['nsid rack 7', 'rack 7'],
    ['nsid', hostname()],
  ] as const) {
    const { askNow } = await startPlugin(nsid, text)
    const { options } = askNow(asking(), answering({}))
    assert.deepEqual(options, [{ code: OPTIONS.NSID, data: Uint8Array.from(Buffer.from(told)) }])
  }
})

test('other options of the answer are kept, an upstream NSID is not', async () => {
  const { askNow } = await startPlugin(nsid, 'nsid here')
  const foreign = { code: OPTIONS.NSID, data: Uint8Array.of(1) }
  const { options } = askNow(asking(), answering({ options: [foreign, EDE] }))
  assert.deepEqual(options, [EDE, { code: OPTIONS.NSID, data: Uint8Array.from(Buffer.from('here')) }])
})

test('other clients get what they would get', async () => {
  const { askNow } = await startPlugin(nsid, 'nsid here')
  for (const query of [toQuery('example.org.'), toQuery('example.org.', 'A', { dnssecOk: true })]) {
    const reply = query.reply({ options: [EDE] }, 'test', '')
    assert.equal(
      askNow(query, () => reply),
      reply,
    )
  }
})

test('failures have it, too, and a promise is waited for', async () => {
  const { ask } = await startPlugin(nsid, 'nsid here')
  const reply = await ask(asking(), async (query) => query.fail(RCODES.SERVFAIL, 'test', 'broken'))
  assert.deepEqual([reply.kind, reply.options.length], ['failure', 1])
})

test('it goes to the client, from the cache as well', async () => {
  const server = await startServer('. {\nnsid dns-1\ncache\nwhoami\n}')
  try {
    for (let i = 0; i < 2; i++) {
      const { opt } = await server.query('example.org', 'A', { options: [ASK] })
      assert.deepEqual(
        opt?.options.map(({ code, data }) => [code, Buffer.from(data).toString()]),
        [[OPTIONS.NSID, 'dns-1']],
      )
    }
    assert.deepEqual((await server.query('example.org', 'A', { udpSize: 1232 })).opt?.options, [])
  } finally {
    await server.stop()
  }
})
