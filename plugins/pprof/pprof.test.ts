import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { checkDirectives, startServer } from 'corelet/plugin/testing'
import { findFreePorts } from '../../test/kit/ports.ts'
import pprof from './index.ts'
import { readProfile } from './testing.ts'

test('the directive takes an address and block', async () => {
  await checkDirectives(pprof, [
    ['pprof', { address: { host: 'localhost', port: 6053 } }],
    ['pprof 1.2.3.4:1234', { address: { host: '1.2.3.4', port: 1234 } }],
    ['pprof :1234', { address: { host: '', port: 1234 } }],
    ['pprof {\nblock\n}', { address: { host: 'localhost', port: 6053 } }],
    ['pprof [::1]:1234 {\nblock 20\n}', { address: { host: '::1', port: 1234 } }],
    ['pprof {\n}', { address: { host: 'localhost', port: 6053 } }],
    ['pprof a', '2:7 bad-host-port'],
    ['pprof :1 :2', '2:10 wrong-argument-count'],
    ['pprof {\nblock a\n}', '3:7 pprof/bad-rate'],
    ['pprof {\nblock 20 30\n}', '3:10 wrong-argument-count'],
    ['pprof {\nmutex\n}', '3:1 unknown-property'],
    ['pprof\npprof', '3:1 once-per-block', { address: { host: 'localhost', port: 6053 } }],
  ])
})

test('profiles are served, over reloads as well, in the format of pprof', async () => {
  const [port] = await findFreePorts(1)
  const corefile = (extra = '') =>
    `. {\npprof 127.0.0.1:${port}\nwhoami\n${extra}}\na.example {\npprof 127.0.0.1:${port}\nwhoami\n}`
  const get = (path: string) => fetch(`http://127.0.0.1:${port}/debug/pprof/${path}`)
  const profileOf = async (path: string) => {
    const response = await get(path)
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-disposition')!, /attachment/)
    return readProfile(gunzipSync(new Uint8Array(await response.arrayBuffer())))
  }
  const server = await startServer(corefile())
  try {
    assert.match(await (await get('')).text(), /^profile .*seconds/m)
    assert.ok((await (await get('cmdline')).text()).includes('\0'))
    assert.equal((await get('goroutine')).status, 404)

    const heap = await profileOf('heap?gc=1')
    assert.deepEqual(heap.types, ['inuse_space bytes'])
    assert.equal(heap.periodType, 'space bytes')
    assert.ok(heap.samples.length > 0)

    const taking = profileOf('profile?seconds=0.3')
    const busy = setInterval(spin, 1)
    await server.reload(corefile('errors\n'))
    const cpu = await taking
    clearInterval(busy)
    assert.deepEqual(cpu.types, ['samples count', 'cpu nanoseconds'])
    assert.deepEqual([cpu.periodType, cpu.period], ['cpu nanoseconds', 1e7])
    assert.ok(cpu.duration >= 0.25e9 && cpu.duration < 60e9)
    const stack = cpu.samples.find(({ frames }) => frames[0]?.name === 'spin')
    assert.ok(stack, 'the function that was busy is found')
    assert.match(stack.frames[0]!.file, /^\/.*pprof\.test\.ts$/)
    assert.ok(stack.frames[0]!.line > 1 && stack.values[0]! >= 1 && stack.values[1]! > 0)

    assert.ok((await profileOf('heap')).samples.length > 0, 'the old generation has not ended it')
  } finally {
    await server.stop()
  }
})

function spin(): void {
  for (const end = performance.now() + 20; performance.now() < end; );
}

test('one CPU profile at a time, of a length that makes sense', async () => {
  const [port] = await findFreePorts(1)
  const server = await startServer(`. {\npprof 127.0.0.1:${port}\nwhoami\n}`)
  const get = (path: string) => fetch(`http://127.0.0.1:${port}/debug/pprof/${path}`)
  try {
    for (const seconds of ['0', '-1', 'x', '301', 'NaN']) {
      assert.equal((await get(`profile?seconds=${seconds}`)).status, 400, seconds)
    }
    const responses = await Promise.all([get('profile?seconds=0.2'), get('profile?seconds=0.2')])
    assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 500])
  } finally {
    await server.stop()
  }
})

test('an address in use keeps the server from starting', async () => {
  const taken = await startServer('. {\nwhoami\n}')
  try {
    await assert.rejects(
      startServer(`. {\npprof 127.0.0.1:${taken.port}\nwhoami\n}`),
      /plugin\/pprof: .*address already in use/,
    )
  } finally {
    await taken.stop()
  }
})
