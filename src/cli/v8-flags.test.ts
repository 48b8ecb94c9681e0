import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../test/kit/sources.ts'
import { V8_FLAGS } from './v8-flags.ts'

test('npm start has the same flags as workers', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const words = scripts.start.split(' ')
  assert.deepEqual(words.slice(1, words.indexOf('src/cli/main.ts')), V8_FLAGS)
})

test('the image has them too', () => {
  const read = (name: string) => readFileSync(join(ROOT, 'deploy/image', name), 'utf8')
  const launched = /flags = \[(.*)\]/.exec(read('launcher.js'))?.[1]
  const entered = /^ENTRYPOINT \["\/nodejs\/bin\/node", (.*), "[^"]*main\.js"\]$/m.exec(read('Dockerfile'))?.[1]
  const quoted = (quote: string) => V8_FLAGS.map((flag) => quote + flag + quote).join(', ')
  assert.deepEqual([launched, entered], [quoted("'"), quoted('"')])
})

test('this Node.js knows them, and they bound the young generation', () => {
  const script = 'console.log(require("v8").getHeapStatistics().heap_size_limit)'
  const limit = (flags: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [0, ''])
    return Number(stdout)
  }
  assert.ok(limit(V8_FLAGS) < limit([]))
})
