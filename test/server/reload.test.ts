import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, test } from 'node:test'
import { query } from 'corelet/plugin/testing'
import { findFreePorts } from '../kit/ports.ts'
import { type Cli, killLeftovers, serveCli } from '../kit/process.ts'

let folder: string
let version = 0
let dns = 0
let http = 0

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reload-'))
  version = 0
  ;[dns = 0, http = 0] = await findFreePorts(2)
})
afterEach(() => rmSync(folder, { recursive: true }))
after(killLeftovers)

/** Updates a folder as the kubelet updates a mounted ConfigMap: a new folder, and the link `..data` exchanged. */
function publish(files: Record<string, string>): void {
  const name = `..2026_${++version}`
  mkdirSync(join(folder, name))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text)
  symlinkSync(name, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  if (version > 1) return
  for (const file of Object.keys(files)) symlinkSync(join('..data', file), join(folder, file))
}

/** A Corefile that answers `a.test.` with an address. */
function answering(address: string, more = ''): string {
  return `.:${dns} {
  bind 127.0.0.1
  reload 30s
  prometheus 127.0.0.1:${http}
  hosts {
    ${address} a.test
  }
  ${more}
}
`
}

async function answerOf(): Promise<unknown> {
  const { answers } = await query({ address: '127.0.0.1', port: dns }, 'a.test.', 'A')
  return answers[0]?.data
}

async function metric(name: string): Promise<string | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text()
  return new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'm').exec(text)?.[1]
}

/** Milliseconds until `isTrue`, 5 s at most. */
async function timeUntil(isTrue: () => Promise<boolean>): Promise<number> {
  const start = performance.now()
  while (!(await isTrue())) {
    if (performance.now() - start > 5000) throw new Error('it never happened')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - start
}

async function stop(cli: Cli): Promise<void> {
  cli.kill('SIGTERM')
  const { code, stderr } = await cli.ended
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
}

test('an exchanged ConfigMap takes effect within 2 s and loses no query', async () => {
  publish({ Corefile: answering('192.0.2.1') })
  const cli = await serveCli(['-conf', join(folder, 'Corefile')])
  assert.equal(await answerOf(), '192.0.2.1')
  const names = join(folder, 'names')
  writeFileSync(names, 'a.test A\n')
  const args = ['-s', '127.0.0.1', '-p', String(dns), '-d', names, '-l', '4', '-Q', '2000', '-t', '2']
  const load = spawn('dnsperf', args)
  let report = ''
  load.stdout.on('data', (chunk: Buffer) => {
    report += chunk
  })
  const finished = new Promise((resolve) => load.once('close', resolve))
  for (const address of ['192.0.2.2', '192.0.2.3', '192.0.2.4']) {
    publish({ Corefile: answering(address) })
    const milliseconds = await timeUntil(async () => (await answerOf()) === address)
    assert.ok(milliseconds < 2000, `${milliseconds} ms`)
  }
  await finished
  assert.match(report, /Queries completed:\s+[1-9]\d+ \(100\.00%\)/)
  assert.match(report, /Queries lost:\s+0 /)
  assert.equal(await metric('coredns_reload_failed_total'), '0')
  await stop(cli)
  assert.equal(cli.stdout.match(/^\[INFO\] Reloading complete$/gm)?.length, 3)
})

test('a broken edit leaves the old answers, is counted and explained; the repair takes effect', async () => {
  publish({ Corefile: answering('192.0.2.1') })
  const cli = await serveCli(['-conf', join(folder, 'Corefile')])
  const broken: [more: string, why: RegExp][] = [
    ['import missing', /\[WARNING\] plugin\/reload: Corefile parse failed: .*Corefile:8 - .*File to import not found/],
    ['whomi', /\[ERROR\] plugin\/reload: Corefile changed but reload failed: .*Unknown directive 'whomi'/],
    ['loop extra', /\[ERROR\] plugin\/reload: Corefile changed but reload failed: plugin\/loop: .*Corefile:\d+/],
    ['health 192.0.2.1:0', /\[ERROR\] plugin\/reload: Corefile changed but reload failed: plugin\/health: /],
  ]
  for (const [index, [more, why]] of broken.entries()) {
    publish({ Corefile: answering('192.0.2.2', more) })
    await cli.printed(why)
    assert.equal(await answerOf(), '192.0.2.1')
    assert.equal(await metric('coredns_reload_failed_total'), String(index + 1))
  }
  publish({ Corefile: answering('192.0.2.3') })
  await cli.printed(/Reloading complete/)
  assert.equal(await answerOf(), '192.0.2.3')
  await stop(cli)
})

test('a plugin list adds a plugin from a path and one from a package; both are reloaded', async () => {
  const plugin = (name: string) => `
    import { definePlugin } from 'corelet/plugin'
    import { data } from './data-${name}.mjs'
    export default definePlugin({
      name: '${name}', summary: 'answers', directive: { args: [] },
      start: () => (query) => query.reply({ answers: [{ name: query.name, type: 'A', class: 'IN', ttl: 1, data }] }, '${name}', 'found'),
    })`
  const packageFolder = join(folder, 'node_modules/corelet-answer')
  mkdirSync(packageFolder, { recursive: true })
  writeFileSync(join(packageFolder, 'package.json'), '{ "type": "module", "exports": { "import": "./index.js" } }')
  writeFileSync(join(packageFolder, 'index.js'), plugin('packaged'))
  writeFileSync(join(packageFolder, 'data-packaged.mjs'), "export const data = '192.0.2.1'")
  writeFileSync(join(folder, 'local.ts'), `${plugin('local')}\nexport const typed: string = ''\n`)
  writeFileSync(join(folder, 'data-local.mjs'), "export const data = '192.0.2.2'")
  writeFileSync(join(folder, 'plugin.cfg'), '# order\nreload:reload\nbind:bind\npackaged:corelet-answer\n')
  const conf = join(folder, 'Corefile')
  const corefile = (name: string) => `.:${dns} {\n  bind 127.0.0.1\n  reload\n  ${name}\n}\n`
  writeFileSync(conf, corefile('packaged'))
  const cli = await serveCli(['-conf', conf])
  assert.equal(await answerOf(), '192.0.2.1')

  writeFileSync(join(packageFolder, 'data-packaged.mjs'), "export const data = '192.0.2.11'")
  await timeUntil(async () => (await answerOf()) === '192.0.2.11')

  writeFileSync(conf, corefile('local'))
  await cli.printed(/no action found for directive 'local'|Unknown directive 'local'/)
  assert.equal(await answerOf(), '192.0.2.11')
  writeFileSync(join(folder, 'plugin.cfg'), 'reload:reload\nbind:bind\nlocal:./local.ts\n')
  await timeUntil(async () => (await answerOf()) === '192.0.2.2')

  writeFileSync(join(folder, 'data-local.mjs'), "export const data = '192.0.2.22'")
  await timeUntil(async () => (await answerOf()) === '192.0.2.22')
  await stop(cli)
})
