import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { FakeClock } from '../testing/fake-clock.ts'
import { Throttle } from './throttle.ts'

const never = new AbortController().signal

/** Enters so many times; the list grows as they are let in. */
function enter(throttle: Throttle, times: number): (() => void)[] {
  const releases: (() => void)[] = []
  for (let i = 0; i < times; i++) void throttle.enter(never).then((release) => releases.push(release))
  return releases
}

test('after the burst, so many come per second', async () => {
  const clock = new FakeClock()
  const entered = enter(new Throttle({ perSecond: 2, burst: 3, inFlight: 0 }, clock), 6)
  await setImmediate()
  assert.equal(entered.length, 3)
  for (const expected of [4, 5, 6]) {
    await clock.advance(499)
    assert.equal(entered.length, expected - 1)
    await clock.advance(1)
    assert.equal(entered.length, expected)
  }
})

test('without a limit all come at once', async () => {
  const entered = enter(new Throttle({ perSecond: 0, burst: 0, inFlight: 0 }, new FakeClock()), 100)
  await setImmediate()
  assert.equal(entered.length, 100)
})

test('so many are under way', async () => {
  const entered = enter(new Throttle({ perSecond: 0, burst: 0, inFlight: 2 }, new FakeClock()), 3)
  await setImmediate()
  assert.equal(entered.length, 2)
  entered[0]!()
  await setImmediate()
  assert.equal(entered.length, 3)
})

test('who was told to stop is not let in, and holds nobody up', async () => {
  const throttle = new Throttle({ perSecond: 0, burst: 0, inFlight: 0 }, new FakeClock())
  await assert.rejects(throttle.enter(AbortSignal.abort()), { name: 'AbortError' })
  await throttle.enter(never)
})
