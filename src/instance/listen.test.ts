import assert from 'node:assert/strict'
import test from 'node:test'
import { defaultSettings } from '../plugin/block-settings.ts'
import type { BlockSettings } from '../plugin/index.ts'
import { DEFAULT_SETTINGS } from '../server/settings.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { limitErrors, mergeSettings } from './listen.ts'

function merge(...blocks: Partial<BlockSettings>[]) {
  return mergeSettings(blocks.map((settings) => ({ settings: { ...defaultSettings(), ...settings } })))
}

test('without settings of its blocks a listener has the defaults', () => {
  assert.deepEqual(merge(), DEFAULT_SETTINGS)
  assert.deepEqual(merge({}, {}), DEFAULT_SETTINGS)
})

test('of each timeout the last block that sets it counts, also when it sets the default', () => {
  const { timeouts } = merge({ timeouts: { read: 1000, idle: 1000 } }, { timeouts: { read: 3000 } }, {})
  assert.deepEqual(timeouts, { read: 3000, write: 5000, idle: 1000 })
  assert.deepEqual(DEFAULT_SETTINGS.timeouts, { read: 3000, write: 5000, idle: 10_000 })
})

test('of the queries per connection the last block that sets them counts, also when it lifts the limit', () => {
  assert.equal(merge({ maxTcpQueries: 5 }, {}).maxTcpQueries, 5)
  assert.equal(merge({ maxTcpQueries: 5 }, { maxTcpQueries: -1 }, {}).maxTcpQueries, -1)
})

test('what one block allows holds for the listener', () => {
  const { anyClass, debug } = merge({ anyClass: true }, { debug: true }, {})
  assert.deepEqual([anyClass, debug], [true, true])
})

test('a lasting error of a socket is told once a second', async () => {
  const clock = new FakeClock()
  const told: string[] = []
  const tell = limitErrors({ clock }, (text) => void told.push(text))
  for (let i = 0; i < 3; i++) tell(new Error('recvmmsg ENOMEM'))
  await clock.advance(1000)
  tell(new Error('recvmmsg ENOMEM'))
  await clock.advance(1000)
  tell(new Error('recvmmsg EIO'))
  assert.deepEqual(told, ['recvmmsg ENOMEM', 'recvmmsg ENOMEM (and 2 errors before)', 'recvmmsg EIO'])
})

test('the first certificate of a listener decides, others are for their names', () => {
  const [first, second] = [{ current: undefined }, { current: undefined }]
  assert.equal(merge({}, { tls: first }, { tls: first }).tls, first)
  assert.deepEqual(merge({ tls: first }, {}, { tls: second }).tls, { current: undefined, others: [second] })
})
