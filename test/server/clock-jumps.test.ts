/** The machine's clock is set forward and back while the server runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, startServer, startUpstream } from 'corelet/plugin/testing'

const DAY = 86_400_000
const NAMES = 50
const TTL = 300

/** A wall clock that can be set; time itself goes on as before. */
class SettableClock extends FakeClock {
  set = 0

  override wall(): number {
    return super.wall() + this.set
  }
}

test('a wall clock that jumps by a day, either way, changes no cached answer', async () => {
  await using upstream = await startUpstream(({ name }) => ({ answers: [`${name} ${TTL} IN A 192.0.2.1`] }))
  const clock = new SettableClock()
  const corefile = `.:0 {\n  bind 127.0.0.1\n  prometheus 127.0.0.1:0\n  cache\n  forward . ${upstream.address}:${upstream.port}\n}\n`
  const server = await startServer(corefile, { clock })
  const askAll = () => Promise.all(Array.from({ length: NAMES }, (_, i) => server.query(`n${i}.test.`, 'A')))
  const hits = async () => /^coredns_cache_hits_total\{.*type="success".*\} (\d+)$/m.exec(await server.metrics())?.[1]
  try {
    await askAll()
    let expected = 0
    for (const [age, set] of [
      [10, DAY],
      [20, -DAY],
      [30, 0],
    ] as const) {
      clock.set = set
      await clock.advance(10_000)
      for (const { answers } of await askAll()) assert.equal(answers[0]!.ttl, TTL - age)
      expected += NAMES
      assert.equal(await hits(), String(expected))
    }
    clock.set = -DAY
    await clock.advance((TTL + 1) * 1000)
    for (const { answers } of await askAll()) assert.equal(answers[0]!.ttl, TTL, 'what expired is asked for anew')
    assert.equal(await hits(), String(expected))
  } finally {
    const stopped = server.stop()
    await clock.advance(1)
    await stopped
  }
})
