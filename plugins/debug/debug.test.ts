import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText, startPlugin } from 'corelet/plugin/testing'
import debug from './index.ts'

test('sets the block to debug and has no handler', async () => {
  const { settings, running } = await startPlugin(debug, 'debug')
  assert.equal(settings.debug, true)
  assert.equal(running.handler, undefined)
})

test('takes no argument and no block; a second use changes nothing', async () => {
  const place = async (text: string) =>
    (await readText(debug, text)).diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`)
  assert.deepEqual(await place('  debug on'), ['wrong-argument-count 2:9'])
  assert.deepEqual(await place('  debug {\n    all\n  }'), ['unexpected-block 2:3'])
  assert.deepEqual(await place('  debug\n  debug'), [])
})
