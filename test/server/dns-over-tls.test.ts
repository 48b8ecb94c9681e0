/** DNS over TLS as real clients speak it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { query, startServer, type TestServer } from 'corelet/plugin/testing'
import { OPTIONS } from '../../src/dns/constants.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { findFreePorts } from '../kit/ports.ts'
import { childrenOf } from '../kit/proc.ts'
import { killLeftovers, serveCli } from '../kit/process.ts'

const run = promisify(execFile)

const folder = temporaryFolder('dot')
let server: TestServer
before(async () => {
  const { cert, key } = await makeCertificate(folder, 'dns.example')
  await writeFile(join(folder, 'hosts'), Array.from({ length: 40 }, (_, i) => `192.0.2.${i} many.example\n`).join(''))
  server = await startServer(
    `tls://.:0 {
      bind 127.0.0.1
      tls ${cert} ${key}
      prometheus 127.0.0.1:0
      log . "{type} {name} {proto} {port}"
      hosts ${join(folder, 'hosts')}
      whoami
    }`,
  )
})
after(async () => {
  await server.stop()
})

test('kdig asks with a certificate that it checks', async () => {
  const { stdout } = await run('kdig', [
    ...['@127.0.0.1', '-p', String(server.port), '+tls-host=dns.example', `+tls-ca=${join(folder, 'dns.example.crt')}`],
    ...['+padding', 'many.example', 'A'],
  ])
  assert.match(stdout, /TLS session \(TLS1\.3\)/)
  assert.match(stdout, /status: NOERROR/)
  assert.equal(stdout.match(/192\.0\.2\.\d+$/gm)?.length, 40)
  assert.match(stdout, /PADDING: \d+ B/)
})

test('openssl sees the protocol dot and a resumed session', async () => {
  const common = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-alpn', 'dot', '-tls1_2']
  const session = join(folder, 'session')
  const ask = (more: string[]) => run('sh', ['-c', `openssl ${[...common, ...more].join(' ')} </dev/null`])
  const first = await ask(['-sess_out', session])
  assert.match(first.stdout, /ALPN protocol: dot/)
  assert.match((await ask(['-sess_in', session])).stdout, /^Reused, TLSv1\.2/m)
})

test('answers to padded queries fill blocks of 468 octets, others are not padded', async () => {
  const ask = async (name: string, length: number) => {
    const { opt } = await server.query(name, 'A', {
      proto: 'tls',
      options: [{ code: OPTIONS.PADDING, data: Buffer.alloc(length) }],
    })
    return opt!.options.find(({ code }) => code === OPTIONS.PADDING)?.data.length ?? -1
  }
  const { stdout } = await run('kdig', [
    ...['@127.0.0.1', '-p', String(server.port), '+tls', '+padding=128', 'a.example', 'AAAA'],
  ])
  assert.match(stdout, /Received 468 B/)
  assert.ok((await ask('many.example', 0)) >= 0)
  const plain = await server.query('a.example', 'A', { proto: 'tls', udpSize: 1232 })
  assert.deepEqual(plain.opt?.options, [])
})

test('label, protocol and log are those of CoreDNS', async () => {
  await server.query('x.example', 'A', { proto: 'tls' })
  const label = `tls://127.0.0.1:${server.port}`
  assert.ok(
    (await server.metrics()).includes(
      `coredns_dns_request_size_bytes_count{server="${label}",zone=".",view="",proto="tcp"}`,
    ),
  )
  await server.logged(/A x\.example\. tcp \d+/)
})

test('dnsperf loses nothing', async () => {
  const names = join(folder, 'names')
  await writeFile(names, 'many.example A\nother.example AAAA\n')
  const { stdout } = await run('dnsperf', [
    ...['-m', 'dot', '-s', '127.0.0.1', '-p', String(server.port), '-d', names, '-c', '4', '-n', '1000', '-q', '50'],
  ])
  assert.match(stdout, /Queries completed: +2000 \(100\.00%\)/)
})

test('without a certificate it is clear text', async (t) => {
  const clear = await startServer('tls://.:0 {\n  bind 127.0.0.1\n  whoami\n}')
  t.after(() => clear.stop())
  const { rcode } = await clear.query('a.example', 'A', { proto: 'tcp' })
  assert.equal(rcode, 0)
  await assert.rejects(clear.query('a.example', 'A', { proto: 'udp', timeout: 200 }))
})

test('a reload takes a changed client_auth on the open listener', async (t) => {
  const [cert, key] = ['dns.example.crt', 'dns.example.key'].map((file) => join(folder, file))
  const block = (more: string) =>
    `tls://.:0 {\n  bind 127.0.0.1\n  tls ${cert} ${key} ${cert} {\n${more}\n  }\n  whoami\n}`
  const reloaded = await startServer(block('client_auth nocert'))
  t.after(() => reloaded.stop())
  const { port } = reloaded
  await reloaded.query('a.example', 'A', { proto: 'tls' })
  assert.deepEqual(await reloaded.reload(block('client_auth require_and_verify')), { ok: true })
  assert.equal(reloaded.port, port)
  await assert.rejects(reloaded.query('a.example', 'A', { proto: 'tls', timeout: 2000 }))
})

test('with a supervisor encrypted listeners outlive their worker', async (t) => {
  t.after(killLeftovers)
  const [cert, key] = ['dns.example.crt', 'dns.example.key'].map((file) => join(folder, file))
  const [tls, https] = (await findFreePorts(2)) as [number, number]
  const block = (listener: string) => `${listener} {\n  bind 127.0.0.1\n  tls ${cert} ${key}\n  whoami\n}\n`
  const input = `.:0 {\n  bind 127.0.0.1\n  whoami\n}\n${block(`tls://.:${tls}`)}${block(`https://.:${https}`)}`
  const cli = await serveCli(['-conf', 'stdin', '-supervise'], { input })
  const ask = async (proto: 'tls' | 'https', port: number) => {
    const { rcode } = await query({ address: '127.0.0.1', port }, 'a.example', 'A', { proto, timeout: 15_000 })
    assert.equal(rcode, 0)
  }
  for (let i = 0; i < 2; i++) {
    const [worker] = childrenOf(cli.pid)
    process.kill(worker!, 'SIGKILL')
    await Promise.all([ask('tls', tls), ask('https', https)])
    assert.notDeepEqual(childrenOf(cli.pid), [worker])
  }
  cli.kill('SIGTERM')
  assert.equal((await cli.ended).code, 0)
})

test('kdig is shown the certificate with the name that it asks for', async (t) => {
  const other = await makeCertificate(folder, 'other.example')
  const [cert, key] = ['dns.example.crt', 'dns.example.key'].map((file) => join(folder, file))
  const block = (zone: string, files: string) => `tls://${zone} {\n  bind 127.0.0.1\n  tls ${files}\n  whoami\n}\n`
  const [port] = (await findFreePorts(1)) as [number]
  const text = block(`a.example:${port}`, `${cert} ${key}`) + block(`b.example:${port}`, `${other.cert} ${other.key}`)
  const two = await startServer(text)
  t.after(() => two.stop())
  for (const name of ['dns.example', 'other.example']) {
    const { stdout } = await run('kdig', [
      ...['@127.0.0.1', '-p', String(port), `+tls-host=${name}`, `+tls-ca=${join(folder, `${name}.crt`)}`],
      ...['a.example', 'A'],
    ])
    assert.match(stdout, /status: NOERROR/)
  }
})
