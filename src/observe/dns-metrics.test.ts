import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RCODES, SIZE_BUCKETS, TIME_BUCKETS } from '../plugin/index.ts'
import { fakeListener } from '../testing/fake-context.ts'
import { FakeMetrics } from '../testing/fake-metrics.ts'
import { toQuery } from '../testing/messages.ts'
import { DnsMetrics, DROPPED, panicsCounter, responseSize } from './dns-metrics.ts'
import { createMetrics } from './metrics.ts'

const ANSWER = { answers: [{ name: 'example.org.', type: 'A', class: 'IN', ttl: 60, data: '192.0.2.1' }] } as const

test('a query counts in every family, with its labels', () => {
  const metrics = new FakeMetrics()
  const dns = new DnsMetrics(metrics)
  const query = toQuery('example.org', 'AAAA', {
    dnssecOk: true,
    proto: 'tcp',
    listener: fakeListener({ server: 'tls://:853' }),
  })
  for (let i = 0; i < 2; i++) dns.record(query, query.reply(ANSWER, 'cache', 'hit'), 3, 'example.org.', 'inside')
  const zone = ['tls://:853', 'example.org.', 'inside']
  assert.deepEqual(Object.fromEntries(metrics.values), {
    [['coredns_dns_requests_total', ...zone, 'tcp', '1', 'AAAA'].join('|')]: 2,
    [['coredns_dns_request_duration_seconds', ...zone].join('|')]: 2,
    [['coredns_dns_request_size_bytes', ...zone, 'tcp'].join('|')]: 2,
    [['coredns_dns_response_size_bytes', ...zone, 'tcp'].join('|')]: 2,
    [['coredns_dns_do_requests_total', ...zone].join('|')]: 2,
    [['coredns_dns_responses_total', ...zone, 'NOERROR', 'cache'].join('|')]: 2,
  })
})

test('types, families, rcodes and plugins are told apart', () => {
  const metrics = new FakeMetrics()
  const dns = new DnsMetrics(metrics)
  const count = (type: string, address: string, rcode: number, plugin: string) => {
    const query = toQuery('example.org', type, { client: { address, port: 1 } })
    dns.record(query, query.reply({ rcode }, plugin, ''), 1, '.', '')
  }
  count('A', '192.0.2.1', 0, 'cache')
  count('A', '2001:db8::1', RCODES.NXDOMAIN, 'cache')
  count('NS', '192.0.2.1', RCODES.NXDOMAIN, 'forward')
  count('HINFO', '192.0.2.1', 11, 'forward')
  count('TYPE65280', '192.0.2.1', 14, 'forward')
  const requests = (family: string, type: string) =>
    metrics.value('coredns_dns_requests_total', 'dns://:53', '.', '', 'udp', family, type)
  assert.deepEqual(
    [requests('1', 'A'), requests('2', 'A'), requests('1', 'NS'), requests('1', 'other'), requests('1', 'HINFO')],
    [1, 1, 1, 2, undefined],
  )
  const responses = (rcode: string, plugin: string) =>
    metrics.value('coredns_dns_responses_total', 'dns://:53', '.', '', rcode, plugin)
  assert.equal(responses('NXDOMAIN', 'cache'), 1)
  assert.equal(responses('NXDOMAIN', 'forward'), 1)
  assert.equal(responses('RCODE14', 'forward'), 1)
})

test('silence has no plugin and no size, failures have the header and the question', () => {
  const metrics = new FakeMetrics()
  const dns = new DnsMetrics(metrics)
  const query = toQuery('example.org')
  const silence = query.drop('acl', 'blocked')
  const failure = query.fail(RCODES.SERVFAIL, 'forward', 'no answer')
  dns.record(query, silence, 1, '.', '')
  dns.record(query, failure, 1, '.', '')
  dns.record(query, query.fail(RCODES.REFUSED, 'server', 'no zone'), 0, DROPPED, '')
  assert.equal(metrics.value('coredns_dns_responses_total', 'dns://:53', '.', '', 'NOERROR', ''), 1)
  assert.equal(metrics.value('coredns_dns_responses_total', 'dns://:53', '.', '', 'SERVFAIL', 'forward'), 1)
  assert.equal(metrics.value('coredns_dns_responses_total', 'dns://:53', DROPPED, '', 'REFUSED', ''), 1)
  assert.equal(responseSize(query, silence), 0)
  assert.equal(responseSize(query, failure), 12 + 13 + 4)
  assert.equal(responseSize(query, query.reply(ANSWER, '', '')), 12 + 17 + 13 + 10 + 4)
})

test('seconds and octets fall into the buckets of CoreDNS', async () => {
  const metrics = createMetrics()
  const query = toQuery('example.org')
  new DnsMetrics(metrics).record(query, query.reply(ANSWER, 'cache', 'hit'), 0.4, '.', '')
  const { body } = await metrics.scrape()
  const buckets = (name: string) =>
    [...body.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"[^}]*\\} (\\d)$`, 'gm'))].map(([, le, n]) => [le, n])
  assert.deepEqual(
    buckets('coredns_dns_request_duration_seconds'),
    [...TIME_BUCKETS, '+Inf'].map((le) => [String(le), le === 0.00025 ? '0' : '1']),
  )
  assert.deepEqual(
    buckets('coredns_dns_request_size_bytes'),
    [...SIZE_BUCKETS, '+Inf'].map((le) => [String(le), le === 0 ? '0' : '1']),
  )
  assert.equal(TIME_BUCKETS.at(-1), 8.192)
  assert.match(body, /^coredns_dns_request_duration_seconds_sum\{.*\} 0.0004$/m)
})

test('panics are counted from 0', async () => {
  const metrics = createMetrics()
  panicsCounter(metrics).inc()
  panicsCounter(metrics).inc()
  assert.match((await metrics.scrape()).body, /^coredns_panics_total 2$/m)
})
