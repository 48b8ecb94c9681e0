/** Each of the Corefiles to copy is loaded and asked, with a real Unbound as upstream. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startServer, type TestServer } from 'corelet/plugin/testing'
import { OPTIONS } from '../src/dns/constants.ts'
import { makeCertificate } from './kit/certificate.ts'
import { loadText } from './kit/load.ts'
import { listFiles, read } from './kit/sources.ts'
import { startUnbound, type Unbound } from './kit/unbound.ts'

const UPSTREAM = [
  'www.example.org. 300 IN A 192.0.2.1',
  'www.example.org. 300 IN AAAA 2001:db8::1',
  'six.example.org. 300 IN AAAA 2001:db8::6',
  'www.corp.example. 300 IN A 203.0.113.9',
  '1.0.30.10.in-addr.arpa. 300 IN PTR gateway.lab.corp.example.',
  'kubernetes.default.svc.cluster.local. 5 IN A 203.0.113.7',
]

/** What the company's own resolver says; it knows nothing else. */
const CORPORATE = [
  'www.corp.example. 300 IN A 10.20.0.80',
  '1.0.30.10.in-addr.arpa. 300 IN PTR gateway.lab.corp.example.',
]

/** The cluster's DNS. */
const CLUSTER = [
  'kubernetes.default.svc.cluster.local. 30 IN A 10.96.0.1',
  'shop.default.svc.cluster.local. 30 IN A 10.96.0.80',
  '1.0.96.10.in-addr.arpa. 30 IN PTR kubernetes.default.svc.cluster.local.',
]

const tested = new Set<string>()
let folder: string
let upstream: Unbound
let corporate: Unbound
let cluster: Unbound
let certificate: { cert: string; key: string }

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corefiles-'))
  certificate = await makeCertificate(folder, 'dns.quad9.net')
  ;[upstream, corporate, cluster] = await Promise.all([
    startUnbound({ records: UPSTREAM, tls: certificate }),
    startUnbound({ records: CORPORATE }),
    startUnbound({ records: CLUSTER }),
  ])
})

after(async () => {
  await Promise.all([upstream, corporate, cluster].map((unbound) => unbound?.stop()))
  await rm(folder, { recursive: true })
})

/** Serves a Corefile of corefiles/ with some words replaced, as its comments tell the reader to do, and asks it. */
async function serve(
  name: string,
  words: Record<string, string>,
  check: (server: TestServer) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const path = `corefiles/${name}.Corefile`
  tested.add(path)
  let text = read(path)
  for (const [from, to] of Object.entries(words)) {
    assert.ok(text.includes(from), `${path} has ${from}`)
    text = text.replaceAll(from, to)
  }
  const server = await startServer(text, { env })
  try {
    await check(server)
  } finally {
    await server.stop()
  }
}

async function answersOf(server: TestServer, name: string, type: string): Promise<unknown[]> {
  const { answers } = await server.query(name, type)
  return answers.map(({ data }) => data)
}

test('default: the client is told who it is', async () => {
  await serve('default', {}, async (server) => {
    const reply = await server.query('example.org.', 'A')
    assert.equal(reply.rcode, 0)
    assert.deepEqual(
      reply.additionals.map(({ type }) => type),
      ['A', 'SRV'],
    )
  })
})

test('default: it is what the server runs without a Corefile', async () => {
  const plugins = async (text: string) => {
    const { blocks } = await loadText(text, folder)
    return blocks.map(({ zones, plugins }) => ({ zones, plugins: plugins.map(({ plugin }) => plugin.name) }))
  }
  assert.deepEqual(await plugins(read('corefiles/default.Corefile')), await plugins(''))
})

test('start: everything comes from the resolvers of the machine', async () => {
  await serve('start', { '/etc/resolv.conf': upstream.address }, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'AAAA'), ['2001:db8::1'])
    assert.equal((await server.query('nowhere.example.org.', 'A')).rcode, 3)
  })
})

test('forwarder: a second resolver stands in for the first', async () => {
  const words = {
    '192.0.2.53 198.51.100.53': `127.0.0.1:9 ${upstream.address}`,
    '127.0.0.1:8080': '127.0.0.1:0',
    '127.0.0.1:8181': '127.0.0.1:0',
    '127.0.0.1:9153': '127.0.0.1:0',
    'lameduck 5s': 'lameduck 0s',
  }
  await serve('forwarder', words, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
  })
})

test('node-local: four blocks, names of the cluster from the cluster', async () => {
  const env = {
    DNS_DOMAIN: 'cluster.local',
    LOCAL_DNS: '127.53.20.10',
    DNS_SERVER: '127.53.0.10',
    CLUSTER_DNS: cluster.address,
    UPSTREAM_SERVERS: upstream.address,
    PROMETHEUS_ENDPOINT: '127.53.20.10:0',
  }
  const check = async (server: TestServer) => {
    const name = 'kubernetes.default.svc.cluster.local.'
    assert.deepEqual(await answersOf(server, name, 'A'), ['10.96.0.1'])
    assert.deepEqual(await answersOf(server, '1.0.96.10.in-addr.arpa.', 'PTR'), [name])
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
    assert.equal((await server.query('nowhere.cluster.local.', 'A')).rcode, 3)
    assert.equal((await server.query('1.0.0.2.ip6.arpa.', 'PTR')).rcode, 3)
  }
  await serve('node-local', { ':8080': ':0' }, check, env)
})

test('split-horizon: names of the company from its own resolvers, the laboratory from the file', async () => {
  const words = { '10.20.0.53 10.20.1.53': corporate.address, '/etc/resolv.conf': upstream.address }
  await serve('split-horizon', words, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.corp.example.', 'A'), ['10.20.0.80'])
    assert.deepEqual(await answersOf(server, '1.0.30.10.in-addr.arpa.', 'PTR'), ['gateway.lab.corp.example.'])
    assert.deepEqual(await answersOf(server, 'gateway.lab.corp.example.', 'A'), ['10.30.0.1'])
    assert.deepEqual(await answersOf(server, 'shop.apps.lab.corp.example.', 'A'), ['10.30.0.80'])
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
    assert.equal((await server.query('absent.corp.example.', 'A')).rcode, 3)
  })
})

test('ipv4-only: AAAA is no data, A is as ever', async () => {
  await serve('ipv4-only', { '/etc/resolv.conf': upstream.address }, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
    const filtered = await server.query('www.example.org.', 'AAAA')
    assert.equal(filtered.rcode, 0)
    assert.deepEqual(filtered.answers, [])
  })
})

test('access: own networks are served, others hear nothing, and little is told', async () => {
  const words = { '/etc/resolv.conf': upstream.address }
  await serve('access', words, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
    assert.deepEqual(await answersOf(server, 'www.localhost.', 'A'), ['127.0.0.1'])
    assert.deepEqual(
      (await server.query('www.example.org.', 'ANY')).answers.map(({ type }) => type),
      ['HINFO'],
    )
    const version = await server.query('version.bind.', 'TXT', { class: 'CH' })
    assert.deepEqual(
      version.answers.map(({ data }) => data),
      [['unknown']],
    )
  })
  await serve('access', { ...words, '127.0.0.0/8 ::1 ': '' }, async (server) => {
    await assert.rejects(server.query('www.example.org.', 'A', { timeout: 200 }), /no answer/)
  })
})

test('dns-over-tls: the upstream is asked by TLS, and only if its certificate is right', async () => {
  const servers = 'tls://9.9.9.9 tls://149.112.112.112'
  const tls = `tls://127.0.0.1:${upstream.tlsPort}`
  const name = 'tls_servername dns.quad9.net'
  const trust = `tls ${certificate.cert}\n        ${name}`
  await serve('dns-over-tls', { [servers]: tls, [name]: trust }, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
  })
  await serve('dns-over-tls', { [servers]: tls }, async (server) => {
    assert.equal((await server.query('www.example.org.', 'A')).rcode, 2)
  })
})

test('encrypted: clients are served over TLS and HTTPS', async () => {
  const { cert, key } = certificate
  const words = {
    'tls://. {': 'tls://.:0 {\n    bind 127.0.0.1',
    'https://. {': 'https://.:0 {\n    bind 127.0.0.1',
    'forward . 10.0.0.10': `forward . ${upstream.address}`,
    '/etc/corelet/tls.crt /etc/corelet/tls.key': `${cert} ${key}`,
  }
  await serve('encrypted', words, async (server) => {
    for (const [i, proto] of (['tls', 'https'] as const).entries()) {
      const { answers } = await server.query('www.example.org.', 'A', { proto, port: server.ports[i]! })
      assert.deepEqual(
        answers.map(({ data }) => data),
        ['192.0.2.1'],
      )
    }
  })
})

test('rewritten: own names for services, and only these are told', async () => {
  const words = { '10.96.0.10': cluster.address, '/etc/resolv.conf': upstream.address }
  await serve('rewritten', words, async (server) => {
    const { answers, question } = await server.query('shop.apps.example.', 'A')
    assert.deepEqual(
      answers.map(({ name, data }) => [name, data]),
      [['shop.apps.example.', '10.96.0.80']],
    )
    assert.equal(question?.name, 'shop.apps.example.')
    const old = await server.query('old.example.', 'A')
    assert.deepEqual(
      old.answers.map(({ name, data, ttl }) => [name, data, ttl]),
      [['old.example.', '192.0.2.1', 30]],
    )
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
  })
})

test('dns64: addresses are made where there are none, for clients with IPv6', async () => {
  const words = { '/etc/resolv.conf': upstream.address }
  await serve('dns64', { ...words, '. {': '. {\n    bind ::1' }, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.corp.example.', 'AAAA'), ['64:ff9b::cb00:7109'])
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'AAAA'), ['2001:db8::1'])
  })
  await serve('dns64', words, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.corp.example.', 'AAAA'), [])
  })
})

test('made-up: addresses from names, wildcards, and names that are denied', async () => {
  await serve('made-up', { '/etc/resolv.conf': upstream.address }, async (server) => {
    assert.deepEqual(await answersOf(server, 'any.thing.dev.example.', 'A'), ['127.0.0.1'])
    const other = await server.query('any.thing.dev.example.', 'AAAA')
    assert.deepEqual([other.rcode, other.answers.length, other.authorities.length], [0, 0, 1])
    assert.deepEqual(await answersOf(server, 'ip-10-0-0-7.hosts.example.', 'A'), ['10.0.0.7'])
    assert.equal((await server.query('nothing.hosts.example.', 'A')).rcode, 3)
    for (const type of ['A', 'AAAA', 'HTTPS']) {
      const denied = await server.query('a.ads.example.', type)
      assert.deepEqual([denied.rcode, denied.authorities.map(({ name }) => name)], [3, ['ads.example.']])
    }
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
  })
})

test('views: the office gets another answer than the world', async () => {
  const words = { '/etc/resolv.conf': upstream.address }
  await serve('views', words, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['10.20.0.80'])
    assert.deepEqual(await answersOf(server, 'six.example.org.', 'AAAA'), ['2001:db8::6'])
  })
  await serve('views', { ...words, "incidr(client_ip(), '127.0.0.0/8') || ": '' }, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
  })
})

test('search-lists: what search lists make of external names reaches nobody', async () => {
  const words = { '10.96.0.10': cluster.address, '/etc/resolv.conf': upstream.address }
  await serve('search-lists', words, async (server) => {
    for (const suffix of ['default.svc.cluster.local.', 'svc.cluster.local.', 'cluster.local.']) {
      const denied = await server.query(`www.google.com.${suffix}`, 'A', { udpSize: 1232 })
      assert.equal(denied.rcode, 3)
      assert.equal(
        denied.opt?.options.some(({ code }) => code === OPTIONS.EDE),
        true,
        'the filter says so',
      )
    }
    assert.deepEqual(await answersOf(server, 'kubernetes.default.svc.cluster.local.', 'A'), ['10.96.0.1'])
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
  })
})

test('several-upstreams: a dead or refusing one costs nobody the answer', async () => {
  const words = {
    '10.20.0.53 10.20.1.53': `127.0.0.1:9 ${corporate.address}`,
    '198.51.100.53': '127.0.0.1:9',
    '192.0.2.53': upstream.address,
  }
  await serve('several-upstreams', words, async (server) => {
    assert.deepEqual(await answersOf(server, 'www.corp.example.', 'A'), ['10.20.0.80'])
    assert.deepEqual(await answersOf(server, 'www.example.org.', 'A'), ['192.0.2.1'])
  })
})

test('no Corefile is left out', () => {
  assert.deepEqual([...tested].sort(), listFiles('corefiles'))
})
