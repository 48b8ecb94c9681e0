/**
 * What a cache hit costs without sockets: octets of a query in, octets of the answer out. Prints time and heap per hit, and the memory of an
 * entry. Run: node --expose-gc test/bench/cache-hit.ts
 */
import { parseRecord, Query, type Reply } from 'corelet/plugin'
import cache from '../../plugins/cache/index.ts'
import { readQuery } from '../../src/dns/query-view.ts'
import { systemClock } from '../../src/plugin/clock.ts'
import { fakeContext, fakeListener, startPlugin, toNext, toQuery } from '../../src/plugin/testing.ts'
import { finishReply } from '../../src/server/finish.ts'

const NAMES = 10_000
const ROUNDS = 100

const listener = fakeListener()
const client = { address: '192.0.2.53', port: 40_212 }
const local = { address: '127.0.0.1', port: 53 }
const gc = globalThis.gc ?? (() => {})
const counter = { inc() {}, dec() {}, set() {}, observe() {} }
const family = { with: () => counter, remove() {}, clear() {} }
const metrics = {
  counter: () => family,
  gauge: () => family,
  histogram: () => family,
  scrape: async () => ({ contentType: '', body: '' }),
}
const { running } = await startPlugin(
  cache,
  'cache',
  Object.assign(fakeContext(), { clock: systemClock, metrics }) as never,
)

const upstream = toNext(
  (query): Reply => query.reply({ answers: [parseRecord(`${query.name} 300 IN A 192.0.2.1`)] }, 'upstream', 'answered'),
)
const nothing = toNext(() => {
  throw new Error('a hit asked the rest of the chain')
})

const packets = Array.from(
  { length: NAMES },
  (_, i) => toQuery(`host${i}.service.example.org.`, 'A', { udpSize: 1232 }).packet,
)
const before = memory()
for (const packet of packets) void running.handler!(toServe(packet), upstream)
console.log(`${Math.round((memory() - before) / NAMES)} bytes an entry`)

const out = new Uint8Array(65_535)
let octets = 0
for (let round = 0; round < 10; round++) runOnce()
gc()
const heap = process.memoryUsage().heapUsed
runOnce()
const perHit = Math.round((process.memoryUsage().heapUsed - heap) / NAMES)
const times: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now()
  runOnce()
  times.push(((performance.now() - start) * 1e6) / NAMES)
}
times.sort((a, b) => a - b)
console.log(
  `${Math.round(times[ROUNDS >> 1]!)} ns a hit (best ${Math.round(times[0]!)}), ${perHit} bytes of heap a hit`,
)
console.log(`${octets} octets answered`)

function runOnce(): void {
  for (const packet of packets) {
    const query = toServe(packet)
    octets += finishReply(query, running.handler!(query, nothing) as Reply, out, 0, 1232)
  }
}

function toServe(packet: Uint8Array): Query {
  const query = new Query(listener, client, local, 'udp', 0)
  readQuery(packet, query)
  return query
}

function memory(): number {
  gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
