/**
 * The memory of a node's cache, supervisor and worker, while it is flooded with names that are asked for once: the stock Corefile of a node,
 * answers from an Unbound. `npm run bench -- --load flood`, or node test/bench/flood.ts [--names 1000000]
 * [--main src/cli/main.ts]; it is the bundle of the image when left out. Both processes run a copy of Node.js, so that they share its
 * pages with each other only.
 */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { V8_FLAGS } from '../../src/cli/v8-flags.ts'
import { ROOT } from '../kit/sources.ts'
import { cpuTime, LOAD_CPU, startOn, startUpstream, stop, tree, untilAnswering } from './measure.ts'
import { makeScratchFolder } from './scratch.ts'
import { ADDRESS, UPSTREAM, upstreamConfig } from './servers.ts'

const PORT = 5350
const POINTS = 10
const MIB = 1024

const { values } = parseArgs({
  options: {
    names: { type: 'string', default: '1000000' },
    main: { type: 'string' },
    load: { type: 'string' },
  },
})
const folder = makeScratchFolder('flood')

const upstream = `${UPSTREAM.address}:${UPSTREAM.port}`
const env = {
  DNS_DOMAIN: 'cluster.local',
  LOCAL_DNS: ADDRESS,
  DNS_SERVER: '127.0.0.4',
  CLUSTER_DNS: upstream,
  UPSTREAM_SERVERS: upstream,
  PROMETHEUS_ENDPOINT: `${ADDRESS}:9253`,
}
const corefile = join(ROOT, 'corefiles/node-local.Corefile')
const node = join(folder, 'node')
copyFileSync(process.execPath, node)
const command = [node, ...V8_FLAGS, values.main ? resolve(values.main) : buildBundle(), '-conf', corefile]
const upstreamFile = join(folder, 'upstream.conf')
writeFileSync(upstreamFile, upstreamConfig())
const unbound = startUpstream(['unbound', '-c', upstreamFile])
const server = startOn('0', [...command, '-dns.port', String(PORT), '--supervise'], env)
await untilAnswering({ name: 'corelet', port: PORT })
console.log('| names | PSS MiB | of the worker | RSS MiB | private MiB | lost | CPU µs/query |')
console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
const names = Number(values.names)
row(0, 0)
for (let point = 1; point <= POINTS; point++) {
  const before = cpuTime(server.pid!)
  const lost = await ask(names / POINTS)
  row((names / POINTS) * point, lost, (cpuTime(server.pid!) - before) / (names / POINTS))
}
await stop(server)
unbound.kill('SIGKILL')

/** Builds what an image holds. @returns the path of its program */
function buildBundle(): string {
  execFileSync(process.execPath, [join(ROOT, 'deploy/bundle/build.ts'), join(folder, 'bundle')])
  return join(folder, 'bundle/src/cli/main.js')
}

function row(asked: number, lost: number, cpu = 0): void {
  const sizes = tree(server.pid!).map(sizesOf)
  const sum = (name: keyof Sizes) => Math.round(sizes.reduce((all, each) => all + each[name], 0))
  const cells = [asked, sum('pss'), Math.round(sizes.at(-1)!.pss), sum('rss'), sum('own'), lost, cpu.toFixed(1)]
  console.log(`| ${cells.join(' | ')} |`)
}

interface Sizes {
  rss: number
  pss: number
  own: number
}

function sizesOf(pid: number): Sizes {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / MIB
  return { rss: read('Rss'), pss: read('Pss'), own: read('Private_Clean') + read('Private_Dirty') }
}

/** Asks for `count` names that nobody asked for before. @returns how many got no answer */
async function ask(count: number): Promise<number> {
  const file = join(folder, 'queries')
  writeFileSync(file, Array.from({ length: count }, () => `m${randomBytes(6).toString('hex')}.corp A\n`).join(''))
  const words = ['-s', ADDRESS, '-p', String(PORT), '-d', file, '-n', '1', '-c', '4', '-q', '100']
  const child = spawn('taskset', ['-c', LOAD_CPU, 'dnsperf', ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  return Number(/Queries lost:\s+(\d+)/.exec(output)?.[1] ?? Number.NaN)
}
