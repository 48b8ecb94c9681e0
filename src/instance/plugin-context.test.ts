import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldGauges } from '../observe/held-gauges.ts'
import { definePlugin, type Handler, type Running } from '../plugin/index.ts'
import { fakeContext } from '../testing/fake-context.ts'
import { CarriedStates } from './carried.ts'
import { createContext, startPlugin } from './plugin-context.ts'
import type { Services } from './services.ts'

const handler: Handler = (query, next) => next(query)

function start(given: () => unknown): Promise<Running> {
  const plugin = definePlugin({
    name: 'mine',
    summary: 'gives what it is told to',
    directive: { args: [] },
    start: () => given() as Running,
  })
  return startPlugin({ rank: 0, plugin, options: undefined, directives: [] }, fakeContext())
}

test('a plugin is a handler, an object with one, or nothing', async () => {
  const stop = () => {}
  assert.deepEqual(await start(() => handler), { handler })
  assert.deepEqual(await start(() => Promise.resolve({ handler, stop })), { handler, stop })
  assert.deepEqual(await start(() => undefined), {})
  assert.deepEqual(await start(() => null), {})
})

test('not ready are those that say so, and those that throw', () => {
  const { block, http, instance, log, metrics } = fakeContext()
  const fail = () => {
    throw new Error('no luck')
  }
  const started = [
    { name: 'b', running: { ready: () => false } },
    { name: 'a', running: { ready: fail } },
    { name: 'b', running: { ready: () => false } },
    { name: 'c', running: { ready: () => true } },
    { name: 'd', running: {} },
  ]
  const carried = new CarriedStates().hold()
  const services = { log: { for: () => log } } as unknown as Services
  const context = createContext(
    'x',
    block,
    '',
    { shared: new Map(), carried, gauges: new HeldGauges().hold(metrics), started, running: true },
    services,
    http,
    instance,
  )
  assert.deepEqual(context.notReady(), ['a', 'b'])
})

const BAD: [given: () => unknown, message: string][] = [
  [() => 42, 'plugin/mine: start returned neither a handler nor an object'],
  [() => Promise.resolve('handler'), 'plugin/mine: start returned neither a handler nor an object'],
  [() => ({ handler: 5 }), 'plugin/mine: handler is no function'],
  [() => ({ handler, ready: true }), 'plugin/mine: ready is no function'],
  [() => Promise.reject(new Error('no luck')), 'plugin/mine: no luck'],
]
for (const [given, message] of BAD) {
  test(`refused: ${message}`, () => assert.rejects(start(given), { message }))
}
