import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from 'corelet/plugin/testing'
import { udpBackend } from '../net/udp.ts'

test('a metric says which kind of UDP sockets serves', async () => {
  await using server = await startServer('.:0 {\n bind 127.0.0.1\n whoami\n}')
  assert.match(await server.metrics(), new RegExp(`^corelet_udp_backend\\{backend="${udpBackend()}"\\} 1$`, 'm'))
})

test('it follows the environment', () => {
  const chosen = process.env['CORELET_NET']
  try {
    process.env['CORELET_NET'] = 'dgram'
    assert.equal(udpBackend(), 'dgram')
  } finally {
    if (chosen === undefined) delete process.env['CORELET_NET']
    else process.env['CORELET_NET'] = chosen
  }
})
