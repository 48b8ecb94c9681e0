import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FakeClock, startServer } from 'corelet/plugin/testing'

const RELOADS = 100
/** Octets that a reload may leave behind: what is compiled and interned on the way, and its answer in the cache. */
const ROOM = 30 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A Corefile of all that a generation opens: listeners, endpoints, watches, upstreams. */
const corefile = (i: number, port = 0) => `.:0 {
  bind 127.0.0.1
  errors
  log . {
    class error
  }
  reload 10s
  prometheus 127.0.0.1:${port}
  health 127.0.0.1:${port}
  ready 127.0.0.1:${port}
  hosts {
    192.0.2.${i % 250} a${i}.test
    fallthrough
  }
  cache {
    prefetch 1
  }
  forward . 127.0.0.1:1 {
    max_fails 0
  }
}
zone${i % 2}.test:0 {
  bind 127.0.0.${1 + (i % 2)}
  prometheus 127.0.0.1:${port}
  whoami
}
`

test('a hundred reloads leave no descriptor, timer or memory behind', async (t) => {
  const clock = new FakeClock()
  const server = await startServer(corefile(0), { clock })
  t.after(async () => {
    const stopped = server.stop()
    await clock.advance(1000)
    await stopped
  })
  const reload = async (from: number, count: number) => {
    for (let i = from; i < from + count; i++) {
      assert.deepEqual(await server.reload(corefile(i)), { ok: true })
      assert.equal((await server.query(`a${i}.test.`, 'A')).answers[0]?.data, `192.0.2.${i % 250}`)
      assert.equal((await server.reload(corefile(i).replace('health', 'health 192.0.2.1:1\n  #'))).ok, false)
      await clock.advance(100)
    }
    await clock.advance(10_000)
  }
  const look = () => {
    for (let i = 0; i < 3; i++) collect()
    return {
      files: readdirSync('/proc/self/fd').length,
      handles: process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length,
      timers: clock.pending,
      heap: process.memoryUsage().heapUsed + process.memoryUsage().external,
    }
  }
  await reload(1, 30)
  const before = look()
  await reload(31, RELOADS)
  let after = look()
  // what the last connection of a test client has open closes in its own time
  for (let i = 0; i < 100 && after.handles > before.handles; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    after = look()
  }
  assert.deepEqual([after.files, after.timers], [before.files, before.timers])
  assert.ok(after.handles <= before.handles, `${after.handles - before.handles} handles more`)
  assert.ok(after.heap - before.heap < RELOADS * ROOM, `${after.heap - before.heap} octets more`)
  const metrics = await server.metrics()
  assert.deepEqual([...new Set(metrics.match(/zone="zone\d\.test\."/g))], [`zone="zone${(30 + RELOADS) % 2}.test."`])
})
