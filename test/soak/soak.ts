/**
 * Runs the scenarios of `scenarios/` one after the other, in their long form, and prints a table: `npm run soak [-- [--short] [NAME …]]`. The values
 * and how long each took also go to bench-results/soak.json. Ends with status 1 when a goal was missed.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../kit/sources.ts'
import { loadScenario, loadUsual } from './list.ts'
import type { Form, Row } from './scenario.ts'

interface Result extends Row {
  name: string
  event: string
  seconds: number
}

const { values, positionals } = parseArgs({ options: { short: { type: 'boolean' } }, allowPositionals: true })
const form: Form = values.short ? 'short' : 'long'
const scenarios = positionals.length > 0 ? await Promise.all(positionals.map(loadScenario)) : await loadUsual()
const results: Result[] = []
for (const { name, event, run } of scenarios) {
  process.stderr.write(`${name}: ${event}\n`)
  const begun = performance.now()
  const row = await run(form).catch(
    (error: Error): Row => ({ sent: 0, lost: 0, measured: { error: error.message }, goal: 'it runs', met: false }),
  )
  results.push({ name, event, seconds: Math.round((performance.now() - begun) / 1000), ...row })
}

const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`
const report = { date: new Date().toISOString(), node: process.version, machine, form, results }
mkdirSync(join(ROOT, 'bench-results'), { recursive: true })
writeFileSync(join(ROOT, 'bench-results/soak.json'), `${JSON.stringify(report, null, 2)}\n`)
console.log(`${machine}, Node ${process.version}, ${report.date.slice(0, 10)}, ${form} form\n`)
console.log(`${toTable(results)}\n`)
const seconds = results.reduce((sum, result) => sum + result.seconds, 0)
console.log(`${Math.floor(seconds / 60)} min ${seconds % 60} s in all`)
for (const { name, goal } of results.filter(({ met }) => !met)) {
  console.log(`${name} MISSED its goal: ${goal}`)
  process.exitCode = 1
}

/** The results as the table of docs/reliability.md. */
function toTable(rows: readonly Result[]): string {
  const lines = rows.map(({ name, event, sent, lost, measured }) => {
    const link = `[${name}](../test/soak/scenarios/${name}.ts): ${event.replace(/ \([^()]* in short\)/, '')}`
    const besides = Object.entries(measured).map(([what, value]) => `${what}: ${toText(value)}`)
    return `| ${[link, `${toText(lost)} of ${toText(sent)}`, besides.join(', ')].join(' | ')} |`
  })
  return ['| event | lost | besides |', '|---|---|---|', ...lines].join('\n')
}

function toText(value: number | string): string {
  return typeof value === 'number' ? value.toLocaleString('en') : value
}
