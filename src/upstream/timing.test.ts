import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock, settle } from '../testing/fake-clock.ts'
import { Deadlines } from './deadlines.ts'
import { DialTimeout } from './dial-timeout.ts'
import { Health } from './health.ts'

describe('Deadlines', () => {
  const make = (milliseconds: number) => {
    const clock = new FakeClock()
    const expired: string[] = []
    const deadlines = new Deadlines<{ expire(): void }>(clock, milliseconds)
    const item = (name: string) => ({ expire: () => void expired.push(name) })
    return { clock, deadlines, expired, item }
  }

  it('expire what waits too long, in order', async () => {
    const { clock, deadlines, expired, item } = make(1000)
    deadlines.add(item('a'))
    await clock.advance(500)
    const gone = item('gone')
    deadlines.add(gone)
    deadlines.add(item('b'))
    deadlines.delete(gone)
    await clock.advance(499)
    assert.deepEqual(expired, [])
    await clock.advance(60)
    assert.deepEqual(expired, ['a'])
    await clock.advance(500)
    assert.deepEqual(expired, ['a', 'b'])
  })

  it('begin anew for what is added again', async () => {
    const { clock, deadlines, expired, item } = make(1000)
    const again = item('again')
    deadlines.add(again)
    deadlines.add(item('other'))
    await clock.advance(900)
    deadlines.add(again)
    assert.equal(deadlines.size, 2)
    await clock.advance(200)
    assert.deepEqual(expired, ['other'])
    assert.deepEqual(deadlines.oldest, { item: again, waited: 200 })
  })

  it('use a timer only while something waits', async () => {
    const { clock, deadlines, item } = make(1000)
    assert.equal(clock.pending, 0)
    deadlines.add(item('a'))
    assert.equal(clock.pending, 1)
    await clock.advance(1100)
    assert.equal(clock.pending, 0)
    assert.equal(deadlines.oldest, undefined)
  })

  it('forget any of them in any order', async () => {
    for (const order of ['abc', 'cba', 'bac', 'bca']) {
      const { clock, deadlines, expired, item } = make(1000)
      const items = new Map([...'abc'].map((name) => [name, item(name)]))
      for (const each of items.values()) deadlines.add(each)
      for (const name of order.slice(0, 2)) {
        deadlines.delete(items.get(name)!)
        deadlines.delete(items.get(name)!)
      }
      assert.equal(deadlines.size, 1)
      assert.equal(deadlines.oldest?.item, items.get(order[2]!))
      await clock.advance(1100)
      assert.deepEqual(expired, [order[2]])
    }
  })

  it('expire everything when closed', () => {
    const { clock, deadlines, expired, item } = make(1000)
    deadlines.add(item('a'))
    deadlines.add(item('b'))
    deadlines.close()
    assert.deepEqual(expired, ['a', 'b'])
    assert.equal(clock.pending, 0)
  })
})

describe('DialTimeout', () => {
  it('is 30 s at first and follows twice the average, down to 1 s', () => {
    const timeout = new DialTimeout()
    assert.equal(timeout.milliseconds, 30_000)
    timeout.record(0)
    assert.equal(timeout.milliseconds, 22_500)
    for (let i = 0; i < 50; i++) timeout.record(10)
    assert.equal(timeout.milliseconds, 1000)
    for (let i = 0; i < 50; i++) timeout.record(2000)
    assert.ok(Math.abs(timeout.milliseconds - 4000) < 10)
    for (let i = 0; i < 50; i++) timeout.record(60_000)
    assert.equal(timeout.milliseconds, 30_000)
  })
})

describe('Health', () => {
  const make = (maxFails: number) => {
    const clock = new FakeClock()
    const state = { healthy: false, probes: 0, failed: 0 }
    const health = new Health({
      clock,
      maxFails,
      interval: 500,
      async probe() {
        state.probes++
        return state.healthy
      },
      failed: () => void state.failed++,
    })
    return { clock, health, state }
  }

  it('is down from the probe that fails beyond max_fails, and up with the first success', async () => {
    const { clock, health, state } = make(2)
    await clock.advance(5000)
    assert.equal(state.probes, 0)
    health.check()
    health.check()
    await settle()
    assert.deepEqual([state.probes, health.isDown], [1, false])
    await clock.advance(500)
    assert.deepEqual([state.probes, health.isDown], [2, false])
    await clock.advance(500)
    assert.deepEqual([state.probes, state.failed, health.isDown], [3, 3, true])
    state.healthy = true
    await clock.advance(500)
    assert.deepEqual([state.probes, state.failed, health.isDown], [4, 3, false])
    await clock.advance(5000)
    assert.equal(state.probes, 4, 'probing has ended')
  })

  it('never is down and never probes with max_fails 0', async () => {
    const { clock, health, state } = make(0)
    health.check()
    await clock.advance(5000)
    assert.deepEqual([state.probes, health.isDown], [0, false])
  })

  it('stops', async () => {
    const { clock, health, state } = make(2)
    health.check()
    await settle()
    health.stop()
    await clock.advance(5000)
    health.check()
    await settle()
    assert.equal(state.probes, 1)
    assert.equal(clock.pending, 0)
  })
})
