import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { defaultSettings, readText } from 'corelet/plugin/testing'
import multisocket from './index.ts'

/** How many processes the directive asks for, and what it reports. */
async function read(text: string): Promise<{ processes: number | undefined; found: string[] }> {
  const { options, diagnostics } = await readText(multisocket, text)
  const settings = defaultSettings()
  for (const each of options) {
    multisocket.configure!(each, settings, { interfaces: () => new Map(), keys: [], report() {} })
  }
  return { processes: settings.processes, found: diagnostics.map(({ code, message }) => `${code}: ${message}`) }
}

const good: [text: string, processes: number][] = [
  ['multisocket', availableParallelism()],
  ['multisocket 1', 1],
  ['multisocket +7', 7],
  ['multisocket 1024', 1024],
]
for (const [text, processes] of good) {
  test(`${text} asks for ${processes}`, async () => assert.deepEqual(await read(text), { processes, found: [] }))
}

const bad: [text: string, found: RegExp][] = [
  ['multisocket 0', /^multisocket\/not-positive: num sockets can not be zero or negative: 0$/],
  ['multisocket -3', /not-positive: .*: -3$/],
  ['multisocket 1025', /^multisocket\/too-many: num sockets exceeds maximum \(1024\): 1025$/],
  ['multisocket 1.5', /^multisocket\/invalid: invalid num sockets: .*"1\.5"/],
  ['multisocket two', /invalid num sockets: /],
  ['multisocket 1 2', /Wrong argument count/],
  ['multisocket 1\nmultisocket 2', /^multisocket\/twice: Wrong argument count/],
]
for (const [text, message] of bad) {
  test(`${JSON.stringify(text)} is refused`, async () => {
    const { found } = await read(text)
    assert.equal(found.length, 1)
    assert.match(found[0]!, message)
  })
}
