import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { readCounts, scrapeCounts } from './agent-scrape.ts'

const SCRAPE = `# HELP coredns_cache_hits_total The count of cache hits.
coredns_cache_hits_total{server="dns://10.96.0.10:53",type="success",zones=".",view=""} 3
coredns_cache_hits_total{server="dns://10.96.0.10:53",type="denial",zones=".",view=""} 4
coredns_cache_misses_total{server="dns://10.96.0.10:53",zones=".",view=""} 2
coredns_forward_requests_total{to="192.0.2.1:53"} 6
go_goroutines 7
`
const COUNTS = { cacheHits: 7, cacheMisses: 2, forwarded: { '192.0.2.1:53': 6 } }

test('counts are sums over all blocks', () => {
  assert.deepEqual(readCounts(SCRAPE), COUNTS)
})

test('counts are read from where the agent serves them, or it is said why not', async () => {
  const server = createServer((request, response) => response.end(request.url === '/metrics' ? SCRAPE : ''))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  assert.deepEqual(await scrapeCounts(`0.0.0.0:${port}`), COUNTS)
  assert.deepEqual(await scrapeCounts(`127.0.0.1:${port}`), COUNTS)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  assert.match(String(await scrapeCounts(`:${port}`)), /127\.0\.0\.1:\d+\/metrics: .*(ECONNREFUSED|closed)/)
  assert.match(String(await scrapeCounts('0')), /off/)
})
