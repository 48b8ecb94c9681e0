/** What the server of an agent has done, from its metrics. */
import { readListenAddress } from './listen-address.ts'

/** Sums over all blocks of the server, since it started. */
export interface ServerCounts {
  cacheHits: number
  cacheMisses: number
  /** Queries that went to upstreams, by address. */
  forwarded: Record<string, number>
}

/** Milliseconds. */
const TIMEOUT = 2000

/** Reads the metrics at `HOST:PORT`. @returns the counts, or why there are none */
export async function scrapeCounts(metricsAddress: string): Promise<ServerCounts | string> {
  const address = readListenAddress(metricsAddress)
  if (!address) return `-metrics-listen-address is off: ${metricsAddress}`
  const everywhere = ['', '0.0.0.0', '::'].includes(address.host)
  const host = everywhere ? (address.host === '::' ? '::1' : '127.0.0.1') : address.host
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/metrics`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT) })
    return readCounts(await response.text())
  } catch (error) {
    const { message, cause } = error as Error
    return `${url}: ${cause instanceof Error ? cause.message : message}`
  }
}

/** Reads the text of a scrape. */
export function readCounts(text: string): ServerCounts {
  const counts: ServerCounts = { cacheHits: 0, cacheMisses: 0, forwarded: {} }
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    const number = Number(value)
    if (name === 'coredns_cache_hits_total') counts.cacheHits += number
    else if (name === 'coredns_cache_misses_total') counts.cacheMisses += number
    else if (name === 'coredns_forward_requests_total') {
      const to = /(?:^|,)to="([^"]*)"/.exec(labels)?.[1] ?? ''
      counts.forwarded[to] = (counts.forwarded[to] ?? 0) + number
    }
  }
  return counts
}
