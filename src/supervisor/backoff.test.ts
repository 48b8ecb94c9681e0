import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from './backoff.ts'

test('a worker that has served is replaced at once, however often that happens', () => {
  const backoff = new Backoff()
  for (let i = 0; i < 20; i++) assert.equal(backoff.next(500), 0)
  assert.ok(!backoff.failing)
})

test('workers that die at their start are replaced later and later, until one has served', () => {
  const backoff = new Backoff()
  const pauses = Array.from({ length: 10 }, () => backoff.next(0))
  assert.deepEqual(pauses, [0, 0, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  assert.ok(backoff.failing)
  assert.equal(backoff.next(1000), 0)
  assert.ok(!backoff.failing)
  assert.equal(backoff.next(100), 0)
})
