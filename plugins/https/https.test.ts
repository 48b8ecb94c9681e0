import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText, startPlugin } from 'corelet/plugin/testing'
import https from './index.ts'

const good = ['https', 'https {\n}', 'https {\n  max_connections 0\n}', 'https {\n  max_connections 1000\n}']
for (const text of good) {
  test(`${JSON.stringify(text)} is good`, async () => {
    const { options, diagnostics } = await readText(https, text)
    assert.deepEqual(diagnostics, [])
    assert.equal(options.length, 1)
  })
}

const bad: [text: string, found: string][] = [
  ['https 5', '2:7 wrong-argument-count'],
  ['https {\n  max_connections\n}', '3:3 wrong-argument-count'],
  ['https {\n  max_connections 5 6\n}', '3:21 wrong-argument-count'],
  ['https {\n  max_connections many\n}', '3:19 https/not-a-number'],
  ['https {\n  max_connections 1.5\n}', '3:19 https/not-a-number'],
  ['https {\n  max_connections -1\n}', '3:19 https/too-low'],
  ['https {\n  max_connections 5\n  max_connections 6\n}', '4:3 https/given-twice'],
  ['https {\n  max_connections 5\n}\nhttps {\n  max_connections 5\n}', '6:3 https/given-twice'],
  ['https {\n  max_speed 5\n}', '3:3 unknown-property'],
]
for (const [text, found] of bad) {
  test(`${JSON.stringify(text)} is ${found}`, async () => {
    const { diagnostics } = await readText(https, text)
    assert.deepEqual(
      diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`),
      [found],
    )
  })
}

test('the limit is the listener’s', async () => {
  const { settings } = await startPlugin(https, 'https {\n  max_connections 7\n}')
  assert.deepEqual(settings.limits.https, { max_connections: 7 })
})
