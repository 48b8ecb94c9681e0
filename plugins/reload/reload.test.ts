import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { InstanceControl } from 'corelet/plugin'
import { checkDirectives, type FakeContext, fakeContext, readText, startPlugin } from 'corelet/plugin/testing'
import { DirectoryWatch } from './directory-watch.ts'
import reload from './index.ts'

const good: [text: string, pace: { interval: number; jitter: number }][] = [
  ['reload', { interval: 30_000, jitter: 15_000 }],
  ['reload 10s', { interval: 10_000, jitter: 5000 }],
  ['reload 2s 1s', { interval: 2000, jitter: 1000 }],
  ['reload 10s 2s', { interval: 10_000, jitter: 2000 }],
  ['reload 10s 0s', { interval: 10_000, jitter: 0 }],
  ['reload 10s 9s', { interval: 10_000, jitter: 5000 }],
  ['reload 10s\nreload 20s', { interval: 10_000, jitter: 5000 }],
]
for (const [text, pace] of good) {
  test(`${JSON.stringify(text)} is every ${pace.interval} ms`, async () => {
    const { options, diagnostics } = await readText(reload, text)
    assert.deepEqual([options, diagnostics], [[{ pace, watch: 0 }], []])
  })
}

test('mistakes are found where they are', async () => {
  await checkDirectives(reload, [
    ['reload 1s', '2:8 reload/interval-too-short'],
    ['reload -5s', '2:8 reload/interval-too-short'],
    ['reload 30', '2:8 bad-duration'],
    ['reload 30s 500ms', '2:12 reload/jitter-too-short'],
    ['reload 30s -1s', '2:12 reload/jitter-too-short'],
    ['reload 30s soon', '2:12 bad-duration'],
    ['reload 30s 1s 1s', '2:15 wrong-argument-count'],
    ['reload {\nx\n}', '3:1 unknown-property'],
    ['reload {\nwatch 1s\n}', '3:7 reload/watch-too-short'],
    ['reload {\nwatch\n}', '3:1 wrong-argument-count'],
  ])
})

/** An instance whose configuration can be turned. */
class FakeInstance implements InstanceControl {
  hash = 'a'
  files = []
  found: { hash: string; files: string[] } | { error: string } = { hash: 'a', files: [] }
  result: { ok: true } | { ok: false; error: string } = { ok: true }
  examined = 0
  reloads = 0

  async examine() {
    this.examined++
    return this.found
  }

  async reload() {
    this.reloads++
    if (this.result.ok && 'hash' in this.found) this.hash = this.found.hash
    return this.result
  }

  problem() {
    return undefined
  }

  fatal() {}
}

async function start(text = 'reload 10s 0s'): Promise<{ context: FakeContext; instance: FakeInstance; stop(): void }> {
  const instance = new FakeInstance()
  const context = fakeContext({ plugin: 'reload', instance })
  const { running } = await startPlugin(reload, text, context)
  running.listening!()
  return { context, instance, stop: () => void running.stop!() }
}

test('the hash is logged; what has not changed is not reloaded', async () => {
  const { context, instance } = await start()
  assert.deepEqual(context.lines, ['[INFO] plugin/reload: Running configuration SHA512 = a'])
  await context.clock.advance(9999)
  assert.equal(instance.examined, 0)
  await context.clock.advance(50_001)
  assert.deepEqual([instance.examined, instance.reloads], [6, 0])
  assert.equal(context.metrics.value('coredns_reload_failed_total') ?? 0, 0)
})

test('another hash is reloaded once and shown as a metric', async () => {
  const { context, instance } = await start()
  for (const hash of ['b', 'c']) {
    instance.found = { hash, files: [] }
    await context.clock.advance(20_000)
  }
  assert.equal(instance.reloads, 2)
  assert.equal(context.metrics.value('coredns_reload_version_info', 'sha512', 'b'), undefined)
  assert.equal(context.metrics.value('coredns_reload_version_info', 'sha512', 'c'), 1)
})

test('a configuration that fails is tried and counted once for each content', async () => {
  const { context, instance } = await start()
  instance.result = { ok: false, error: 'no luck' }
  instance.found = { hash: 'b', files: [] }
  await context.clock.advance(30_000)
  assert.equal(instance.reloads, 1)
  assert.equal(context.metrics.value('coredns_reload_failed_total'), 1)
  assert.equal(context.lines.at(-1), '[ERROR] plugin/reload: Corefile changed but reload failed: no luck')
  instance.found = { hash: 'a', files: [] }
  await context.clock.advance(10_000)
  instance.found = { hash: 'b', files: [] }
  await context.clock.advance(10_000)
  assert.equal(instance.reloads, 2)
  assert.equal(context.metrics.value('coredns_reload_failed_total'), 2)
})

test('a configuration that cannot be read is reported and counted once', async () => {
  const { context, instance } = await start()
  instance.found = { error: 'no brace' }
  await context.clock.advance(30_000)
  instance.found = { error: 'no quote' }
  await context.clock.advance(30_000)
  assert.deepEqual(context.lines.slice(1), [
    '[WARNING] plugin/reload: Corefile parse failed: no brace',
    '[WARNING] plugin/reload: Corefile parse failed: no quote',
  ])
  assert.equal(context.metrics.value('coredns_reload_failed_total'), 2)
  assert.equal(instance.reloads, 0)
})

test('the interval lies within half the jitter, and stays', async () => {
  for (let i = 0; i < 20; i++) {
    const { context, instance, stop } = await start('reload 10s 2s')
    await context.clock.advance(8999)
    assert.equal(instance.examined, 0)
    await context.clock.advance(2002)
    assert.equal(instance.examined, 1)
    stop()
    await context.clock.advance(60_000)
    assert.equal(instance.examined, 1)
  }
})

test('blocks share one watch; the interval of the last one counts', async () => {
  const instance = new FakeInstance()
  const context = fakeContext({ plugin: 'reload', instance })
  const first = await startPlugin(reload, 'reload 10s 0s', context)
  const second = await startPlugin(reload, 'reload 60s 0s', context)
  first.running.listening!()
  second.running.listening!()
  await context.clock.advance(60_000)
  assert.equal(instance.examined, 1)
  assert.equal(context.lines.length, 1)
})

test('a change in a directory is told, that of a link in it too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'))
  let changes = 0
  const watch = new DirectoryWatch(() => changes++)
  const change = async (act: () => void) => {
    const before = changes
    act()
    const end = Date.now() + 5000
    while (changes === before && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.ok(changes > before)
  }
  for (const name of ['..1', '..2', '..3']) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'Corefile'), name)
  }
  const point = (to: string) => {
    symlinkSync(to, join(folder, 'new'))
    renameSync(join(folder, 'new'), join(folder, '..data'))
  }
  point('..1')
  symlinkSync('..data/Corefile', join(folder, 'Corefile'))
  watch.follow([join(folder, 'Corefile'), '/no/such/folder/plugin.cfg'])
  await change(() => point('..2'))
  watch.follow([join(folder, 'Corefile')])
  await change(() => writeFileSync(join(folder, '..2/Corefile'), 'changed'))
  watch.close()
  const before = changes
  point('..3')
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(changes, before)
  rmSync(folder, { recursive: true })
})
