import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import fc from 'fast-check'
import cache from './index.ts'
import { upstream } from './testing.ts'

const nx = { rcode: RCODES.NXDOMAIN, authorities: ['. 300 IN SOA a. b. 1 2 3 4 300'] }
const address = upstream((query) => toReply(query, { answers: [`${query.name} 300 IN A 192.0.2.1`] }))
const denied = upstream(nx)

const label = (part: string) => ['dns://:53', part, '.', ''] as const

async function start(text: string) {
  const plugin = await startPlugin(cache, text)
  const { metrics } = plugin.context
  return {
    /** Whether the cache had it. */
    has: (name: string, next = address) => plugin.askNow(toQuery(name), next).plugin === 'cache',
    entries: (part: string) => metrics.value('coredns_cache_entries', ...label(part)),
    evictions: (part: string) => metrics.value('coredns_cache_evictions_total', ...label(part)),
  }
}

describe('capacity', () => {
  test('takes no memory before there are entries', async () => {
    const before = process.memoryUsage()
    const caches = []
    for (let i = 0; i < 50; i++) caches.push(await start('cache {\nsuccess 100000\n}'))
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    const taken = heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers
    assert.ok(taken / caches.length < 500_000, `${taken / caches.length} octets each`)
  })

  test('what was used longest ago makes room', async () => {
    const { has, entries, evictions } = await start('cache {\nsuccess 2000\n}')
    for (let i = 0; i < 2000; i++) has(`n${i}.`)
    assert.equal(evictions('success'), undefined)
    has('n0.')
    has('new.')
    assert.deepEqual([entries('success'), evictions('success')], [2000, 1])
    assert.deepEqual([has('n0.'), has('n1.')], [true, false])
  })

  test('is at least 1024, as 256 shards of 4', async () => {
    for (const capacity of ['1', '0', '-5', '1023']) {
      const { has, entries, evictions } = await start(`cache {\ndenial ${capacity}\n}`)
      for (let i = 0; i < 1030; i++) has(`n${i}.`, denied)
      assert.deepEqual([entries('denial'), evictions('denial'), entries('success')], [1024, 6, 0])
    }
  })

  test('of any size takes memory only for what max_bytes lets in', async () => {
    const { has } = await start('cache {\nsuccess 9007199254740991\n}')
    assert.deepEqual([has('a.'), has('a.')], [false, true])
  })

  test('overwriting evicts nothing', async () => {
    const plugin = await startPlugin(cache, 'cache {\nsuccess 1024\n}')
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 1024; i++) plugin.askNow(toQuery(`n${i}.`), address)
      await plugin.context.clock.advance(300_000)
    }
    assert.equal(plugin.context.metrics.value('coredns_cache_evictions_total', ...label('success')), undefined)
  })
})

describe('max_bytes', () => {
  const big = upstream((query) =>
    toReply(query, {
      answers: Array.from({ length: 60 }, (_, i) => `${query.name} 300 IN TXT ${'x'.repeat(200)}${i}`),
    }),
  )
  const text = (name: string) => toQuery(name, 'TXT')

  test('bounds both parts together, the larger one gives way', async () => {
    const plugin = await startPlugin(cache, 'cache {\nmax_bytes 256K\n}')
    const { metrics } = plugin.context
    for (let i = 0; i < 50; i++) plugin.askNow(toQuery(`n${i}.`), denied)
    for (let i = 0; i < 50; i++) plugin.askNow(text(`n${i}.`), big)
    const held = metrics.value('coredns_cache_entries', ...label('success'))!
    assert.ok(held > 5 && held < 20, `${held} answers of 13 kB are held`)
    assert.equal(metrics.value('coredns_cache_evictions_total', ...label('success')), 50 - held)
    assert.equal(metrics.value('coredns_cache_entries', ...label('denial')), 50)
    assert.equal(plugin.askNow(text('n49.'), big).plugin, 'cache')
    assert.equal(plugin.askNow(text('n0.'), big).plugin, 'upstream')
  })

  test('bounds the sum of two parts that are alike', async () => {
    const plugin = await startPlugin(cache, 'cache {\nmax_bytes 256K\n}')
    const additionals = Array.from({ length: 60 }, (_, i) => `x. 300 IN TXT ${'x'.repeat(200)}${i}`)
    const bigDenied = upstream({ ...nx, additionals })
    for (let i = 0; i < 50; i++) {
      plugin.askNow(text(`n${i}.`), big)
      plugin.askNow(text(`m${i}.`), bigDenied)
    }
    const counts = ['success', 'denial'].map(
      (part) => plugin.context.metrics.value('coredns_cache_entries', ...label(part))!,
    )
    assert.ok(
      counts.every((count) => count > 5 && count < 12),
      `${counts} of 13 kB are held`,
    )
  })

  test('keeps the largest answer there is', async () => {
    const plugin = await startPlugin(cache, 'cache {\nmax_bytes 128K\n}')
    const huge = upstream((query) =>
      toReply(query, { answers: Array.from({ length: 2600 }, (_, i) => `${query.name} 300 IN TXT ${i}xxxxxxx`) }),
    )
    plugin.askNow(text('huge.'), huge)
    assert.equal(plugin.askNow(text('huge.'), huge).plugin, 'cache')
  })
})

test('against a model: no TTL above the original, none served past its time, the rest is asked anew', async () => {
  const names = ['a.', 'www.a.', 'WWW.a.', 'www\\.a.', 'b.']
  const step = fc.record({
    name: fc.constantFrom(...names),
    dnssecOk: fc.boolean(),
    wait: fc.integer({ min: 0, max: 40_000 }),
    ttl: fc.integer({ min: 0, max: 90 }),
    rcode: fc.constantFrom(RCODES.NOERROR, RCODES.NXDOMAIN, RCODES.SERVFAIL),
  })
  const stale = 30
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const plugin = await startPlugin(cache, `cache {\nserve_stale ${stale}s verify\n}`)
      const model = new Map<string, { at: number; ttl: number; rcode: number }>()
      for (const { name, dnssecOk, wait, ttl, rcode } of steps) {
        await plugin.context.clock.advance(wait)
        const now = plugin.context.clock.monotonic()
        const key = `${name.toLowerCase()} ${dnssecOk}`
        const known = model.get(key)
        const left = known ? known.ttl - Math.floor((now - known.at) / 1000) : undefined
        let asked = 0
        const reply = await plugin.ask(toQuery(name, 'A', { dnssecOk }), (query) => {
          asked++
          return toReply(query, {
            rcode,
            answers: rcode === RCODES.NOERROR ? [`${query.name} ${ttl} IN A 192.0.2.1`] : [],
            authorities: rcode === RCODES.NXDOMAIN ? [`. ${ttl} IN SOA a. b. 1 2 3 4 ${ttl}`] : [],
          })
        })
        const sent = [...reply.answers, ...reply.authorities][0]?.ttl
        const usable = known !== undefined && left! > 0
        const expired = known !== undefined && !usable && -left! < stale && known.rcode !== RCODES.SERVFAIL
        if (usable) {
          assert.deepEqual([asked, reply.rcode], [0, known.rcode])
          if (known.rcode !== RCODES.SERVFAIL) assert.equal(sent, left)
        } else if (expired && rcode === RCODES.SERVFAIL) {
          assert.deepEqual([reply.rcode, sent], [known.rcode, 0])
          assert.ok(asked <= 1)
        } else if (!expired || asked === 1) {
          assert.equal(asked, 1)
          assert.equal(reply.rcode, rcode)
          const kept = rcode === RCODES.SERVFAIL ? 5 : Math.max(5, ttl)
          if (rcode !== RCODES.SERVFAIL) assert.equal(sent, kept)
          model.set(key, { at: now, ttl: kept, rcode })
        } else {
          assert.deepEqual([asked, reply.rcode, sent], [0, known!.rcode, 0])
        }
      }
    }),
    { numRuns: 60 },
  )
})
