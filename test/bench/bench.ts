/**
 * `npm run bench`: corelet beside the servers that this machine has, one after the other in each round. Only ratios within one run mean
 * something; the table has the median of all rounds.
 *
 * npm run bench -- [--rounds 5] [--seconds 5] [--load hit,miss] [--server corelet,unbound]
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../kit/sources.ts'
import { type Figures, type Load, measure, startUpstream } from './measure.ts'
import { findServers, upstreamConfig } from './servers.ts'

const NAMES = 1000
const MISSES = 1_000_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    load: { type: 'string', default: 'hit,miss,mixed,hit-edns,hit-tcp,hit-aaaa' },
    server: { type: 'string', default: '' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const wanted = values.server.split(',').filter(Boolean)
const servers = findServers(folder).filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const loads = values.load.split(',').map(createLoad)
const upstreamFile = join(folder, 'upstream.conf')
writeFileSync(upstreamFile, upstreamConfig())
const upstream = startUpstream(['unbound', '-c', upstreamFile])

const results = []
for (const load of loads) {
  const runs = new Map<string, Figures[]>(servers.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      if (!takes(server.name, load.name)) continue
      runs.get(server.name)!.push(await measure(server, load, seconds))
    }
  }
  const medians = [...runs]
    .filter(([, figures]) => figures.length > 0)
    .map(([name, figures]) => ({ name, ...median(figures) }))
  results.push({ load: load.name, servers: medians })
  print(load.name, medians)
}
upstream.kill('SIGKILL')
mkdirSync(join(ROOT, 'bench-results'), { recursive: true })
const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, kernel: release(), node: process.version }
writeFileSync(
  join(ROOT, 'bench-results/latest.json'),
  `${JSON.stringify({ at: new Date().toISOString(), machine, rounds, seconds, results }, null, 2)}\n`,
)

/** Variants of corelet run where they differ; the limit in C knows no TCP, forwarding or AAAA. */
function takes(server: string, load: string): boolean {
  if (server === 'corelet with aaaa-filter') return load === 'hit-aaaa'
  if (server === 'corelet without libc') return load === 'hit' || load === 'miss'
  if (server === 'limit in C') return load === 'hit'
  return true
}

function createLoad(name: string): Load {
  const type = name === 'hit-aaaa' ? 'AAAA' : 'A'
  const write = (part: string) => {
    const path = join(folder, `${name}.${part}`)
    writeFileSync(path, `${createQueries(name, type).join('\n')}\n`)
    return path
  }
  const args = name === 'hit-edns' ? ['-e', '-D'] : name === 'hit-tcp' ? ['-m', 'tcp'] : []
  return { name, queries: write('queries'), warmUp: write('warm-up'), args }
}

function createQueries(load: string, type: string): string[] {
  const hit = (i: number) => `host${i % NAMES}.corp ${type}`
  const miss = () => `m${randomBytes(6).toString('hex')}.corp ${type}`
  if (load === 'miss') return Array.from({ length: MISSES }, miss)
  if (load === 'mixed') return Array.from({ length: MISSES / 4 }, (_, i) => (Math.random() < 0.9 ? hit(i) : miss()))
  return Array.from({ length: NAMES }, (_, i) => hit(i))
}

function median(figures: Figures[]): Figures {
  const middle = (name: keyof Figures) => {
    const sorted = figures.map((each) => each[name]).sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)]!
  }
  return {
    cpu: middle('cpu'),
    rate: middle('rate'),
    lost: middle('lost'),
    latency: middle('latency'),
    memory: middle('memory'),
  }
}

function print(load: string, medians: ({ name: string } & Figures)[]): void {
  const own = medians.find(({ name }) => name === 'corelet')
  console.log(`\n| ${load} | CPU µs/query | corelet / this | queries/s | lost | latency ms | PSS MiB |`)
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const { name, cpu, rate, lost, latency, memory } of medians) {
    const ratio = own ? (own.cpu / cpu).toFixed(2) : ''
    const cells = [cpu.toFixed(2), ratio, Math.round(rate), lost, latency.toFixed(2), Math.round(memory)]
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}
