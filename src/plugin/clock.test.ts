import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './clock.ts'

const WEEK = 7 * 24 * 3600 * 1000

for (const kind of ['timeout', 'interval'] as const) {
  test(`a ${kind} of many weeks does not end at once`, async () => {
    let calls = 0
    const timer = systemClock[kind](6 * WEEK, () => calls++)
    await new Promise((resolve) => setTimeout(resolve, 20))
    timer.cancel()
    assert.equal(calls, 0)
  })
}
