/** Each scenario in its short form. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { killLeftovers } from '../kit/process.ts'
import { loadUsual } from './list.ts'

after(killLeftovers)

for (const { name, event, run } of await loadUsual()) {
  test(`${name}: ${event}`, { timeout: 60_000 }, async () => {
    const row = await run('short')
    assert.ok(row.met, `${row.goal}; ${JSON.stringify(row)}`)
  })
}
