import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { HttpTls } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  defaultSettings,
  fakeContext,
  fakeListener,
  startPlugin,
  toQuery,
} from 'corelet/plugin/testing'
import { HttpEndpoints } from '../../src/observe/http.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import prometheus from './index.ts'

const GOOD: [text: string, address: string][] = [
  ['prometheus', 'localhost:9153'],
  ['prometheus :9253', ':9253'],
  ['prometheus {\n}', 'localhost:9153'],
  ['prometheus [::1]:9253', '::1:9253'],
  ['prometheus 127.0.0.1:9253 {\n runtime_metrics\n}', '127.0.0.1:9253'],
]

for (const [text, address] of GOOD) {
  test(`takes ${JSON.stringify(text)}`, async () => {
    const { context } = await startPlugin(prometheus, text)
    assert.deepEqual([...context.routes.keys()], [`${address}/metrics`])
    assert.deepEqual(context.lines, [])
  })
}

test('mistakes are found where they are', async () => {
  await checkDirectives(prometheus, [
    ['prometheus :9153 :9154', '2:18 wrong-argument-count'],
    ['prometheus 9153', '2:12 bad-host-port'],
    ['prometheus {}', '2:12 bad-host-port'],
    ['prometheus\nprometheus', '3:1 once-per-block'],
    ['prometheus {\n runtime_metrics yes\n}', '3:18 wrong-argument-count'],
    ['prometheus {\n tls\n}', '3:2 wrong-argument-count'],
    ['prometheus {\n tls a.yml b.yml\n}', '3:12 wrong-argument-count'],
    ['prometheus {\n tls a.yml\n tls b.yml\n}', '4:2 prometheus/second-tls'],
    ['prometheus {\n path /metrics\n}', '3:2 prometheus/unknown-option'],
  ])
})

test('counts answers that come at once and those that are waited for', async () => {
  const { ask, askNow, context } = await startPlugin(prometheus, 'prometheus')
  const query = toQuery('www.example.org', 'A', { zone: 'example.org.' })
  const reply = query.reply({}, 'cache', 'hit')
  assert.equal(
    askNow(query, () => reply),
    reply,
  )
  assert.equal(await ask(query, async () => reply), reply)
  const zone = ['dns://:53', 'example.org.', '']
  assert.equal(context.metrics.value('coredns_dns_requests_total', ...zone, 'udp', '1', 'A'), 2)
  assert.equal(context.metrics.value('coredns_dns_responses_total', ...zone, 'NOERROR', 'cache'), 2)
})

test('the scrape has the metrics of queries and of the process', async () => {
  const metrics = createMetrics()
  const context = fakeContext({ plugin: 'prometheus' })
  const { askNow } = await startPlugin(prometheus, 'prometheus', Object.assign(context, { metrics }))
  askNow(toQuery('example.org'), answering({}))
  const scrape = context.routes.get('localhost:9153/metrics')!
  const response = await scrape({ method: 'GET', path: '/metrics', search: '', headers: {} })
  assert.equal(response.status, 200)
  assert.match(response.headers!['content-type']!, /^text\/plain; version=0\.0\.4/)
  assert.match(String(response.body), /^coredns_dns_requests_total\{server="dns:\/\/:53",.*type="A"\} 1$/m)
  assert.match(String(response.body), /^process_cpu_seconds_total /m)
})

test('names the handlers of its block once queries come in', async () => {
  const context = fakeContext({
    plugin: 'prometheus',
    block: {
      zones: ['example.org.', 'example.net.'],
      listeners: [fakeListener({ server: 'dns://127.0.0.1:53' }), fakeListener({ server: 'dns://[::1]:53' })],
      zoneAt: ({ server }) => (server === 'dns://[::1]:53' ? 'example.net.' : 'example.org.'),
      handlers: ['prometheus', 'cache'],
      hashBehind: () => '',
      view: 'inside',
      settings: defaultSettings(),
    },
  })
  const enabled = 'coredns_plugin_enabled'
  const { running } = await startPlugin(prometheus, 'prometheus', context)
  running.listening!()
  const listed = [...context.metrics.values.keys()].filter((key) => key.startsWith(enabled))
  assert.deepEqual(
    listed,
    ['dns://127.0.0.1:53|example.org.', 'dns://[::1]:53|example.net.'].flatMap((at) =>
      ['prometheus', 'cache'].map((name) => `${enabled}|${at}|inside|${name}`),
    ),
  )
  running.listening!()
  assert.equal(context.metrics.value(enabled, 'dns://[::1]:53', 'example.net.', 'inside', 'cache'), 1)
})

test('an address that is taken is logged, and queries are answered', async () => {
  const serve = async () => {
    throw new Error('listen EADDRINUSE: address already in use')
  }
  const context = fakeContext({ plugin: 'prometheus', http: { serve } })
  const { askNow } = await startPlugin(prometheus, 'prometheus', context)
  assert.deepEqual(context.lines, [
    '[ERROR] plugin/prometheus: Failed to start metrics handler: listen EADDRINUSE: address already in use',
  ])
  assert.equal(askNow(toQuery('example.org'), answering({})).rcode, 0)
})

test('tls takes certificate, key and authorities from a web configuration', async (t) => {
  const folder = makeFolder(t)
  for (const name of ['cert', 'key', 'ca']) writeFileSync(join(folder, `${name}.pem`), name)
  writeFileSync(
    join(folder, 'web.yml'),
    'tls_server_config:\n  cert_file: cert.pem\n  key_file: "key.pem"\n  client_auth_type: RequireAndVerifyClientCert\n' +
      "  client_ca_file: 'ca.pem' # authorities\n  min_version: TLS13\n",
  )
  let tls: HttpTls | undefined
  const context = fakeContext({
    plugin: 'prometheus',
    http: {
      serve: async (address, _path, _handle, given) => {
        tls = given
        return address
      },
    },
    block: {
      zones: ['.'],
      listeners: [],
      zoneAt: () => '.',
      handlers: [],
      hashBehind: () => '',
      view: '',
      settings: { ...defaultSettings(), root: folder },
    },
  })
  await startPlugin(prometheus, 'prometheus {\n tls web.yml\n}', context)
  assert.deepEqual(context.lines, [])
  assert.deepEqual(tls, { cert: 'cert', key: 'key', ca: 'ca', clientAuth: 'require-and-verify', minVersion: 'TLSv1.3' })
})

test('a web configuration that is missing or not understood is logged, and nothing is served', async (t) => {
  const folder = makeFolder(t)
  const cases: [yaml: string | undefined, reason: RegExp][] = [
    [undefined, /ENOENT/],
    ['', /needs cert_file and key_file/],
    ['tls_server_config:\n  cert_file: no.pem\n  key_file: no.pem\n', /ENOENT/],
    ['basic_auth_users:\n  alice: $2y$10$x\n', /basic_auth_users.alice is not supported/],
  ]
  for (const [yaml, reason] of cases) {
    const file = join(folder, 'web.yml')
    if (yaml !== undefined) writeFileSync(file, yaml)
    const { context } = await startPlugin(prometheus, `prometheus {\n tls ${file}\n}`)
    assert.equal(context.routes.size, 0)
    assert.match(context.lines.join('\n'), reason)
  }
})

test('serves HTTPS, to clients with a certificate of the authority only when told', async (t) => {
  if (spawnSync('openssl', ['version']).error) return t.skip('openssl is not installed')
  const folder = makeFolder(t)
  const file = (name: string) => join(folder, name)
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', file('key.pem'), '-out', file('cert.pem')],
    ],
    { stdio: 'ignore' },
  )
  const cert = readFileSync(file('cert.pem'))
  const key = readFileSync(file('key.pem'))
  const files = 'tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n'
  writeFileSync(file('open.yml'), files)
  writeFileSync(
    file('closed.yml'),
    `${files}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: cert.pem\n`,
  )
  const http = new HttpEndpoints().generation()
  t.after(() => http.release())
  const ports: number[] = []
  const serve: typeof http.serve = async (...args) => {
    const bound = await http.serve(...args)
    ports.push(bound.port)
    return bound
  }
  for (const name of ['open', 'closed']) {
    const context = fakeContext({ plugin: 'prometheus', http: { serve } })
    await startPlugin(prometheus, `prometheus 127.0.0.1:0 {\n tls ${file(`${name}.yml`)}\n}`, context)
    assert.deepEqual(context.lines, [])
  }
  http.activate()
  const get = (port: number, client: { cert?: Buffer; key?: Buffer } = {}) =>
    new Promise<number>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path: '/metrics', ca: cert, servername: 'localhost', agent: false }
      request({ ...options, ...client }, (response) => resolve(response.resume().statusCode!))
        .on('error', reject)
        .end()
    })
  const [open, closed] = ports
  assert.equal(await get(open!), 200)
  await assert.rejects(get(closed!))
  assert.equal(await get(closed!, { cert, key }), 200)
})

function makeFolder(t: { after(callback: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'corelet-prometheus-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
