/**
 * What the forms of the server cost to start: from sources, as npm package, as bundle. Milliseconds from the start of the process to its first
 * answer, and its memory two seconds later, with the plugins of a node-local cache and the flags of V8 that the server has; median of five. It runs
 * on a copy of Node.js that nothing else runs, so that all of its pages count.
 *
 * node test/bench/start.ts
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { query } from 'corelet/plugin/testing'
import { V8_FLAGS } from '../../src/cli/v8-flags.ts'
import { ROOT } from '../kit/sources.ts'
import { makeScratchFolder } from './scratch.ts'

const TRIES = 5
const PORT = 5350

const folder = makeScratchFolder('start')
for (const form of ['npm', 'bundle']) {
  execFileSync(process.execPath, [join(ROOT, `deploy/${form}/build.ts`), join(folder, form)])
}
symlinkSync(join(ROOT, 'node_modules'), join(folder, 'npm/node_modules'))
const node = join(folder, 'node')
copyFileSync(process.execPath, node)
const corefile = join(folder, 'Corefile')
const common =
  'bind 127.0.0.1\n  errors\n  cache 30\n  reload\n  loop\n  prometheus 127.0.0.1:5351\n  forward . 127.0.0.1:9'
const zones = ['cluster.local', 'in-addr.arpa', 'ip6.arpa', '.']
writeFileSync(corefile, zones.map((zone) => `${zone}:${PORT} {\n  ${common}\n}\n`).join(''))

console.log('| form | start ms | RSS MiB | PSS MiB |\n| --- | ---: | ---: | ---: |')
for (const [name, main] of [
  ['source', join(ROOT, 'src/cli/main.ts')],
  ['npm package', join(folder, 'npm/src/cli/main.js')],
  ['bundle', join(folder, 'bundle/src/cli/main.js')],
] as const) {
  const tries: [number, number, number][] = []
  for (let i = 0; i < TRIES; i++) tries.push(await start(main))
  const cells = [0, 1, 2].map((column) => tries.map((each) => each[column]!).sort((a, b) => a - b)[TRIES >> 1]!)
  console.log(`| ${name} | ${cells.map(Math.round).join(' | ')} |`)
}

async function start(main: string): Promise<[ms: number, rss: number, pss: number]> {
  const begun = performance.now()
  const child = spawn(node, [...V8_FLAGS, main, '-conf', corefile], { stdio: 'ignore' })
  try {
    while (!(await isAnswering())) if (performance.now() - begun > 10_000) throw new Error('it does not answer')
    const ms = performance.now() - begun
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const text = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'latin1')
    const read = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024
    return [ms, read('Rss'), read('Pss')]
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

/** A header only: the gate answers it, whatever the upstream does. */
function isAnswering(): Promise<boolean> {
  return query({ address: '127.0.0.1', port: PORT }, 'x.', 'AXFR', { timeout: 20 }).then(
    () => true,
    () => false,
  )
}
