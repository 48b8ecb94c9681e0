import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { toQuery } from 'corelet/plugin/testing'
import { decodeMessage } from '../../src/dns/codec.ts'
import { OPTIONS } from '../../src/dns/constants.ts'
import { toAnswer } from '../../src/upstream/testing.ts'
import { makeCertificate } from '../../test/kit/certificate.ts'
import { startUnbound } from '../../test/kit/unbound.ts'
import { type RunningForward, startForward } from './testing.ts'

const toWire = (name: string) => Buffer.from(toQuery(name).packet)

interface Asked {
  method: string
  path: string
  authority: string
  type: string | undefined
  message: Buffer
}

describe('an HTTPS upstream', () => {
  let folder: string
  let files: { cert: string; key: string }
  let server: Http2SecureServer
  let port: number
  let asked: Asked[] = []
  const sessions: ServerHttp2Session[] = []
  /** Answers instead of the server's usual answer. */
  let respond: ((message: Buffer, response: Http2ServerResponse) => void) | undefined

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forward-https-'))
    files = await makeCertificate(folder, 'dns.example')
    const handle = async (request: Http2ServerRequest, response: Http2ServerResponse) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const parameter = new URL(request.url, 'https://x').searchParams.get('dns')
      const message = parameter === null ? Buffer.concat(chunks) : Buffer.from(parameter, 'base64url')
      asked.push({
        method: request.method,
        path: request.url.split('?')[0]!,
        authority: request.authority,
        type: request.headers['content-type'],
        message,
      })
      if (respond) respond(message, response)
      else response.writeHead(200, { 'content-type': 'application/dns-message' }).end(toAnswer({ wire: message }))
    }
    server = createSecureServer(
      { cert: await readFile(files.cert), key: await readFile(files.key) },
      (request, response) => void handle(request, response),
    )
    server.on('session', (session) => void sessions.push(session))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as { port: number }).port
  })
  after(async () => {
    for (const session of sessions) session.destroy()
    await new Promise((resolve) => server.close(resolve))
    await rm(folder, { recursive: true })
  })

  async function withForward(more: string, run: (forward: RunningForward) => Promise<void>, to = port): Promise<void> {
    asked = []
    respond = undefined
    const text = `forward . https://127.0.0.1:${to} {\n  tls ${files.cert}\n  tls_servername dns.example\n${more}\n}`
    const forward = await startForward(text)
    try {
      await run(forward)
    } finally {
      forward.stop()
    }
  }

  for (const method of ['POST', 'GET']) {
    it(`is asked by ${method}, with the id 0`, async () => {
      await withForward(`  doh_method ${method}`, async ({ resolve }) => {
        assert.equal(await resolve('a.example'), '192.0.2.1')
        const [{ message, ...rest }] = asked as [Asked]
        const type = method === 'POST' ? 'application/dns-message' : undefined
        assert.deepEqual(rest, { method, path: '/dns-query', authority: `dns.example:${port}`, type })
        assert.equal(message.readUInt16BE(), 0)
        assert.equal(decodeMessage(message).question!.name, 'a.example.')
      })
    })
  }

  it('is asked by POST when nothing is said, and over one session', async () => {
    await withForward('', async ({ resolve }) => {
      const before = sessions.length
      const answers = await Promise.all(Array.from({ length: 80 }, (_, i) => resolve(`n${i}.example`)))
      assert.deepEqual(new Set(answers), new Set(['192.0.2.1']))
      assert.equal(sessions.length, before + 1)
      assert.equal(asked[0]!.method, 'POST')
    })
  })

  it('gets padded queries from clients with EDNS', async () => {
    await withForward('', async ({ ask }) => {
      await ask(toQuery('a.example', 'A', { udpSize: 1232 }))
      const { opt } = decodeMessage(asked[0]!.message)
      assert.equal(asked[0]!.message.length, 128)
      assert.deepEqual(
        opt!.options.map(({ code }) => code),
        [OPTIONS.PADDING],
      )
    })
  })

  it('that goes away is asked over another session, and no query is lost', async () => {
    await withForward('', async ({ resolve }) => {
      for (let i = 0; i < 5; i++) {
        assert.equal(await resolve(`a${i}.example`), '192.0.2.1')
        sessions.at(-1)!.close()
      }
      assert.equal(await resolve('b.example'), '192.0.2.1')
      sessions.at(-1)!.destroy()
      assert.equal(await resolve('c.example'), '192.0.2.1')
    })
  })

  it('is believed whatever its status, when what it sends is the answer', async () => {
    await withForward('', async ({ resolve }) => {
      respond = (message, response) => void response.writeHead(503).end(toAnswer({ wire: message }))
      assert.equal(await resolve('a.example'), '192.0.2.1')
    })
  })

  const bad: [what: string, respond: NonNullable<typeof respond>, error: RegExp][] = [
    ['no message', (_, response) => void response.writeHead(502).end('bad gateway'), /HTTP status 502.*no answer/],
    ['nothing', (_, response) => void response.writeHead(200).end(), /HTTP status 200.*no answer: short/],
    [
      'the answer to something else',
      (_, response) => void response.end(toAnswer({ wire: toWire('other.example') })),
      /no answer/,
    ],
    [
      'more than a message can have',
      (message, response) => void response.end(Buffer.concat([toAnswer({ wire: message }), Buffer.alloc(70_000)])),
      /longer than 65535 octets/,
    ],
    ['a reset', (_, response) => void response.stream.close(2), /stream|INTERNAL_ERROR/i],
  ]
  for (const [what, answer, error] of bad) {
    it(`that sends ${what} counts as failed`, async () => {
      await withForward('  max_fails 0\n  max_connect_attempts 1', async ({ ask }) => {
        respond = answer
        const reply = await ask(toQuery('a.example'))
        assert.equal(reply.kind, 'failure')
        assert.match(String(reply.error), error)
        respond = undefined
        assert.equal((await ask(toQuery('b.example'))).kind, 'answer')
      })
    })
  }

  it('is not asked when its certificate has another name, or it does not speak HTTP/2', async () => {
    const text = `forward . https://127.0.0.1:${port} {\n  tls ${files.cert}\n  tls_servername other.example\n  max_fails 0\n}`
    const wrong = await startForward(text)
    const reply = await wrong.ask(toQuery('a.example'))
    assert.match(String(reply.error), /other\.example/)
    wrong.stop()
    const tls = createTlsServer({ cert: await readFile(files.cert), key: await readFile(files.key) }, (socket) =>
      socket.on('error', () => {}).resume(),
    )
    await new Promise<void>((resolve) => void tls.listen(0, '127.0.0.1', resolve))
    await withForward(
      '  max_fails 0',
      async ({ ask }) => {
        assert.match(String((await ask(toQuery('a.example'))).error), /does not speak HTTP\/2/)
      },
      (tls.address() as { port: number }).port,
    )
    await new Promise((resolve) => tls.close(resolve))
  })

  it('is counted as others are, but for the cache of connections', async () => {
    await withForward('', async ({ resolve, context }) => {
      await resolve('a.example')
      const to = `127.0.0.1:${port}`
      assert.equal(context.metrics.value('coredns_proxy_request_duration_seconds', 'forward', to, 'NOERROR'), 1)
      const keys = [...context.metrics.values.keys()]
      assert.deepEqual(
        keys.filter((key) => /conn_cache/.test(key)),
        [],
      )
    })
  })
})

it('a real Unbound is asked over HTTPS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'forward-https-'))
  const files = await makeCertificate(folder, 'dns.example')
  const unbound = await startUnbound({ records: ['www.example. 300 IN A 192.0.2.7'], tls: files })
  try {
    for (const method of ['GET', 'POST']) {
      const forward = await startForward(
        `forward . https://127.0.0.1:${unbound.httpsPort} {\n  tls ${files.cert}\n  tls_servername dns.example\n  doh_method ${method}\n}`,
      )
      const answers = await Promise.all(Array.from({ length: 150 }, () => forward.resolve('www.example')))
      assert.deepEqual(new Set(answers), new Set(['192.0.2.7']))
      assert.equal(await forward.resolve('nothing.example'), 'NXDOMAIN')
      const signed = await forward.ask(toQuery('www.example', 'A', { dnssecOk: true }))
      assert.equal(signed.scan?.answers, 1)
      forward.stop()
    }
  } finally {
    await unbound.stop()
    await rm(folder, { recursive: true })
  }
})
