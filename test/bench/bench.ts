/**
 * `npm run bench`: corelet beside the servers that this machine has, one after the other in each round. Only ratios within one run mean
 * something; the table has the median of all rounds.
 *
 * npm run bench -- [--rounds 5] [--seconds 5] [--load hit,miss] [--server corelet,unbound]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../kit/sources.ts'
import { createLoad, LOADS, takes } from './loads.ts'
import { type Figures, measure, startUpstream } from './measure.ts'
import { makeScratchFolder } from './scratch.ts'
import { findServers, upstreamConfig } from './servers.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    load: { type: 'string', default: LOADS.join() },
    server: { type: 'string', default: '' },
  },
})
if (values.load === 'flood') {
  await import('./flood.ts')
  process.exit()
}
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const folder = makeScratchFolder('bench')

const wanted = values.server.split(',').filter(Boolean)
const servers = findServers(folder).filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const loads = values.load.split(',').map((name) => createLoad(folder, name))
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
  const own = medians.find(({ name }) => name.startsWith('corelet'))
  console.log(`\n| ${load} | CPU µs/query | corelet / this | queries/s | lost | latency ms | PSS MiB |`)
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const { name, cpu, rate, lost, latency, memory } of medians) {
    const ratio = own ? (own.cpu / cpu).toFixed(2) : ''
    const cells = [cpu.toFixed(2), ratio, Math.round(rate), lost, latency.toFixed(2), Math.round(memory)]
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}
