import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives, startPlugin } from 'corelet/plugin/testing'
import timeouts from './index.ts'

const good: [text: string, times: object, queries: number | undefined][] = [
  ['timeouts {\n  read 5s\n}', { read: 5000 }, undefined],
  ['timeouts {\n  read 1\n  write 2\n  idle 86400\n}', { read: 1000, write: 2000, idle: 86_400_000 }, undefined],
  ['timeouts {\n  write 1m30s\n}', { write: 90_000 }, undefined],
  ['timeouts {\n  idle 24h\n}', { idle: 86_400_000 }, undefined],
  ['timeouts {\n  read 1s\n  read 2s\n}', { read: 2000 }, undefined],
  ['timeouts {\n  read 1s\n}\ntimeouts {\n  idle 2s\n}', { read: 1000, idle: 2000 }, undefined],
  ['timeouts {\n  maxtcpqueries -1\n}', {}, -1],
  ['timeouts {\n  maxtcpqueries 128\n}', {}, 128],
]
for (const [text, times, queries] of good) {
  test(`${JSON.stringify(text)} is good`, async () => {
    const { settings, running } = await startPlugin(timeouts, text)
    assert.deepEqual(settings.timeouts, times)
    assert.equal(settings.maxTcpQueries, queries)
    assert.equal(running.handler, undefined)
  })
}

test('mistakes are found where they are', async () => {
  await checkDirectives(timeouts, [
    ['timeouts', '2:1 timeouts/no-timeouts'],
    ['timeouts {\n}', '2:1 timeouts/no-timeouts'],
    ['timeouts 5s {\n  read 5s\n}', '2:10 wrong-argument-count'],
    ['timeouts {\n  read\n}', '3:3 wrong-argument-count'],
    ['timeouts {\n  read 999ms\n}', '3:8 timeouts/timeout-range'],
    ['timeouts {\n  write 0\n}', '3:9 timeouts/timeout-range'],
    ['timeouts {\n  idle 24h1s\n}', '3:8 timeouts/timeout-range'],
    ['timeouts {\n  idle soon\n}', '3:8 timeouts/bad-timeout'],
    ['timeouts {\n  maxtcpqueries 0\n}', '3:17 timeouts/queries-range'],
    ['timeouts {\n  maxtcpqueries -2\n}', '3:17 timeouts/queries-range'],
    ['timeouts {\n  maxtcpqueries 1.5\n}', '3:17 bad-integer'],
    ['timeouts {\n  connect 5s\n}', '3:3 timeouts/unknown-option'],
  ])
})
