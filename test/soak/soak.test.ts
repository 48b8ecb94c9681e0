/** Each scenario in its short form. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { killLeftovers } from '../kit/process.ts'
import { listScenarios, loadScenario } from './list.ts'

after(killLeftovers)

for (const name of listScenarios()) {
  const { event, run } = await loadScenario(name)
  test(`${name}: ${event}`, { timeout: 60_000 }, async () => {
    const row = await run('short')
    assert.ok(row.met, `${row.goal}; ${JSON.stringify(row)}`)
  })
}
