/**
 * Latency of cached answers at half load: hits at a fixed rate, 5,000 misses a second beside them, and a reload every second. Prints quantiles
 * of the hits, quiet and disturbed, and those of the limit in C: what load generator and machine add themselves.
 *
 * node test/bench/latency.ts [--rate 50000] [--seconds 5]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createLoad } from './loads.ts'
import { startOn, startUpstream, stop, untilAnswering } from './measure.ts'
import { makeScratchFolder } from './scratch.ts'
import { ADDRESS, findServers, type ServerUnderTest, upstreamConfig } from './servers.ts'

const { values } = parseArgs({
  options: { rate: { type: 'string', default: '50000' }, seconds: { type: 'string', default: '5' } },
})
const MISSES_PER_SECOND = 5000
const folder = makeScratchFolder('latency')
const servers = findServers(folder)
const [hits, misses] = ['hit', 'miss'].map((name) => createLoad(folder, name))
writeFileSync(join(folder, 'upstream.conf'), upstreamConfig())
const upstream = startUpstream(['unbound', '-c', join(folder, 'upstream.conf')])

console.log(`| hits at ${values.rate} a second | p50 ms | p99 ms | p99.9 ms | worst ms | lost |`)
console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
await run('limit in C', 'limit in C', false)
await run('corelet', 'corelet', false)
await run('corelet', 'corelet, misses and reloads beside', true)
upstream.kill('SIGKILL')

async function run(name: string, label: string, disturbed: boolean): Promise<void> {
  const server = servers.find((each) => each.name === name)
  if (!server) return
  const child = startOn('0', server.command)
  try {
    await untilAnswering(server)
    await ask(server, hits!.queries, Number(values.rate), 2)
    const beside = disturbed ? ask(server, misses!.queries, MISSES_PER_SECOND, Number(values.seconds)) : undefined
    const reloads = disturbed ? setInterval(() => child.kill('SIGUSR1'), 1000) : undefined
    const { latencies, lost } = await ask(server, hits!.queries, Number(values.rate), Number(values.seconds))
    clearInterval(reloads)
    await beside
    latencies.sort()
    const at = (share: number) => (latencies[Math.floor(latencies.length * share)]! * 1000).toFixed(2)
    console.log(`| ${label} | ${at(0.5)} | ${at(0.99)} | ${at(0.999)} | ${at(1 - 1e-9)} | ${lost} |`)
  } finally {
    await stop(child)
  }
}

/** Seconds that each answer took. */
async function ask({ port }: ServerUnderTest, queries: string, rate: number, seconds: number) {
  const words = ['-s', ADDRESS, '-p', port, '-d', queries, '-l', seconds, '-Q', rate, '-c', 4, '-v'].map(String)
  const child: ChildProcess = spawn('taskset', ['-c', '1', 'dnsperf', ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const latencies: number[] = []
  let lost = Number.NaN
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('> ')) latencies.push(Number(line.slice(line.lastIndexOf(' ') + 1)))
    else if (line.includes('Queries lost:')) lost = Number(/(\d+) \(/.exec(line)?.[1])
  }
  return { latencies: Float64Array.from(latencies.filter((latency) => latency > 0)), lost }
}
