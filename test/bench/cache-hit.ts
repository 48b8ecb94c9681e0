/**
 * What a cache hit costs without sockets: octets of a query in, octets of the answer out, through gate, route, chain (`errors`, `cache`,
 * `prometheus`) and the last step. Prints time and heap per hit over a million hits, and the memory of an entry. Takes two seconds.
 *
 * npm run bench:hit
 */
import { parseRecord, Query, type Reply } from 'corelet/plugin'
import cache from '../../plugins/cache/index.ts'
import errors from '../../plugins/errors/index.ts'
import prometheus from '../../plugins/prometheus/index.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { composeChain, type Handler } from '../../src/plugin/chain.ts'
import { systemClock } from '../../src/plugin/clock.ts'
import { RouteTable } from '../../src/server/route.ts'
import { QueryServer } from '../../src/server/serve.ts'
import { DEFAULT_SETTINGS } from '../../src/server/settings.ts'
import { fakeContext, fakeListener } from '../../src/testing/fake-context.ts'
import { toQuery } from '../../src/testing/messages.ts'
import { startPlugin } from '../../src/testing/start-plugin.ts'

const NAMES = 10_000
const ROUNDS = 100

const listener = fakeListener()
const client = { address: '192.0.2.53', port: 40_212, family: 1 } as const
const local = { address: '127.0.0.1', port: 53 }
const gc = globalThis.gc ?? (() => {})

const metrics = createMetrics()
const handlers: Handler[] = []
for (const [plugin, text] of [
  [prometheus, 'prometheus'],
  [errors, 'errors'],
  [cache, 'cache'],
] as const) {
  const { running } = await startPlugin(
    plugin as never,
    text,
    Object.assign(fakeContext(), { clock: systemClock, metrics }) as never,
  )
  handlers.push(running.handler!)
}
let filling = true
handlers.push((query): Reply => {
  if (!filling) throw new Error('a hit asked the rest of the chain')
  return query.reply({ answers: [parseRecord(`${query.name} 300 IN A 192.0.2.1`)] }, 'upstream', 'answered')
})
const chain = composeChain(handlers.map((handler, i) => ({ plugin: `plugin${i}`, handler })))
const server = new QueryServer(new RouteTable([{ zone: '.', view: '', chain }]), DEFAULT_SETTINGS, {
  dropped: () => {},
  overloaded: () => {},
  now: () => 0,
  panic: (_query, error) => {
    throw error
  },
})

let octets = 0
const sink = {
  out: new Uint8Array(65_535),
  offset: 0,
  send(length: number) {
    octets += length
  },
  keep() {},
}
const packets = Array.from(
  { length: NAMES },
  (_, i) => toQuery(`host${i}.service.example.org.`, 'A', { udpSize: 1232 }).packet,
)
const query = new Query(listener, client, local, 'udp', 0)
const before = memory()
runOnce()
const stored = memory()
filling = false
for (let round = 0; round < 10; round++) runOnce()
const used = memory()
const perName = (octets: number) => Math.round(octets / NAMES)
console.log(`${perName(stored - before)} bytes an entry, ${perName(used - stored)} more once it is asked for again`)
const times: number[] = []
let allocated = 0
let heap = heapUsed()
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now()
  runOnce()
  times.push(((performance.now() - start) * 1e6) / NAMES)
  const now = heapUsed()
  // Where the heap shrank, the young generation was collected.
  if (now > heap) allocated += now - heap
  heap = now
}
times.sort((a, b) => a - b)
const perHit = Math.round(allocated / (NAMES * ROUNDS))
console.log(
  `${Math.round(times[ROUNDS >> 1]!)} ns a hit (best ${Math.round(times[0]!)}), ${perHit} bytes of heap a hit`,
)
console.log(`${octets} octets answered`)

function runOnce(): void {
  for (const packet of packets) {
    query.renew(client, local, 'udp', 0)
    server.serve(packet, query, sink)
  }
}

function heapUsed(): number {
  return process.memoryUsage().heapUsed
}

function memory(): number {
  gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
