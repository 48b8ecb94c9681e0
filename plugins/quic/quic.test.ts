import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText } from 'corelet/plugin/testing'
import quic from './index.ts'

const good = [
  'quic',
  'quic {\n}',
  'quic {\n  worker_pool_size 1\n}',
  'quic {\n  worker_pool_size 1000\n}',
  'quic {\n  max_streams 1\n}',
]
for (const text of good) {
  test(`${JSON.stringify(text)} is good`, async () => {
    const { options, diagnostics } = await readText(quic, text)
    assert.deepEqual(diagnostics, [])
    assert.equal(options.length, 1)
  })
}

const bad: [text: string, found: string][] = [
  ['quic 5', '2:6 wrong-argument-count'],
  ['quic {\n  worker_pool_size\n}', '3:3 wrong-argument-count'],
  ['quic {\n  worker_pool_size 5 6\n}', '3:22 wrong-argument-count'],
  ['quic {\n  worker_pool_size many\n}', '3:20 quic/not-a-number'],
  ['quic {\n  worker_pool_size 1.5\n}', '3:20 quic/not-a-number'],
  ['quic {\n  worker_pool_size -1\n}', '3:20 quic/too-low'],
  ['quic {\n  worker_pool_size 0\n}', '3:20 quic/too-low'],
  ['quic {\n  worker_pool_size 5\n  worker_pool_size 6\n}', '4:3 quic/given-twice'],
  ['quic {\n  worker_pool_size 5\n}\nquic {\n  worker_pool_size 5\n}', '6:3 quic/given-twice'],
  ['quic {\n  max_streams\n}', '3:3 wrong-argument-count'],
  ['quic {\n  max_streams 5 6\n}', '3:17 wrong-argument-count'],
  ['quic {\n  max_streams many\n}', '3:15 quic/not-a-number'],
  ['quic {\n  max_streams 0\n}', '3:15 quic/too-low'],
  ['quic {\n  max_streams 5\n  max_streams 6\n}', '4:3 quic/given-twice'],
  ['quic {\n  max_speed 5\n}', '3:3 unknown-property'],
]
for (const [text, found] of bad) {
  test(`${JSON.stringify(text)} is ${found}`, async () => {
    const { diagnostics } = await readText(quic, text)
    assert.deepEqual(
      diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`),
      [found],
    )
  })
}
