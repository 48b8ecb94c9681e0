import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missing, order } from '../../plugins/order.ts'
import type { AnyPlugin } from '../../src/plugin/define.ts'
import { listPlugins } from '../kit/sources.ts'

/** The order of CoreDNS 1.14.7. */
const COREDNS =
  `root metadata geoip cancel proxyproto quic grpc_server https https3 timeouts multisocket reload nsid bufsize bind
  debug trace ready health pprof shed prometheus errors log dnstap local dns64 any chaos loadbalance tsig rewrite autopath acl
  cache header dnssec tls minimal template transfer hosts route53 azure clouddns k8s_external kubernetes file auto secondary
  etcd loop forward grpc erratic whoami on sign view nomad`.split(/\s+/)

/** Plugins that CoreDNS does not have, in their order. */
const OURS = ['aaaa-filter', 'search-filter', 'alternate', 'fanout']

const names = order.map(([name]) => name)

test("plugins that CoreDNS has stand in CoreDNS's order", () => {
  const shared = names.filter((name) => COREDNS.includes(name))
  assert.deepEqual(
    shared,
    COREDNS.filter((name) => shared.includes(name)),
  )
  assert.ok(shared.length >= 13)
})

test('our own plugins stand where they belong', () => {
  assert.deepEqual(
    names.filter((name) => !COREDNS.includes(name)),
    OURS,
  )
  assert.ok(names.indexOf('log') < names.indexOf('aaaa-filter'), 'what it answers is logged and counted')
  assert.ok(
    names.indexOf('aaaa-filter') < names.indexOf('cache'),
    'it may depend on the client, what is cached does not',
  )
  assert.ok(names.indexOf('search-filter') < names.indexOf('cache'), 'what it answers is not worth caching')
  assert.ok(names.indexOf('alternate') < names.indexOf('forward'), 'it asks again what forward could not answer')
})

test('each plugin of CoreDNS is there or known to be missing', () => {
  assert.deepEqual([...names, ...missing].filter((name) => !OURS.includes(name)).sort(), [...COREDNS].sort())
})

test('each folder has a place in the order, once, and its plugin the same name', async () => {
  assert.deepEqual([...names].sort(), listPlugins())
  for (const [name, load] of order) {
    const plugin = (await load()).default as AnyPlugin
    assert.equal(plugin.name, name)
    assert.match(plugin.summary, /^[a-z].*[^.]$/s, `${name}: a summary is a phrase`)
    assert.ok(!plugin.summary.includes('\n'))
  }
})
