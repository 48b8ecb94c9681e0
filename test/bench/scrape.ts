/**
 * How long a scrape of 2,000 series keeps the event loop from everything else: the longest pause between two turns of the loop in each of 50
 * scrapes. A series is a line of the scrape; there are those of the process beside.
 *
 * node test/bench/scrape.ts [SERIES]
 */
import { RCODES } from 'corelet/plugin'
import { DnsMetrics } from '../../src/observe/dns-metrics.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { fakeListener } from '../../src/testing/fake-context.ts'
import { toQuery } from '../../src/testing/messages.ts'

const SCRAPES = 50
const series = Number(process.argv[2] ?? 2000)

const metrics = createMetrics({ version: 'bench', revision: '' })
const dns = new DnsMetrics(metrics)
let lines = 0
for (let zone = 0; lines < series; zone++) {
  for (const type of ['A', 'AAAA', 'PTR', 'SRV']) {
    const query = toQuery(`host.zone${zone}.example.`, type, { listener: fakeListener() })
    dns.record(query, query.reply({ rcode: RCODES.NOERROR }, 'cache', 'hit'), 1, `zone${zone}.example.`, '')
  }
  lines = count((await metrics.scrape()).body)
}

const pauses: number[] = []
for (let i = 0; i < SCRAPES; i++) pauses.push(await longestPause(() => metrics.scrape()))
pauses.sort((a, b) => a - b)
const [median, worst] = [pauses[SCRAPES >> 1]!, pauses.at(-1)!].map((ms) => ms.toFixed(1))
console.log(
  `${lines} series: a scrape stops the event loop for ${median} ms (median), ${worst} ms (worst of ${SCRAPES})`,
)

function count(body: string): number {
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
}

/** Milliseconds between two turns of the event loop while `work` is done. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let working = true
  let longest = 0
  let before = performance.now()
  const turn = () => {
    const now = performance.now()
    longest = Math.max(longest, now - before)
    before = now
    if (working) setImmediate(turn)
  }
  setImmediate(turn)
  await new Promise((resolve) => setImmediate(resolve))
  before = performance.now()
  longest = 0
  await work()
  working = false
  turn()
  return longest
}
