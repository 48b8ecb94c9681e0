import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { startServer, type TestServer, toLines } from 'corelet/plugin/testing'
import type { FakeApi } from '../../src/kubernetes/testing.ts'
import {
  NAMESPACES,
  namespace,
  PODS,
  pod,
  SERVICES,
  SLICES,
  service,
  slice,
  startApi,
  startCluster,
} from './testing.ts'

const SUFFIX = 'svc.cluster.local.'
const { NOERROR, NXDOMAIN, SERVFAIL, REFUSED } = RCODES

let api: FakeApi
let server: TestServer
before(async () => {
  api = await startApi()
  server = await startCluster(api, { options: 'pods verified\n zonal' })
})
after(async () => {
  await server.stop()
  await api[Symbol.asyncDispose]()
})

/** `TYPE DATA` of the answers, or the name of the rcode when there are none; a denial has the zone's SOA. */
async function ask(name: string, type: string, of: TestServer = server): Promise<string[]> {
  const reply = await of.query(name, type)
  const rcode = Object.keys(RCODES).find((key) => RCODES[key as keyof typeof RCODES] === reply.rcode)!
  if (reply.answers.length === 0) {
    const [soa, ...more] = reply.authorities
    assert.ok(soa?.type === 'SOA' && more.length === 0, `${name} ${type}: a denial has its SOA`)
    assert.ok(reply.flags & 0x0400, `${name} ${type}: AA`)
    return [rcode === 'NOERROR' ? 'NODATA' : rcode]
  }
  assert.equal(rcode, 'NOERROR', name)
  return toLines(reply.answers).map((line) => line.split(' ').slice(3).join(' '))
}

/** Waits for what a watch brings. */
async function eventually(name: string, type: string, expected: readonly string[], of: TestServer = server) {
  const deadline = performance.now() + 10_000
  for (;;) {
    const found = await ask(name, type, of)
    if (found.join() === expected.join()) return
    if (performance.now() > deadline) assert.deepEqual(found, expected)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('names are answered as the specification says', async () => {
  const cases: [name: string, type: string, expected: string[]][] = [
    // Services with an address
    [`svc1.testns.${SUFFIX}`, 'A', ['A 10.0.0.1']],
    [`SVC1.TestNS.${SUFFIX}`, 'A', ['A 10.0.0.1']],
    [`svc1.testns.${SUFFIX}`, 'AAAA', ['NODATA']],
    [`svc1.testns.${SUFFIX}`, 'MX', ['NODATA']],
    [`svc1.testns.${SUFFIX}`, 'TXT', ['NODATA']],
    [`svc1.testns.${SUFFIX}`, 'CNAME', ['NODATA']],
    [`svc1.testns.${SUFFIX}`, 'PTR', ['NODATA']],
    [`svc1.testns.${SUFFIX}`, 'SOA', ['NODATA']],
    [`svc1.testns.${SUFFIX}`, 'SRV', [`SRV 0 100 80 svc1.testns.${SUFFIX}`]],
    [`_http._tcp.svc1.testns.${SUFFIX}`, 'SRV', [`SRV 0 100 80 svc1.testns.${SUFFIX}`]],
    [`http.tcp.svc1.testns.${SUFFIX}`, 'SRV', [`SRV 0 100 80 svc1.testns.${SUFFIX}`]],
    [`_http._tcp.svc1.testns.${SUFFIX}`, 'A', ['A 10.0.0.1']],
    [`_http._udp.svc1.testns.${SUFFIX}`, 'SRV', ['NXDOMAIN']],
    [`_dns._udp.two.other.${SUFFIX}`, 'SRV', [`SRV 0 100 53 two.other.${SUFFIX}`]],
    [`two.other.${SUFFIX}`, 'SRV', [`SRV 0 50 80 two.other.${SUFFIX}`, `SRV 0 50 53 two.other.${SUFFIX}`]],
    [`dual.testns.${SUFFIX}`, 'A', ['A 10.0.0.3']],
    [`dual.testns.${SUFFIX}`, 'AAAA', ['AAAA 1234:abcd::3']],
    [`dual.testns.${SUFFIX}`, 'SRV', [`SRV 0 50 80 dual.testns.${SUFFIX}`]],
    [`ep1a.svc1.testns.${SUFFIX}`, 'A', ['A 172.0.0.1']],
    [`ep1b.svc1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`empty.testns.${SUFFIX}`, 'A', ['A 10.0.0.4']],
    [`none.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`svc1.gone.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`a.b.c.svc1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    // Headless services
    [`hdls1.testns.${SUFFIX}`, 'A', ['A 172.0.0.2', 'A 172.0.0.3', 'A 172.0.0.5', 'A 172.0.0.6']],
    [`hdls1.testns.${SUFFIX}`, 'AAAA', ['AAAA 5678:abcd::1']],
    [`172-0-0-2.hdls1.testns.${SUFFIX}`, 'A', ['A 172.0.0.2']],
    [`172-0-0-4.hdls1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`5678-abcd--1.hdls1.testns.${SUFFIX}`, 'AAAA', ['AAAA 5678:abcd::1']],
    [`dup.hdls1.testns.${SUFFIX}`, 'A', ['A 172.0.0.5', 'A 172.0.0.6']],
    [`bogus.hdls1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`portless.testns.${SUFFIX}`, 'A', ['A 172.0.0.20']],
    [`portless.testns.${SUFFIX}`, 'SRV', ['NODATA']],
    [`hdlsempty.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`hdlsempty.testns.${SUFFIX}`, 'SOA', ['NODATA']],
    // Zones of the cluster
    [`zone-a.pin._zone.hdls1.testns.${SUFFIX}`, 'A', ['A 172.0.0.2']],
    [`zone-c.pin._zone.hdls1.testns.${SUFFIX}`, 'A', ['NODATA']],
    [`zone-c.pin._zone.hdls1.testns.${SUFFIX}`, 'TXT', ['NODATA']],
    [`zone-b.prefer._zone.hdls1.testns.${SUFFIX}`, 'A', ['A 172.0.0.3']],
    [`zone-c.prefer._zone.hdls1.testns.${SUFFIX}`, 'AAAA', ['AAAA 5678:abcd::1']],
    [`zone-a.near._zone.hdls1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`zone-a.pin._zone.svc1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    // Other names
    [`inner.testns.${SUFFIX}`, 'A', [`CNAME svc1.testns.${SUFFIX}`, 'A 10.0.0.1']],
    [`inner.testns.${SUFFIX}`, 'CNAME', [`CNAME svc1.testns.${SUFFIX}`]],
    [`inner.testns.${SUFFIX}`, 'SRV', ['NODATA']],
    [`inner.testns.${SUFFIX}`, 'TXT', ['NODATA']],
    [`dangling.testns.${SUFFIX}`, 'A', ['NODATA']],
    [`round.testns.${SUFFIX}`, 'A', ['NODATA']],
    [`literal.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    [`ep.external.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    // Names that hold others
    ['cluster.local.', 'A', ['NODATA']],
    ['cluster.local.', 'TXT', ['NXDOMAIN']],
    [SUFFIX, 'A', ['NODATA']],
    [SUFFIX, 'TXT', ['NXDOMAIN']],
    [`testns.${SUFFIX}`, 'A', ['NODATA']],
    [`testns.${SUFFIX}`, 'NS', ['NODATA']],
    [`gone.${SUFFIX}`, 'A', ['NXDOMAIN']],
    ['pod.cluster.local.', 'A', ['NODATA']],
    ['else.cluster.local.', 'A', ['NXDOMAIN']],
    ['dns-version.cluster.local.', 'TXT', ['TXT "1.1.0"']],
    ['dns-version.cluster.local.', 'A', ['NXDOMAIN']],
    ['ns.dns.cluster.local.', 'MX', ['NODATA']],
    ['ns.dns.cluster.local.', 'SRV', ['NODATA']],
    ['ns.dns.cluster.local.', 'CNAME', ['NODATA']],
    ['ns.dns.cluster.local.', 'TXT', ['NXDOMAIN']],
    ['ns.dns.cluster.local.', 'PTR', ['NXDOMAIN']],
    // Pods
    ['172-0-0-2.testns.pod.cluster.local.', 'A', ['A 172.0.0.2']],
    ['172-0-0-2.testns.pod.cluster.local.', 'AAAA', ['NODATA']],
    ['172-0-0-2.other.pod.cluster.local.', 'A', ['NXDOMAIN']],
    ['172-0-0-99.testns.pod.cluster.local.', 'A', ['NXDOMAIN']],
    ['testns.pod.cluster.local.', 'A', ['NODATA']],
    ['x.172-0-0-2.testns.pod.cluster.local.', 'A', ['A 172.0.0.2']],
    // Addresses
    ['1.0.0.10.in-addr.arpa.', 'PTR', [`PTR svc1.testns.${SUFFIX}`]],
    ['1.0.0.172.in-addr.arpa.', 'PTR', [`PTR ep1a.svc1.testns.${SUFFIX}`]],
    ['2.0.0.172.in-addr.arpa.', 'PTR', [`PTR 172-0-0-2.hdls1.testns.${SUFFIX}`]],
    ['4.0.0.172.in-addr.arpa.', 'PTR', ['NXDOMAIN']],
    ['0.10.in-addr.arpa.', 'PTR', ['NXDOMAIN']],
    ['in-addr.arpa.', 'PTR', ['NODATA']],
    ['1.0.0.10.in-addr.arpa.', 'A', ['NXDOMAIN']],
    ['3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa.', 'PTR', [`PTR dual.testns.${SUFFIX}`]],
  ]
  for (const [name, type, expected] of cases) assert.deepEqual(await ask(name, type), expected, `${name} ${type}`)
})

test('answers carry the letter case of the client, the TTL, and the addresses of their targets', async () => {
  await using other = await startCluster(api, { options: 'ttl 400' })
  const srv = await other.query('dup.hdls1.testns.svc.Cluster.LOCAL.', 'SRV')
  assert.deepEqual(toLines(srv.answers), [
    'dup.hdls1.testns.svc.Cluster.LOCAL. 400 IN SRV 0 50 80 dup.hdls1.testns.svc.Cluster.LOCAL.',
  ])
  assert.deepEqual(toLines(srv.additionals), [
    'dup.hdls1.testns.svc.Cluster.LOCAL. 400 IN A 172.0.0.5',
    'dup.hdls1.testns.svc.Cluster.LOCAL. 400 IN A 172.0.0.6',
  ])
  const denied = await other.query('none.testns.svc.CLUSTER.local.', 'A')
  const [soa] = toLines(denied.authorities)
  assert.match(soa!, /^CLUSTER\.local\. 300 IN SOA ns\.dns\.CLUSTER\.local\. hostmaster\.\S+ \d+ 7200 1800 86400 400$/)
})

test('pods have names as the option says', async () => {
  const names = ['172-0-0-99.testns.pod.cluster.local.', 'testns.pod.cluster.local.', 'word.testns.pod.cluster.local.']
  const cases: [options: string, expected: string[]][] = [
    ['', ['NXDOMAIN', 'NXDOMAIN', 'NXDOMAIN']],
    ['pods disabled', ['NXDOMAIN', 'NXDOMAIN', 'NXDOMAIN']],
    ['pods insecure', ['A 172.0.0.99', 'NODATA', 'NXDOMAIN']],
  ]
  for (const [options, expected] of cases) {
    await using other = await startCluster(api, { options })
    const found = await Promise.all(names.map((name) => ask(name, 'A', other)))
    assert.deepEqual(found.flat(), expected, options)
  }
})

test('namespaces, endpoints, pod names and empty services follow their options', async () => {
  const cases: [options: string, name: string, type: string, expected: string[]][] = [
    ['namespaces other', `svc1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    ['namespaces other', `two.other.${SUFFIX}`, 'A', ['A 10.0.1.2']],
    ['namespaces other', '1.0.0.10.in-addr.arpa.', 'PTR', ['NXDOMAIN']],
    ['namespaces other', '1.0.0.172.in-addr.arpa.', 'PTR', ['NXDOMAIN']],
    ['noendpoints', `hdls1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    ['noendpoints', `svc1.testns.${SUFFIX}`, 'A', ['A 10.0.0.1']],
    ['endpoint_pod_names', `pod-2.hdls1.testns.${SUFFIX}`, 'A', ['A 172.0.0.2']],
    ['ignore empty_service', `empty.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
    ['ignore empty_service', `svc1.testns.${SUFFIX}`, 'A', ['A 10.0.0.1']],
    ['', `zone-a.pin._zone.hdls1.testns.${SUFFIX}`, 'A', ['NXDOMAIN']],
  ]
  for (const [options, name, type, expected] of cases) {
    await using other = await startCluster(api, { options })
    assert.deepEqual(await ask(name, type, other), expected, `${options}: ${name}`)
  }
})

test('a service of another name is looked up through the whole server', async () => {
  const more = 'template IN A interwebs.test {\n answer "{{ .Name }} 60 IN A 192.0.2.33"\n }'
  await using other = await startCluster(api, { more })
  assert.deepEqual(await ask(`external.testns.${SUFFIX}`, 'A', other), ['CNAME ext.interwebs.test.', 'A 192.0.2.33'])
  assert.deepEqual(await ask(`external.testns.${SUFFIX}`, 'CNAME', other), ['CNAME ext.interwebs.test.'])
})

test('where a service of another name leads stays known when the lookup fails', async () => {
  for (const more of [
    '',
    'template IN A interwebs.test {\n rcode SERVFAIL\n }',
    'template IN A interwebs.test {\n rcode NXDOMAIN\n }',
  ]) {
    await using other = await startCluster(api, { more })
    assert.deepEqual(await ask(`external.testns.${SUFFIX}`, 'A', other), ['CNAME ext.interwebs.test.'], more)
  }
})

test('names that do not exist fall through, in the zones that are named', async () => {
  await using other = await startServer(`.:0 {
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa {
      endpoint ${api.url}
      fallthrough in-addr.arpa
    }
    whoami
  }`)
  assert.equal((await other.query('9.9.9.9.in-addr.arpa.', 'PTR')).rcode, NOERROR)
  assert.equal((await other.query(`none.testns.${SUFFIX}`, 'A')).rcode, NXDOMAIN)
  assert.equal((await other.query('9.9.9.9.in-addr.arpa.', 'PTR')).additionals.length, 2, 'whoami answers')
})

test('changes are answered as soon as they are known, and only they change the serial', async () => {
  const name = `fresh.testns.${SUFFIX}`
  assert.deepEqual(await ask(name, 'A'), ['NXDOMAIN'])
  api.put(SERVICES, service('testns', 'fresh', { clusterIPs: ['10.0.9.1'] }))
  await eventually(name, 'A', ['A 10.0.9.1'])
  api.put(SERVICES, service('testns', 'fresh', { clusterIPs: ['10.0.9.2'] }))
  await eventually(name, 'A', ['A 10.0.9.2'])
  assert.deepEqual(await ask('1.9.0.10.in-addr.arpa.', 'PTR'), ['NXDOMAIN'], 'the old address has no name')
  api.remove(SERVICES, 'testns', 'fresh')
  await eventually(name, 'A', ['NXDOMAIN'])
  api.put(SLICES, slice('testns', 'hdlsempty', ['172.0.3.1']))
  await eventually(`hdlsempty.testns.${SUFFIX}`, 'A', ['A 172.0.3.1'])
  api.remove(SLICES, 'testns', 'hdlsempty-1')
  await eventually(`hdlsempty.testns.${SUFFIX}`, 'A', ['NXDOMAIN'])
  api.put(NAMESPACES, namespace('gone'))
  await eventually(`svc1.gone.${SUFFIX}`, 'A', ['A 10.0.0.9'])
  api.remove(NAMESPACES, '', 'gone')
  await eventually(`svc1.gone.${SUFFIX}`, 'A', ['NXDOMAIN'])
  api.put(PODS, pod('testns', 'late', '172.0.4.4'))
  await eventually('172-0-4-4.testns.pod.cluster.local.', 'A', ['A 172.0.4.4'])
})

test('history that is forgotten and connections that break are made up for', async () => {
  api.compact()
  api.put(SERVICES, service('testns', 'later', { clusterIPs: ['10.0.9.9'] }))
  await eventually(`later.testns.${SUFFIX}`, 'A', ['A 10.0.9.9'])
  api.cut()
  api.remove(SERVICES, 'testns', 'later')
  api.put(SERVICES, service('testns', 'latest', { clusterIPs: ['10.0.9.8'] }))
  await eventually(`latest.testns.${SUFFIX}`, 'A', ['A 10.0.9.8'])
})

test('until all is known, names that are not known are failures, and the server is not ready', async () => {
  api.failure = 403
  try {
    await using other = await startCluster(api, {
      options: 'startup_timeout 150ms',
      more: 'ready 127.0.0.1:0\n health 127.0.0.1:0',
    })
    await other.logged(/starting server with unsynced Kubernetes API/)
    await other.logged(/services: status 403: not today/)
    const reply = await other.query(`svc1.testns.${SUFFIX}`, 'A')
    assert.equal(reply.rcode, SERVFAIL)
    assert.equal(reply.authorities[0]?.type, 'SOA')
    assert.equal((await other.query('example.org.', 'A')).rcode, SERVFAIL, 'no next plugin')
    api.failure = undefined
    await eventually(`svc1.testns.${SUFFIX}`, 'A', ['A 10.0.0.1'], other)
  } finally {
    api.failure = undefined
  }
})

test('a reload that asks for the same keeps what is known', async () => {
  const text = (ttl: number) => `.:0 {
    bind 127.0.0.1
    kubernetes cluster.local {
      endpoint ${api.url}
      ttl ${ttl}
    }
  }`
  await using other = await startServer(text(5))
  const before = api.requests.length
  api.failure = 500
  try {
    assert.deepEqual(await other.reload(text(77)), { ok: true })
    const reply = await other.query(`svc1.testns.${SUFFIX}`, 'A')
    assert.equal(reply.answers[0]?.ttl, 77)
    assert.equal(api.requests.length, before, 'nothing is asked anew')
  } finally {
    api.failure = undefined
  }
})

test('blocks that ask for the same share what is known', async () => {
  const before = api.requests.length
  const block = `bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa {
      endpoint ${api.url}
    }`
  await using other = await startServer(`cluster.local:0 {\n${block}\n}\nin-addr.arpa:0 {\n${block}\n}`)
  assert.equal((await other.query(`svc1.testns.${SUFFIX}`, 'A')).answers[0]?.data, '10.0.0.1')
  const reply = await other.query('1.0.0.10.in-addr.arpa.', 'PTR', { port: other.ports[1]! })
  assert.equal(reply.answers[0]?.data, `svc1.testns.${SUFFIX}`)
  const lists = api.requests.slice(before).filter(({ parameters }) => !parameters.has('watch'))
  assert.deepEqual(lists.map(({ path }) => path).sort(), [NAMESPACES, SERVICES, SLICES])
})

test('metadata says what a name asks for and which pod asks', async () => {
  const log =
    '{/kubernetes/kind} {/kubernetes/namespace} {/kubernetes/service} {/kubernetes/port-name} {/kubernetes/client-pod-name} {/kubernetes/client-label/app}'
  await using other = await startCluster(api, {
    options: 'pods verified',
    more: `metadata\n log . "${log}"`,
  })
  await other.query(`_http._tcp.svc1.testns.${SUFFIX}`, 'SRV')
  await other.logged(/svc testns svc1 http client web/)
  await other.query('172-0-0-2.testns.pod.cluster.local.', 'A')
  await other.logged(/pod testns - - client web/)
})

test('lists come in pages, watches begin where they end, selectors are passed on', async () => {
  await using other = await startCluster(api, {
    options: 'labels app=web,tier in (a, b)\n namespace_labels !hidden\n apiserver_qps 0',
  })
  assert.ok(other)
  const services = api.requests.filter(({ path }) => path === SERVICES).slice(-2)
  const [list, watch] = services.map(({ parameters }) => Object.fromEntries(parameters))
  assert.equal(list?.limit, '500')
  assert.equal(list?.labelSelector, 'app=web,tier in (a, b)')
  assert.equal(watch?.watch, 'true')
  assert.equal(watch?.allowWatchBookmarks, 'true')
  assert.match(watch?.resourceVersion ?? '', /^\d+$/)
  const namespaces = api.requests.filter(({ path }) => path === NAMESPACES).at(-1)
  assert.equal(namespaces?.parameters.get('labelSelector'), '!hidden')
  assert.match(namespaces?.headers['user-agent'] ?? '', /^corelet\//)
})

test('requests and programming are measured', async () => {
  const { port } = new URL(api.url)
  await using other = await startCluster(api, { more: 'prometheus 127.0.0.1:0' })
  const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString() }
  api.put(SLICES, slice('testns', 'svc1', [{ addresses: ['172.0.0.1'], hostname: 'ep1a' }], [], { annotations }))
  await eventually(`ep1a.svc1.testns.${SUFFIX}`, 'SRV', ['NODATA'], other)
  const metrics = await other.metrics()
  assert.match(metrics, /coredns_kubernetes_dns_programming_duration_seconds_count\{service_kind="cluster_ip"\} 1/)
  const requests = new RegExp(
    `coredns_kubernetes_rest_client_requests_total\\{code="200",method="GET",host="127.0.0.1:${port}"\\} \\d+`,
  )
  assert.match(metrics, requests)
  assert.match(metrics, /coredns_kubernetes_rest_client_request_duration_seconds_bucket/)
})

test('zone transfers are refused', async () => {
  assert.equal((await server.query('cluster.local.', 'AXFR', { proto: 'tcp' })).rcode, REFUSED)
})
