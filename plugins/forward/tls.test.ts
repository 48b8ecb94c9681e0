import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { toQuery } from 'corelet/plugin/testing'
import { type FakeServer, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import { makeCertificate } from '../../test/kit/certificate.ts'
import { startUnbound } from '../../test/kit/unbound.ts'
import { startForward } from './testing.ts'

describe('a TLS upstream', () => {
  let folder: string
  let server: FakeServer
  let files: { cert: string; key: string }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forward-tls-'))
    files = await makeCertificate(folder, 'dns.example')
    server = await startFakeServer({
      respond: (query) => query.send(toAnswer(query)),
      tls: {
        cert: await readFile(files.cert),
        key: await readFile(files.key),
        ca: await readFile(files.cert),
        ALPNProtocols: ['dot'],
        requestCert: true,
        rejectUnauthorized: false,
      },
    })
  })
  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  const lastConnection = () => server.connections.at(-1) as TLSSocket

  async function withForward(text: string, run: (forward: Awaited<ReturnType<typeof startForward>>) => Promise<void>) {
    const forward = await startForward(text)
    try {
      await run(forward)
    } finally {
      forward.stop()
    }
  }

  it('is verified and asked by the name in tls_servername', async () => {
    const text = `forward . tls://127.0.0.1:${server.port} {\n  tls ${files.cert}\n  tls_servername dns.example\n}`
    await withForward(text, async ({ resolve, context }) => {
      assert.equal(await resolve('a.example'), '192.0.2.1')
      assert.equal(lastConnection().servername, 'dns.example')
      assert.equal(lastConnection().alpnProtocol, 'dot')
      const to = `127.0.0.1:${server.port}`
      assert.equal(context.metrics.value('coredns_proxy_conn_cache_misses_total', 'forward', to, 'tcp-tls'), 1)
    })
  })

  it('is verified and asked by the name behind its address', async () => {
    const text = `forward . tls://127.0.0.1%dns.example:${server.port} {\n  tls ${files.cert}\n}`
    await withForward(text, async ({ resolve }) => {
      assert.equal(await resolve('a.example'), '192.0.2.1')
      assert.equal(lastConnection().servername, 'dns.example')
    })
  })

  const refused: [why: string, destination: string, option: string, message: RegExp][] = [
    ['has another name', '127.0.0.1%other.example', 'tls CERT', /other\.example/],
    ['has no name for the address', '127.0.0.1', 'tls CERT', /127\.0\.0\.1/],
    ['is signed by an unknown authority', '127.0.0.1%dns.example', 'tls', /certificate signed by unknown authority$/],
  ]
  for (const [why, destination, option, message] of refused) {
    it(`is not asked when its certificate ${why}`, async () => {
      const count = server.received.length
      const text = `forward . tls://${destination}:${server.port} {\n  ${option.replace('CERT', files.cert)}\n  max_fails 0\n}`
      await withForward(text, async ({ ask }) => {
        const reply = await ask(toQuery('a.example'))
        assert.equal(reply.kind, 'failure')
        assert.match(String(reply.error), message)
        assert.equal(server.received.length, count)
      })
    })
  }

  it('gets a certificate of ours', async () => {
    const { cert, key } = files
    const text = `forward . tls://127.0.0.1%dns.example:${server.port} {\n  tls ${cert} ${key} ${cert}\n}`
    await withForward(text, async ({ resolve }) => {
      assert.equal(await resolve('a.example'), '192.0.2.1')
      assert.equal(lastConnection().authorized, true)
      assert.equal(lastConnection().getPeerCertificate().subject.CN, 'dns.example')
    })
  })

  it('is asked over one connection, and the session is resumed on the next', async () => {
    const text = `forward . tls://127.0.0.1%dns.example:${server.port} {\n  tls ${files.cert}\n}`
    await withForward(text, async ({ resolve }) => {
      const count = server.connections.length
      for (let i = 0; i < 5; i++) await resolve(`n${i}.example`)
      assert.equal(server.connections.length, count + 1)
      const ended = new Promise((resolve) => lastConnection().once('close', resolve))
      lastConnection().end()
      await ended
      assert.equal(await resolve('again.example'), '192.0.2.1')
      assert.equal(server.connections.length, count + 2)
      assert.equal(lastConnection().isSessionReused(), true)
    })
  })

  it('that never shakes hands costs one read_timeout', async () => {
    const mute = await startFakeServer({ respond: () => {} })
    const list = [mute, server].map(({ port }) => `tls://127.0.0.1%dns.example:${port}`).join(' ')
    const text = `forward . ${list} {\n  tls ${files.cert}\n  policy sequential\n  read_timeout 200ms\n  max_connect_attempts 2\n}`
    await withForward(text, async ({ resolve }) => assert.equal(await resolve('a.example'), '192.0.2.1'))
    await mute.close()
  })

  it('needs files that exist', async () => {
    await assert.rejects(startForward('forward . tls://127.0.0.1 {\n  tls /nowhere/ca.pem\n}'), /nowhere/)
  })
})

describe('a real Unbound', () => {
  it('is asked over UDP, TCP and TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'forward-unbound-'))
    const files = await makeCertificate(folder, 'dns.example')
    const unbound = await startUnbound({ records: ['www.example. 300 IN A 192.0.2.7'], tls: files })
    try {
      const plain = await startForward(`forward . ${unbound.address}`)
      assert.equal(await plain.resolve('www.example', 'udp'), '192.0.2.7')
      assert.equal(await plain.resolve('WWW.Example', 'tcp'), '192.0.2.7')
      assert.equal(await plain.resolve('nothing.example'), 'NXDOMAIN')
      const signed = await plain.ask(toQuery('www.example', 'A', { dnssecOk: true }))
      assert.equal(signed.scan?.answers, 1)
      plain.stop()
      const secure = await startForward(
        `forward . tls://127.0.0.1%dns.example:${unbound.tlsPort} {\n  tls ${files.cert}\n}`,
      )
      const answers = await Promise.all(Array.from({ length: 50 }, () => secure.resolve('www.example')))
      assert.deepEqual(new Set(answers), new Set(['192.0.2.7']))
      secure.stop()
    } finally {
      await unbound.stop()
      await rm(folder, { recursive: true })
    }
  })
})
