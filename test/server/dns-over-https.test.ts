/** DNS over HTTPS as real clients speak it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { startServer, type TestServer } from 'corelet/plugin/testing'
import { decodeMessage, encodeMessage } from '../../src/dns/codec.ts'
import { OPTIONS, RCODES, RD } from '../../src/dns/constants.ts'
import { definePlugin } from '../../src/plugin/index.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'

const run = promisify(execFile)

/** Answers by the first label. */
const answers = definePlugin({
  name: 'answers',
  summary: 'answers as the name says',
  directive: { args: [] },
  start: () => (query) => {
    const soa = { mname: 'ns.example', rname: 'x.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 7 }
    const authority = { name: 'example.', type: 'SOA', ttl: 60, data: soa } as never
    const a = (ttl: number) => ({ name: query.qname, type: 'A', ttl, data: '192.0.2.1' }) as const
    switch (query.name.split('.')[0]) {
      case 'silent':
        return query.drop('answers', 'x')
      case 'throws':
        throw new Error('on purpose')
      case 'none':
        return query.reply({ rcode: RCODES.NXDOMAIN, authorities: [authority] }, 'answers', 'x')
      case 'long':
        return query.reply({ answers: [a(86_400)] }, 'answers', 'x')
      default:
        return query.reply({ answers: [a(300), a(42)] }, 'answers', 'x')
    }
  },
})

const folder = temporaryFolder('doh')
let server: TestServer
let url: string
before(async () => {
  const { cert, key } = await makeCertificate(folder, 'dns.example')
  const corefile = `https://.:0 {
    bind 127.0.0.1
    tls ${cert} ${key}
    prometheus 127.0.0.1:0
    log . "{type} {name} {proto} {remote}"
    answers
  }`
  server = await startServer(corefile, { plugins: [answers] })
  url = `https://127.0.0.1:${server.port}/dns-query`
})
after(async () => {
  await server.stop()
})

function packet(name: string): Uint8Array {
  return encodeMessage({ id: 0, flags: RD, question: { name, type: 'A', class: 'IN' } })
}

const toText = (octets: Uint8Array) => Buffer.from(octets).toString('base64url')

interface Response {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** Asks with curl. */
async function curl(...args: string[]): Promise<Response> {
  const { stdout } = await run('curl', ['-sk', '-i', ...args], { encoding: 'buffer' })
  const end = stdout.lastIndexOf('\r\n\r\n')
  const [first = '', ...lines] = stdout.subarray(0, end).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(': ') as [string, string]))
  return { status: Number(first.split(' ')[1]), headers, body: stdout.subarray(end + 4) }
}

const post = async (octets: Uint8Array, ...args: string[]) => {
  const file = join(folder, 'body')
  await writeFile(file, octets)
  return curl('-H', 'content-type: application/dns-message', '--data-binary', `@${file}`, ...args, url)
}

for (const version of ['--http2', '--http1.1']) {
  test(`curl asks by GET and POST (${version})`, async () => {
    for (const response of [
      await curl(version, `${url}?dns=${toText(packet('a.example'))}`),
      await post(packet('a.example'), version),
    ]) {
      assert.equal(response.status, 200)
      assert.equal(response.headers['content-type'], 'application/dns-message')
      assert.equal(response.headers['content-length'], String(response.body.length))
      assert.equal(response.headers['cache-control'], 'max-age=42')
      assert.equal(decodeMessage(response.body).answers.length, 2)
    }
  })
}

test('kdig asks by GET and POST, with padding', async () => {
  const ask = async (...flags: string[]) =>
    (await run('kdig', ['@127.0.0.1', '-p', String(server.port), ...flags, 'a.example'])).stdout
  for (const flag of ['+https', '+https-get']) {
    const text = await ask(flag)
    assert.match(text, /HTTP\/2-(GET|POST)\)-\(127\.0\.0\.1\/dns-query.*\)-\(status: 200\)/)
    assert.match(text, /status: NOERROR; id: 0/)
    assert.match(text, /PADDING: \d+ B/)
    assert.match(text, /Received 468 B/)
  }
  assert.match(
    await ask('+https', '+tls-host=dns.example', `+tls-ca=${join(folder, 'dns.example.crt')}`),
    /status: NOERROR/,
  )
})

test('dnsperf loses nothing', async () => {
  const names = join(folder, 'names')
  await writeFile(names, 'a.example A\nnone.example AAAA\n')
  // it sends headers and body of a POST in two writes, and the second waits for the delayed ACK of the first
  for (const [method, runs] of [
    ['GET', 50],
    ['POST', 5],
  ]) {
    const { stdout } = await run('dnsperf', [
      ...[
        '-m',
        'doh',
        '-s',
        '127.0.0.1',
        '-p',
        String(server.port),
        '-d',
        names,
        '-n',
        `${runs}`,
        '-q',
        '1',
        '-c',
        '1',
      ],
      ...['-O', `doh-method=${method}`, '-O', 'doh-uri=https://localhost/dns-query'],
    ])
    assert.match(stdout, /Queries completed: +\d+ \(100\.00%\)/)
    assert.match(stdout, new RegExp(`NOERROR ${runs} .*NXDOMAIN ${runs} `))
  }
})

test('errors of DNS are no errors of HTTP, and are not kept longer than they may', async () => {
  const none = await post(packet('none.example'))
  assert.equal(none.status, 200)
  assert.equal(decodeMessage(none.body).rcode, RCODES.NXDOMAIN)
  assert.equal(none.headers['cache-control'], 'max-age=7')
  const broken = await post(packet('throws.example'))
  assert.equal(broken.status, 200)
  assert.equal(decodeMessage(broken.body).rcode, RCODES.SERVFAIL)
  assert.equal(broken.headers['cache-control'], 'max-age=5')
  assert.equal((await post(packet('long.example'))).headers['cache-control'], 'max-age=3600')
  const update = packet('a.example')
  update[2] = 0x28
  const refused = await post(update)
  assert.equal(refused.status, 200)
  assert.equal(decodeMessage(Buffer.concat([refused.body.subarray(0, 12)])).rcode, RCODES.NOTIMP)
})

test('a query longer than any may be is FORMERR, as it is over TCP', async () => {
  const long = Buffer.concat([packet('a.example'), Buffer.alloc(5000)])
  for (const response of [await post(long), await curl(`${url}?dns=${toText(long)}`)]) {
    assert.equal(response.status, 200)
    assert.equal(decodeMessage(response.body).rcode, RCODES.FORMERR)
  }
})

const refused: [what: string, args: () => string[], status: number][] = [
  ['GET without dns', () => [url], 400],
  ['GET with dns twice', () => [`${url}?dns=${toText(packet('a'))}&dns=${toText(packet('a'))}`], 400],
  ['GET with padding', () => [`${url}?dns=${toText(packet('ab.example'))}==`], 400],
  ['GET with other letters', () => [`${url}?dns=${toText(packet('a'))}!`], 400],
  ['GET with an empty dns', () => [`${url}?dns=`], 400],
  ['GET with a message that is too short', () => [`${url}?dns=AAAA`], 400],
  [
    'GET with a reply',
    () => [`${url}?dns=${toText(Uint8Array.from(packet('a'), (octet, i) => (i === 2 ? 0x80 : octet)))}`],
    400,
  ],
  ['GET with headers of more than 16 KiB', () => ['--http1.1', `${url}?dns=${'A'.repeat(20_000)}`], 431],
  ['POST without a body', () => ['-X', 'POST', '-H', 'content-type: application/dns-message', url], 400],
  ['POST of another type', () => ['-H', 'content-type: application/json', '-d', '{}', url], 415],
  [
    'POST of more than 65535 octets',
    () => ['-H', 'content-type: application/dns-message', '--data-binary', 'x'.repeat(66_000), url],
    413,
  ],
  ['PUT', () => ['-X', 'PUT', url], 405],
  ['HEAD', () => ['-I', url], 405],
  ['another path', () => [`${url}/x`], 404],
  ['a query that a plugin drops', () => [`${url}?dns=${toText(packet('silent.example'))}`], 500],
]
for (const [what, args, status] of refused) {
  test(`${what} is ${status}`, async () => {
    assert.equal((await curl(...args())).status, status)
  })
}

test('answers to padded queries are padded', async () => {
  const padding = { code: OPTIONS.PADDING, data: Buffer.alloc(3) }
  const { opt } = await server.query('a.example', 'A', { proto: 'https', options: [padding] })
  assert.equal(opt!.options[0]!.code, OPTIONS.PADDING)
})

test('metrics and log are those of CoreDNS', async () => {
  await server.query('x.example', 'A', { proto: 'https' })
  await curl(`${url}/x`)
  const label = `https://127.0.0.1:${server.port}`
  const metrics = await server.metrics()
  assert.match(metrics, new RegExp(`coredns_dns_https_responses_total\\{server="${label}",status="200"\\} \\d+`))
  assert.match(metrics, new RegExp(`coredns_dns_https_responses_total\\{server="${label}",status="404"\\} \\d+`))
  assert.ok(
    metrics.includes(`coredns_dns_requests_total{server="${label}",zone=".",view="",proto="tcp",family="1",type="A"}`),
  )
  await server.logged(/A x\.example\. tcp 127\.0\.0\.1/)
})

test('open requests are answered when the server ends, and the port is free again', async (t) => {
  let release = () => {}
  const waits = definePlugin({
    name: 'waits',
    summary: 'waits',
    directive: { args: [] },
    start: () => async (query) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return query.reply({ answers: [{ name: query.qname, type: 'A', ttl: 1, data: '192.0.2.1' }] }, 'waits', 'x')
    },
  })
  const [cert, key] = ['crt', 'key'].map((part) => join(folder, `dns.example.${part}`))
  const text = `https://.:0 {\n  bind 127.0.0.1\n  tls ${cert} ${key}\n  waits\n}`
  const own = await startServer(text, { plugins: [waits] })
  t.after(() => own.stop())
  const before = release
  const answer = own.query('a.example', 'A', { proto: 'https' })
  while (release === before) await new Promise((resolve) => setImmediate(resolve))
  const stopped = own.stop()
  release()
  assert.equal((await answer).answers.length, 1)
  await stopped
  await assert.rejects(own.query('a.example', 'A', { proto: 'https', timeout: 1000 }))
})

test('without a certificate it is HTTP in clear text', async (t) => {
  const clear = await startServer('https://.:0 {\n  bind 127.0.0.1\n  whoami\n}')
  t.after(() => clear.stop())
  const { status } = await curl(`http://127.0.0.1:${clear.port}/dns-query?dns=${toText(packet('a.example'))}`)
  assert.equal(status, 200)
})
