/** Plugins that are not part of corelet: mounted as Kubernetes mounts a ConfigMap, changed while queries come in, broken in every way. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { decodeOption, RCODES } from 'corelet/plugin'
import { startServer, type TestServer, toLines } from 'corelet/plugin/testing'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outside-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const PLUGIN = (body: string) =>
  `import { definePlugin } from 'corelet/plugin'
import { ADDRESS } from './parts/address.ts'
export default definePlugin({
  name: 'mine', summary: 'answers', directive: { args: [] },
  start: (_options, context) => ${body}
})
`
const ANSWER = `(query) => query.reply({ answers: [{ name: query.name, type: 'A', ttl: 1, data: ADDRESS }] }, 'mine', 'found')`
const LIST = 'reload:reload\nbind:bind\nerrors:errors\nmine:./plugins/mine.ts timeout=100ms\nwhoami:whoami\n'
const COREFILE = '. {\n  bind 127.0.0.1\n  errors\n  reload 2s\n  mine\n  whoami\n}\n'

let mounts = 0

/** Mounts files as kubelet does: in a folder of their own that `..data` leads to, which is exchanged in one step. */
function mount(files: Record<string, string>): void {
  const name = `..2026_${mounts++}`
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, path, '..'), { recursive: true })
    writeFileSync(join(folder, name, path), text)
    const [first = ''] = path.split('/')
    rmSync(join(folder, first), { force: true })
    symlinkSync(`..data/${first}`, join(folder, first))
  }
  symlinkSync(name, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  if (mounts > 1) rmSync(join(folder, `..2026_${mounts - 2}`), { recursive: true, force: true })
}

const files = (body: string, address: string, list = LIST) => ({
  Corefile: COREFILE,
  'plugin.cfg': list,
  'plugins/mine.ts': PLUGIN(body),
  'plugins/parts/address.ts': `export const ADDRESS: string = '${address}'\n`,
})

/** Asks one query after the other until the answer is `line`; every one must be answered. */
async function askUntil(server: TestServer, line: string): Promise<void> {
  const start = performance.now()
  for (;;) {
    const { rcode, answers } = await server.query('example.org', 'A')
    assert.equal(rcode, RCODES.NOERROR)
    if (toLines(answers)[0] === line) return
    assert.ok(performance.now() - start < 10_000, `no answer ${line} in 10 s`)
  }
}

test('a change of a mounted plugin, or of a file that it imports, is live at once and loses no query', async () => {
  mount(files(ANSWER, '192.0.2.1'))
  await using server = await startServer(COREFILE, { folder })
  await askUntil(server, 'example.org. 1 IN A 192.0.2.1')
  mount(files(ANSWER, '192.0.2.2'))
  await askUntil(server, 'example.org. 1 IN A 192.0.2.2')
  mount(files(ANSWER.replace('ttl: 1', 'ttl: 2'), '192.0.2.2'))
  await askUntil(server, 'example.org. 2 IN A 192.0.2.2')
})

const BROKEN: [title: string, body: string, list: string, words: RegExp][] = [
  ['can not be read', '(query =>', LIST, /Restart failed:.*plugin\.cfg:4 - .*\(\S+\/plugins\/mine\.ts:6\)/],
  [
    'throws at its start',
    "{ throw new Error('no luck') }",
    LIST,
    /Restart failed: plugin\/mine: no luck \(\S+\/plugins\/mine\.ts:5\)/,
  ],
  ['throws for each query', "() => { throw new Error('no luck') }", LIST, /Restart failed: a test query.*no luck/],
  ['is listed twice', ANSWER, `${LIST}mine:./other.ts\n`, /plugin\.cfg:6 - .*plugin 'mine' is listed twice/],
]
for (const [title, body, list, words] of BROKEN) {
  test(`a plugin that ${title} leaves the old one running, and the log says where the mistake is`, async () => {
    mount(files(ANSWER, '192.0.2.1'))
    await using server = await startServer(COREFILE, { folder })
    mount(files(body, '192.0.2.1', list))
    await server.logged(words)
    await askUntil(server, 'example.org. 1 IN A 192.0.2.1')
    mount(files(ANSWER, '192.0.2.3'))
    await askUntil(server, 'example.org. 1 IN A 192.0.2.3')
  })
}

test('a plugin that never answers some queries costs those alone', async () => {
  mount(files(`async (query, next) => query.name.startsWith('slow.') ? new Promise(() => {}) : next(query)`, ''))
  await using server = await startServer(COREFILE, { folder })
  const [slow, fast] = await Promise.all([
    server.query('slow.example.org', 'A', { udpSize: 1232 }),
    server.query('example.org', 'A'),
  ])
  assert.deepEqual([slow!.rcode, fast!.rcode], [RCODES.SERVFAIL, RCODES.NOERROR])
  assert.deepEqual(slow!.opt!.options.map(decodeOption), [
    { type: 'EDE', data: { infoCode: 0, extraText: 'plugin/mine: no answer within 100ms' } },
  ])
  await server.logged(/plugin\/errors: 2 slow\.example\.org\. A: plugin\/mine: no answer within 100ms/)
  assert.match(await server.metrics(), /^corelet_plugin_failures_total\{plugin="mine",reason="timeout"\} 1$/m)
})

test('a plugin that throws for some queries costs those alone', async () => {
  mount(
    files(`(query, next) => { if (query.name.startsWith('bad.')) throw new Error('no luck'); return next(query) }`, ''),
  )
  await using server = await startServer(COREFILE, { folder })
  assert.equal((await server.query('bad.example.org', 'A')).rcode, RCODES.SERVFAIL)
  assert.equal((await server.query('example.org', 'A')).rcode, RCODES.NOERROR)
  await server.logged(/Recovered from panic.*no luck/)
  assert.match(await server.metrics(), /^corelet_plugin_failures_total\{plugin="mine",reason="throw"\} 1$/m)
})
