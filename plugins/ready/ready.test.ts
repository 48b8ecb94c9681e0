import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpResponse } from 'corelet/plugin'
import { checkDirectives, type FakeContext, fakeContext, startPlugin } from 'corelet/plugin/testing'
import ready from './index.ts'

const REQUEST = { method: 'GET', path: '/ready', search: '', headers: {} }

const GOOD: [text: string, address: string, continuously: boolean][] = [
  ['ready', ':8181', false],
  ['ready :9000', ':9000', false],
  ['ready [::1]:9000', '::1:9000', false],
  ['ready localhost:9000 {\n monitor continuously\n}', 'localhost:9000', true],
  ['ready {\n monitor until-ready\n}', ':8181', false],
  ['ready {\n monitor until-ready\n monitor continuously\n}', ':8181', true],
]

for (const [text, address, continuously] of GOOD) {
  test(`takes ${JSON.stringify(text)}`, async () => {
    const { options, context } = await startPlugin(ready, text)
    assert.deepEqual([...context.routes.keys()], [`${address}/ready`])
    assert.equal(options.continuously, continuously)
  })
}

test('mistakes are found where they are', async () => {
  await checkDirectives(ready, [
    ['ready :8181 :8182', '2:13 wrong-argument-count'],
    ['ready 8181', '2:7 bad-host-port'],
    ['ready :99999', '2:7 bad-host-port'],
    ['ready\nready', '3:1 once-per-block'],
    ['ready {\n monitor\n}', '3:2 wrong-argument-count'],
    ['ready {\n monitor always\n}', '3:10 ready/bad-monitor'],
    ['ready {\n monitor continuously twice\n}', '3:23 wrong-argument-count'],
    ['ready {\n watch\n}', '3:2 unknown-property'],
  ])
})

/** Starts it where `waiting` plugins are not ready. */
async function startWith(text: string, waiting: string[]) {
  const context = fakeContext({ plugin: 'ready', notReady: () => waiting })
  await startPlugin(ready, text, context)
  return { context, get: () => getReady(context) }
}

function getReady(context: FakeContext): HttpResponse | Promise<HttpResponse> {
  return context.routes.get(':8181/ready')!(REQUEST)
}

test('says OK when all plugins are ready', async () => {
  const { get, context } = await startWith('ready', [])
  assert.deepEqual(get(), { status: 200, body: 'OK' })
  assert.deepEqual(context.lines, [])
})

test('names the plugins that are not, sorted and once, and logs them', async () => {
  const { get, context } = await startWith('ready', ['nomad', 'kubernetes', 'nomad'])
  assert.deepEqual(get(), { status: 503, body: 'kubernetes,nomad' })
  assert.deepEqual(context.lines, ['[INFO] plugin/ready: Plugins not ready: "kubernetes,nomad"'])
})

test('asks a plugin until it was ready once', async () => {
  const waiting = ['kubernetes', 'nomad']
  const { get } = await startWith('ready', waiting)
  assert.deepEqual(get(), { status: 503, body: 'kubernetes,nomad' })
  waiting.shift()
  assert.deepEqual(get(), { status: 503, body: 'nomad' })
  waiting.splice(0, 1, 'kubernetes')
  assert.deepEqual(get(), { status: 200, body: 'OK' })
  waiting.push('nomad')
  assert.deepEqual(get(), { status: 200, body: 'OK' })
})

test('monitor continuously asks each time', async () => {
  const waiting = ['kubernetes']
  const { get } = await startWith('ready {\n monitor continuously\n}', waiting)
  assert.deepEqual(get(), { status: 503, body: 'kubernetes' })
  waiting.pop()
  assert.deepEqual(get(), { status: 200, body: 'OK' })
  waiting.push('kubernetes')
  assert.deepEqual(get(), { status: 503, body: 'kubernetes' })
})

test('is not ready from the moment the process was told to end', async () => {
  const { get, context } = await startWith('ready', [])
  assert.deepEqual(get(), { status: 200, body: 'OK' })
  Object.assign(context, { running: false })
  assert.deepEqual(get(), { status: 503, body: 'shutting down' })
})

test('an address that is taken is logged, not fatal', async () => {
  const serve = async () => {
    throw new Error('listen EADDRINUSE: address already in use')
  }
  const { context } = await startPlugin(ready, 'ready', fakeContext({ plugin: 'ready', http: { serve } }))
  assert.deepEqual(context.lines, [
    '[ERROR] plugin/ready: Failed to start ready handler: listen EADDRINUSE: address already in use',
  ])
})

test('a configuration that does not run is told in a header', async () => {
  const instance = { ...fakeContext().instance, problem: () => 'Corefile:2 - no such “plugin”\nat all' }
  const context = fakeContext({ plugin: 'ready', instance })
  await startPlugin(ready, 'ready', context)
  const headers = { 'corelet-reload': 'Corefile:2 - no such ?plugin??at all' }
  assert.deepEqual(await getReady(context), { status: 200, headers, body: 'OK' })
})
