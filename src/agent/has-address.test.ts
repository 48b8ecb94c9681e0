import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasAddress } from './has-address.ts'

test('the node has what a socket can be bound to', async () => {
  assert.equal(await hasAddress('127.0.0.1'), true)
  assert.equal(await hasAddress('192.0.2.1'), false)
  assert.equal(await hasAddress('2001:db8::1'), false)
})
