import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toQuery } from 'corelet/plugin/testing'
import { type Received, startFakeServer } from '../../src/upstream/testing.ts'
import { startForward } from './testing.ts'

/** The error of a query that the upstream fails, with `UP` for its address. */
async function errorOf(proto: 'udp' | 'tcp', respond: (query: Received) => void, gone = false): Promise<string> {
  const server = await startFakeServer({ respond })
  if (gone) await server.close()
  const address = `127.0.0.1:${server.port}`
  const { ask, stop } = await startForward(
    `forward . ${address} {\n  read_timeout 100ms\n  max_connect_attempts 1\n  max_fails 0\n}`,
  )
  try {
    const { error } = await ask(toQuery('a.example', 'A', { proto }))
    return String(error).replace(address, 'UP')
  } finally {
    stop()
    if (!gone) await server.close()
  }
}

const silent = () => {}

test('a time-out ends in the words that patterns for the log look for', async () => {
  for (const proto of ['udp', 'tcp'] as const) {
    assert.equal(await errorOf(proto, silent), 'UP: no answer within 100 ms: i/o timeout')
  }
})

test('so does a refusal', async () => {
  assert.match(await errorOf('udp', silent, true), /^UP: \w+: connection refused$/)
  assert.equal(await errorOf('tcp', silent, true), 'UP: connect: connection refused')
})

test('so does a connection that the upstream closes or breaks off', async () => {
  assert.equal(await errorOf('tcp', ({ socket }) => socket!.end()), 'UP: connection closed by the server: EOF')
  assert.match(await errorOf('tcp', ({ socket }) => socket!.resetAndDestroy()), /^UP: \w+: connection reset by peer$/)
})
