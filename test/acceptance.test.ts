/** The main job end to end: real clients, a real load and a real Prometheus against a server that forwards to a real Unbound. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { startServer, type TestServer } from 'corelet/plugin/testing'
import { findFreePorts } from './kit/ports.ts'
import { startUnbound, type Unbound } from './kit/unbound.ts'

const run = promisify(execFile)

const RECORDS = [
  'www.example.org. 300 IN A 192.0.2.1',
  'www.example.org. 300 IN AAAA 2001:db8::1',
  'alias.example.org. 300 IN CNAME www.example.org.',
  'example.org. 300 IN MX 10 www.example.org.',
  'example.org. 300 IN TXT "v=spf1 -all"',
  '_dns._udp.example.org. 300 IN SRV 0 5 53 www.example.org.',
  // Forty addresses: more than 512 octets, less than 1232.
  ...Array.from({ length: 40 }, (_, i) => `many.example.org. 300 IN A 192.0.2.${i + 1}`),
]

let folder: string
let upstream: Unbound
let server: TestServer
let metricsPort: number

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'acceptance-'))
  upstream = await startUnbound({
    records: RECORDS,
    config: ['local-zone: "load.test." redirect', 'local-data: "load.test. 300 IN A 192.0.2.7"'],
  })
  ;[metricsPort = 0] = await findFreePorts(1)
  server = await startServer(
    `. {
      bind 127.0.0.1
      errors
      cache 30
      prometheus 127.0.0.1:${metricsPort}
      forward . ${upstream.address}
    }`,
  )
})

after(async () => {
  await server?.stop()
  await upstream?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function ask(client: string, ...words: string[]): Promise<string> {
  const { stdout } = await run(client, ['@127.0.0.1', '-p', String(server.port), ...words])
  return stdout
}

test('dig gets answers, twice: from the upstream and from the cache', async () => {
  for (let i = 0; i < 2; i++) {
    assert.equal(await ask('dig', '+short', 'www.example.org', 'A'), '192.0.2.1\n')
    assert.equal(await ask('dig', '+short', 'www.example.org', 'AAAA'), '2001:db8::1\n')
    assert.match(await ask('dig', 'example.org', 'MX'), /example\.org\.\s+\d+\s+IN\s+MX\s+10 www\.example\.org\./)
    assert.match(await ask('dig', 'example.org', 'TXT'), /"v=spf1 -all"/)
    assert.match(await ask('dig', '_dns._udp.example.org', 'SRV'), /0 5 53 www\.example\.org\./)
    assert.match(await ask('dig', 'none.example.org'), /status: NXDOMAIN/)
  }
})

test('dig sees the case of its question again', async () => {
  assert.match(await ask('dig', 'wWw.eXample.ORG'), /^wWw\.eXample\.ORG\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1$/m)
})

test('kdig asks over TCP, several times on one connection', async () => {
  const words = ['+tcp', '+keepopen', 'www.example.org', 'A', 'www.example.org', 'AAAA', 'many.example.org', 'A']
  const output = await ask('kdig', ...words)
  assert.equal(output.match(/status: NOERROR/g)?.length, 3)
  assert.equal(output.match(/^many\.example\.org\./gm)?.length, 40)
})

test('kdig with EDNS version 1 gets BADVERS', async () => {
  const output = await ask('kdig', '+edns=1', 'www.example.org')
  assert.match(output, /ext-rcode: BADVERS/i)
})

test('an answer over 512 octets is cut for a client without EDNS and whole for others', async () => {
  assert.match(await ask('dig', '+noedns', '+ignore', 'many.example.org'), /flags:[^;]* tc/)
  assert.match(await ask('dig', '+bufsize=1232', '+ignore', 'many.example.org'), /ANSWER: 40/)
  assert.match(await ask('dig', '+noedns', 'many.example.org'), /Truncated, retrying in TCP mode[\s\S]*ANSWER: 40/)
})

test('drill gets answers over UDP and TCP', async () => {
  for (const proto of ['-u', '-t']) {
    const { stdout } = await run('drill', [proto, '-p', String(server.port), 'www.example.org', '@127.0.0.1', 'A'])
    assert.match(stdout, /192\.0\.2\.1/)
  }
})

test('dnsperf loses none of 200,000 queries over 10,000 names', async () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `name${i}.load.test A`)
  const file = join(folder, 'queries')
  await writeFile(file, `${names.join('\n')}\n`)
  const words = ['-s', '127.0.0.1', '-p', String(server.port), '-d', file, '-n', '20', '-c', '4', '-q', '100']
  const { stdout } = await run('dnsperf', words, { maxBuffer: 1 << 24 })
  assert.match(stdout, /Queries sent:\s+200000\b/)
  assert.match(stdout, /Queries completed:\s+200000 /)
  assert.match(stdout, /Queries lost:\s+0 /)
  assert.match(stdout, /NOERROR 200000 /)
})

test('promtool finds nothing wrong with the metrics', async () => {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let findings = ''
  child.stdout.on('data', (chunk) => (findings += chunk))
  child.stderr.on('data', (chunk) => (findings += chunk))
  child.stdin.end(text)
  const status = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(findings, '')
  assert.equal(status, 0)
})

test('Prometheus scrapes it and can sum the queries', { timeout: 60_000 }, async () => {
  await ask('dig', '+short', 'www.example.org')
  const [port = 0] = await findFreePorts(1)
  const config = join(folder, 'prometheus.yml')
  await writeFile(
    config,
    `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: corelet
    static_configs: [{ targets: ['127.0.0.1:${metricsPort}'] }]
`,
  )
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  try {
    const value = await poll(async () => {
      const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent('sum(coredns_dns_requests_total{zone=".",proto="udp",family="1",type="A"})')}`
      const answer = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } }
      return answer.data.result[0]?.value[1]
    })
    assert.ok(Number(value) >= 1, `${value} queries`)
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
})

/** Asks until there is a value; the clock that counts is Prometheus's own, so it is looked at every 200 ms for up to 40 s. */
async function poll(look: () => Promise<string | undefined>): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await look().catch(() => undefined)
    if (value !== undefined) return value
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('no value within 40 s')
}
