import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, ListenOptions } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Query, RCODES, systemClock } from 'corelet/plugin'
import {
  checkDirectives,
  type FakeContext,
  fakeContext,
  type NextLike,
  readText,
  startPlugin,
  startServer,
  toNext,
  toQuery,
} from 'corelet/plugin/testing'
import { encodePacket, readCall } from '../../src/net/grpc-message.ts'
import { toAnswer } from '../../src/upstream/testing.ts'
import { makeCertificate } from '../../test/kit/certificate.ts'
import grpc from './index.ts'

/** A server that does what it is told with each call. */
class FakeGrpc {
  readonly calls: Buffer[] = []
  readonly sessions: ServerHttp2Session[] = []
  respond: (stream: ServerHttp2Stream, message: Buffer) => void = answer
  readonly #server: Http2Server = createServer()

  async open(where: ListenOptions): Promise<number> {
    this.#server.on('session', (session) => void this.sessions.push(session))
    this.#server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = []
      stream.on('error', () => {})
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
      stream.on('end', () => {
        assert.equal(headers[':path'], '/coredns.dns.DnsService/Query')
        assert.equal(headers['content-type'], 'application/grpc')
        const message = Buffer.from(readCall(Buffer.concat(chunks)) as Uint8Array)
        this.calls.push(message)
        this.respond(stream, message)
      })
    })
    await new Promise<void>((resolve) => void this.#server.listen(where, resolve))
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** A call's answer with these octets behind its headers, and a status behind these. */
function send(stream: ServerHttp2Stream, octets: Uint8Array, status = '0'): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
  stream.end(octets)
}

function answer(stream: ServerHttp2Stream, message: Buffer): void {
  send(stream, encodePacket(toAnswer({ wire: message })))
}

/** An answer without a body, which has its status among the headers. */
const withStatus =
  (status: number, message = 'because') =>
  (stream: ServerHttp2Stream) =>
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': `${status}`, 'grpc-message': message },
      { endStream: true },
    )

describe('grpc', () => {
  const servers = [new FakeGrpc(), new FakeGrpc()]
  const [first, second] = servers as [FakeGrpc, FakeGrpc]
  const ports: number[] = []
  before(async () => {
    for (const server of servers) ports.push(await server.open({ port: 0, host: '127.0.0.1' }))
  })
  after(async () => {
    for (const server of servers) await server.close()
  })

  interface Run {
    query?: Query
    next?: NextLike | undefined
    before?(context: FakeContext): void
  }

  /** Asks; `A` and `B` in the text are the two servers. */
  async function run(text: string, { query = toQuery('www.example.'), next }: Run = {}) {
    for (const server of servers) server.calls.length = 0
    const context: FakeContext = Object.assign(fakeContext({ plugin: 'grpc' }), { clock: systemClock as never })
    const directive = text.replace(/\b[AB]\b/g, (name) => `127.0.0.1:${ports[name === 'A' ? 0 : 1]}`)
    const { running } = await startPlugin(grpc, directive, context)
    const toNextPlugin = next
      ? toNext(next, 'whoami')
      : toNext((each) => each.fail(RCODES.SERVFAIL, 'grpc', 'no next plugin found'))
    try {
      return { reply: await running.handler!(query, toNextPlugin), context, query }
    } finally {
      await running.stop?.()
      first.respond = second.respond = answer
    }
  }

  test('asks with the query as it is, and counts the answer', async () => {
    const query = toQuery('www.example.')
    const { reply, context } = await run('grpc . A', { query })
    const to = `127.0.0.1:${ports[0]}`
    assert.deepEqual([reply.kind, reply.rcode, reply.answers.length], ['answer', 0, 1])
    assert.deepEqual(first.calls, [Buffer.from(query.packet)])
    assert.equal(query.metadata('grpc/upstream'), to)
    const { metrics } = context
    assert.equal(metrics.value('coredns_grpc_requests_total', to), 1)
    assert.equal(metrics.value('coredns_grpc_responses_total', 'NOERROR', to), 1)
    assert.equal(metrics.value('coredns_grpc_request_duration_seconds', to), 1)
  })

  test('asks what is below FROM and not excepted; FROM itself always', async () => {
    const text = 'grpc example A {\n  except example lab.example\n}'
    const next: NextLike = (query) => query.fail(RCODES.REFUSED, 'test', 'next')
    const asked = async (name: string) => {
      await run(text, { query: toQuery(name), next })
      return first.calls.length
    }
    assert.equal(await asked('example.'), 1)
    assert.equal(await asked('www.lab.example.'), 0)
    assert.equal(await asked('www.other.'), 0)
    const { reply } = await run('grpc example A', { query: toQuery('www.other.') })
    assert.equal(reply.rcode, RCODES.SERVFAIL)
  })

  test('carries many queries over one connection', async () => {
    const context = Object.assign(fakeContext({ plugin: 'grpc' }), { clock: systemClock as never })
    const { running } = await startPlugin(grpc, `grpc . 127.0.0.1:${ports[0]}`, context)
    const before = first.sessions.length
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, i) => running.handler!(toQuery(`n${i}.example.`), toNext(unasked))),
    )
    assert.ok(replies.every(({ answers }) => answers.length === 1))
    assert.equal(first.sessions.length, before + 1)
    first.sessions.at(-1)!.close()
    assert.equal((await running.handler!(toQuery('again.example.'), toNext(unasked))).answers.length, 1)
    await running.stop?.()
  })

  test('takes NOT_FOUND for NXDOMAIN', async () => {
    first.respond = withStatus(5)
    const { reply, context } = await run('grpc . A')
    assert.deepEqual([reply.kind, reply.rcode, reply.scan?.answers], ['answer', RCODES.NXDOMAIN, 0])
    assert.equal(context.metrics.value('coredns_grpc_responses_total', 'NXDOMAIN', `127.0.0.1:${ports[0]}`), 1)
  })

  const bad: [what: string, respond: FakeGrpc['respond'], error: RegExp][] = [
    ['another status', withStatus(14, 'going \u00e9 away'), /gRPC status 14: going \?+ away/],
    [
      'a status of its own kind behind a message',
      (stream, message) => send(stream, toAnswer({ wire: message }), '2'),
      /gRPC status 2/,
    ],
    ['no status', (stream) => stream.respond({ ':status': 200 }, { endStream: true }), /gRPC status missing/],
    ['an error of HTTP', (stream) => stream.respond({ ':status': 502 }, { endStream: true }), /HTTP status 502/],
    ['a call that is cut off', (stream, message) => send(stream, encodePacket(message).subarray(0, 9)), /is malformed/],
    ['a compressed call', (stream) => send(stream, Buffer.from([1, 0, 0, 0, 1, 0])), /is compressed/],
    ['an empty message', (stream) => send(stream, Buffer.alloc(5)), /no answer: short/],
    [
      'half a message',
      (stream, message) => send(stream, encodePacket(toAnswer({ wire: message }).subarray(0, -2))),
      /no answer: malformed/,
    ],
    ['more than a message can have', (stream) => send(stream, Buffer.alloc(80_000)), /longer than 65535 octets/],
    ['a reset', (stream) => stream.close(2), /stream|INTERNAL_ERROR/i],
    ['the end of the connection', (stream) => stream.session!.destroy(), /closed|reset/i],
  ]
  for (const [what, respond, error] of bad) {
    test(`asks the next one when a server sends ${what}, each once`, async () => {
      first.respond = respond
      const { reply, context } = await run('grpc . A B {\n  policy sequential\n}')
      assert.deepEqual([reply.kind, first.calls.length, second.calls.length], ['answer', 1, 1])
      assert.equal(context.metrics.value('coredns_grpc_requests_total', `127.0.0.1:${ports[0]}`), undefined)
      first.respond = respond
      const alone = await run('grpc . A')
      assert.deepEqual(
        [alone.reply.kind, alone.reply.rcode >= RCODES.FORMERR, first.calls.length],
        ['failure', true, 1],
      )
      assert.match(String(alone.reply.error), error)
    })
  }

  test('is FORMERR when what came was the answer to something else', async () => {
    first.respond = (stream) => send(stream, encodePacket(toAnswer({ wire: Buffer.from(toQuery('other.').packet) })))
    assert.equal((await run('grpc . A')).reply.rcode, RCODES.FORMERR)
    first.respond = (stream, message) => send(stream, encodePacket(message))
    assert.equal((await run('grpc . A')).reply.rcode, RCODES.FORMERR)
  })

  test('falls through when the name does not exist, or all failed, and there is a next plugin', async () => {
    const text = 'grpc . A {\n  fallthrough example\n}'
    const next: NextLike = (query) => query.reply({ rcode: 0 }, 'whoami', 'next')
    const fates: [respond: FakeGrpc['respond'], rcode: number][] = [
      [withStatus(5), RCODES.NXDOMAIN],
      [withStatus(14), RCODES.SERVFAIL],
    ]
    for (const [respond, rcode] of fates) {
      const ask = async (options: Run, directive = text) => {
        first.respond = respond
        return (await run(directive, options)).reply
      }
      assert.equal((await ask({ next })).plugin, 'whoami')
      assert.equal((await ask({})).rcode, rcode)
      assert.equal((await ask({ next }, 'grpc . A')).rcode, rcode)
      assert.equal((await ask({ next, query: toQuery('www.other.') })).rcode, rcode)
    }
    first.respond = (stream, message) =>
      send(stream, encodePacket(toAnswer({ wire: message }, { rcode: 5, addresses: [] })))
    assert.equal((await run(text, { next })).reply.rcode, RCODES.REFUSED)
  })

  test('asks at a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'grpc-'))
    const server = new FakeGrpc()
    const path = join(folder, 'dns.sock')
    await server.open({ path })
    try {
      const { reply, context } = await run(`grpc . unix://${path}`)
      assert.equal(reply.answers.length, 1)
      assert.equal(context.metrics.value('coredns_grpc_requests_total', `unix://${path}`), 1)
    } finally {
      await server.close()
      await rm(folder, { recursive: true })
    }
  })

  test('is SERVFAIL when nobody is there', async () => {
    const { reply } = await run('grpc . unix:///nowhere/at.all')
    assert.deepEqual([reply.kind, reply.rcode], ['failure', RCODES.SERVFAIL])
  })

  test('gives a silent server 5 s altogether', async () => {
    first.respond = second.respond = () => {}
    const context = fakeContext({ plugin: 'grpc' })
    const { running } = await startPlugin(grpc, `grpc . 127.0.0.1:${ports[0]} 127.0.0.1:${ports[1]}`, context)
    const asked = Promise.resolve(running.handler!(toQuery('www.example.'), toNext(unasked)))
    let done = false
    void asked.then(() => {
      done = true
    })
    await context.clock.advance(4900)
    assert.equal(done, false)
    await context.clock.advance(200)
    const reply = await asked
    assert.equal(reply.rcode, RCODES.SERVFAIL)
    await running.stop?.()
    first.respond = second.respond = answer
  })
})

const unasked: NextLike = () => {
  throw new Error('next was asked')
}

describe('corelet’s own listener', () => {
  let folder: string
  let files: { cert: string; key: string }
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'grpc-'))
    files = await makeCertificate(folder, 'dns.example')
  })
  after(() => rm(folder, { recursive: true }))

  const answers = 'template IN A {\n  answer "{{ .Name }} 60 IN A 192.0.2.7"\n}'

  test('is asked in clear text', async () => {
    await using upstream = await startServer(`grpc://.:0 {\n  bind 127.0.0.1\n  ${answers}\n}`)
    await using server = await startServer(`.:0 {\n  bind 127.0.0.1\n  grpc . 127.0.0.1:${upstream.port}\n}`)
    const reply = await server.query('www.example.', 'A')
    assert.deepEqual(
      reply.answers.map(({ data }) => data),
      ['192.0.2.7'],
    )
    assert.match(await server.metrics(), /coredns_grpc_responses_total\{rcode="NOERROR",to="127\.0\.0\.1:\d+"\} 1/)
  })

  test('is asked over TLS, if its certificate is right', async () => {
    const tls = `tls ${files.cert} ${files.key}`
    await using upstream = await startServer(`grpc://.:0 {\n  bind 127.0.0.1\n  ${tls}\n  ${answers}\n}`)
    const rcode = async (lines: string) => {
      const text = `.:0 {\n  bind 127.0.0.1\n  grpc . 127.0.0.1:${upstream.port} {\n    ${lines}\n  }\n}`
      await using server = await startServer(text)
      return (await server.query('www.example.', 'A')).rcode
    }
    assert.equal(await rcode(`tls ${files.cert}\n    tls_servername dns.example`), RCODES.NOERROR)
    assert.equal(await rcode(`tls ${files.cert}\n    tls_servername other.example`), RCODES.SERVFAIL)
    assert.equal(await rcode('tls_servername dns.example'), RCODES.SERVFAIL)
    assert.equal(await rcode('policy random'), RCODES.SERVFAIL)
  })
})

describe('the directive', () => {
  test('mistakes are found where they are', async () => {
    await checkDirectives(grpc, [
      ['grpc', '2:1 wrong-argument-count'],
      ['grpc .', '2:6 wrong-argument-count'],
      ['grpc a..b 127.0.0.1', '2:6 bad-zone'],
      ['grpc . grpc://127.0.0.1', '2:8 grpc/bad-destination'],
      ['grpc . dns.example', '2:8 grpc/bad-destination'],
      ['grpc . unix:relative', '2:8 grpc/bad-destination'],
      ['grpc . 127.0.0.1:99999', '2:8 grpc/bad-destination'],
      [`grpc .${' 127.0.0.1'.repeat(16)}`, '2:158 grpc/too-many-destinations'],
      ['grpc . 127.0.0.1 {\n  policy best\n}', '3:10 grpc/unknown-policy'],
      ['grpc . 127.0.0.1 {\n  policy\n}', '3:3 wrong-argument-count'],
      ['grpc . 127.0.0.1 {\n  except\n}', '3:3 wrong-argument-count'],
      ['grpc . 127.0.0.1 {\n  tls a b c d\n}', '3:13 wrong-argument-count'],
      ['grpc . 127.0.0.1 {\n  tls_servername\n}', '3:3 wrong-argument-count'],
      ['grpc . 127.0.0.1 {\n  fallthrough a..b\n}', '3:15 bad-zone'],
      ['grpc . 127.0.0.1 {\n  force_tcp\n}', '3:3 unknown-property'],
      ['grpc . 127.0.0.1\ngrpc . 127.0.0.1', '3:1 once-per-block'],
    ])
  })

  const read = async (text: string) => {
    const { options, diagnostics } = await readText(grpc, text)
    assert.deepEqual(diagnostics, [])
    return options[0]!
  }

  test('upstreams are addresses, sockets and files', async () => {
    const { destinations } = await read('grpc . 10.0.0.1 [2001:db8::1]:443 unix:///run/x.sock /etc/resolv.conf')
    const server = (address: string, port: number) => ({
      kind: 'server',
      target: { transport: 'grpc', address, port },
    })
    assert.deepEqual(destinations, [
      server('10.0.0.1', 53),
      server('2001:db8::1', 443),
      server('/run/x.sock', 0),
      { kind: 'file', path: '/etc/resolv.conf', transport: 'grpc' },
    ])
  })

  test('a name of the server turns TLS on; files come in CoreDNS’s order', async () => {
    const tls = async (lines: string) => (await read(`grpc . 127.0.0.1 {\n${lines}\n}`)).tls
    assert.equal(await tls(''), undefined)
    assert.deepEqual(await tls('tls_servername a.example'), {})
    assert.deepEqual(await tls('tls'), {})
    assert.deepEqual(await tls('tls ca'), { ca: 'ca' })
    assert.deepEqual(await tls('tls cert key'), { cert: 'cert', key: 'key' })
    assert.deepEqual(await tls('tls cert key ca'), { cert: 'cert', key: 'key', ca: 'ca' })
  })

  test('policies, names that are excepted, and of a network the first zone', async () => {
    for (const policy of ['random', 'round_robin', 'sequential']) {
      assert.equal((await read(`grpc . 127.0.0.1 {\n  policy ${policy}\n}`)).policy, policy)
    }
    const { policy, except, from } = await read('grpc 10.0.0.0/15 127.0.0.1 {\n  except a b\n  except c\n}')
    assert.deepEqual([policy, except, from], ['random', ['a.', 'b.', 'c.'], '0.10.in-addr.arpa.'])
  })

  test('servers of a file are asked over gRPC at port 53; one that is not there stops the start', async () => {
    await assert.rejects(startPlugin(grpc, 'grpc . /nowhere/resolv.conf'), /not an IP address, file.*\/nowhere/)
  })
})
