/** The bundle for images: built, and run without the sources in reach. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { query } from 'corelet/plugin/testing'
import { V8_FLAGS, WORKER_ENVIRONMENT } from '../src/cli/v8-flags.ts'
import { loadLibc } from '../src/net/libc.ts'
import { findFreePorts } from './kit/ports.ts'
import { childrenOf } from './kit/proc.ts'
import { killLeftovers, serveCli } from './kit/process.ts'
import { ROOT } from './kit/sources.ts'

const run = promisify(execFile)
let folder: string
let main: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundled-'))
  await run(process.execPath, [join(ROOT, 'deploy/bundle/build.ts'), join(folder, 'server')])
  main = join(folder, 'server/src/cli/main.js')
})

after(async () => {
  killLeftovers()
  await rm(folder, { recursive: true, force: true })
})

/** A plugin as a stranger would write it; it must get the very classes that the server has. */
const STRANGER = `
import { definePlugin, Reply } from 'corelet/plugin'
export default definePlugin({
  name: 'stranger',
  summary: 'answers with an address',
  directive: { args: [] },
  start: () => (query) => {
    const answers = [{ type: 'A', name: query.name, ttl: 60, data: '192.0.2.7' }]
    const reply = query.reply({ answers }, 'stranger', 'fixed')
    if (!(reply instanceof Reply)) throw new Error('another Reply')
    return reply
  },
})
`

test('it serves with built-in plugins, and with a plugin of a stranger', async () => {
  await writeFile(join(folder, 'stranger.ts'), STRANGER)
  await writeFile(
    join(folder, 'plugin.cfg'),
    'bind:bind\nprometheus:prometheus\nerrors:errors\ncache:cache\nstranger:./stranger.ts\n',
  )
  const corefile = join(folder, 'Corefile')
  await writeFile(corefile, '.:0 {\n  bind 127.0.0.1\n  errors\n  cache\n  prometheus 127.0.0.1:0\n  stranger\n}\n')
  const server = await serveCli(['-conf', corefile], { main })
  try {
    for (const _ of [1, 2]) {
      const { answers } = await query({ address: '127.0.0.1', port: server.port }, 'example.org.', 'A')
      assert.deepEqual(
        answers.map(({ data }) => data),
        ['192.0.2.7'],
      )
    }
  } finally {
    server.kill('SIGTERM')
  }
  const { code, stderr } = await server.ended
  assert.deepEqual([code, stderr], [0, ''])
})

test('it asks libc for its sockets, as from source', { skip: loadLibc() === undefined }, async () => {
  const server = await serveCli(['-conf', 'stdin'], { main, input: '.:0 {\n  bind 127.0.0.1\n  whoami\n}\n' })
  assert.match(await readFile(`/proc/${server.pid}/maps`, 'utf8'), /server\/node_modules\/.*\/koffi\.node$/m)
  server.kill('SIGTERM')
  await server.ended
})

test('packages that are loaded when they are needed are whole: metrics of one process and of several, lines in JSON', async () => {
  const [metrics = 0] = await findFreePorts(1)
  for (const sockets of ['', 'multisocket 2']) {
    const corefile = `.:0 {\n  bind 127.0.0.1\n  log\n  whoami\n  prometheus 127.0.0.1:${metrics}\n  ${sockets}\n}\n`
    const server = await serveCli(['-conf', 'stdin', '-log-format', 'json'], { main, input: corefile })
    await query({ address: '127.0.0.1', port: server.port }, 'example.org.', 'A')
    const body = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    assert.match(body, /^coredns_dns_requests_total\{.* 1$/m)
    assert.match(body, /^process_resident_memory_bytes /m)
    server.kill('SIGTERM')
    const { stdout, stderr } = await server.ended
    assert.match(stdout, /^\{"level":"info",.*example\.org\./m)
    assert.equal(stderr, '')
  }
})

test('under a supervisor it serves health, and the worker has the flags and variables that bound its memory', async () => {
  const [health = 0] = await findFreePorts(1)
  const input = `.:0 {\n  bind 127.0.0.1\n  health 127.0.0.1:${health}\n  whoami\n}\n`
  const server = await serveCli(['-conf', 'stdin', '-supervise'], { main, input })
  try {
    assert.equal(await (await fetch(`http://127.0.0.1:${health}/health`)).text(), 'OK')
    const [worker] = childrenOf(server.pid)
    const words = (await readFile(`/proc/${worker}/cmdline`, 'utf8')).split('\0')
    for (const flag of V8_FLAGS) assert.ok(words.includes(flag))
    const variables = (await readFile(`/proc/${worker}/environ`, 'utf8')).split('\0')
    for (const [name, value] of Object.entries(WORKER_ENVIRONMENT)) assert.ok(variables.includes(`${name}=${value}`))
  } finally {
    server.kill('SIGTERM')
  }
  assert.equal((await server.ended).code, 0)
})

test('a plugin that no Corefile uses is in a file that is not read', async () => {
  const text = await readFile(main, 'utf8')
  const files = await readdir(join(main, '..'))
  for (const name of ['dns64', 'rewrite', 'cache']) {
    assert.ok(files.some((file) => file.startsWith(`${name}-`)))
    assert.ok(!text.includes(`name:"${name}"`))
  }
})
