/**
 * What each dependency costs: milliseconds to import it and MiB of memory that are then more, each in a process of its own, median of nine.
 *
 * node test/bench/dependencies.ts
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../kit/sources.ts'

const TRIES = 9

const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
  'dependencies' | 'optionalDependencies',
  Record<string, string>
>

/** Run in the process: prints what importing the module named by its first argument took. */
const PROBE = `
const before = process.memoryUsage.rss()
const start = performance.now()
await import(process.argv[1])
console.log(JSON.stringify({ ms: performance.now() - start, mib: (process.memoryUsage.rss() - before) / 2 ** 20 }))
`

console.log('| dependency | ms | MiB |\n| --- | ---: | ---: |')
for (const name of ['node:path', ...Object.keys({ ...dependencies, ...optionalDependencies })]) {
  const tries = Array.from({ length: TRIES }, () => probe(name))
  console.log(`| ${name} | ${median(tries.map(({ ms }) => ms))} | ${median(tries.map(({ mib }) => mib))} |`)
}

function probe(name: string): { ms: number; mib: number } {
  const args = ['--input-type=module', '--eval', PROBE, name]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }))
}

function median(numbers: number[]): string {
  return numbers.sort((a, b) => a - b)[TRIES >> 1]!.toFixed(1)
}
