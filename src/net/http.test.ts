import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { Bound } from './connection.ts'
import { type HandleRequest, type HttpOptions, HttpSpeaker } from './http.ts'
import { openTcp, TCP_DEFAULTS, type TcpSettings } from './tcp.ts'
import { StillClock, settle } from './testing.ts'

/** A server of HTTP/1.1 whose clock stands still. */
async function open(
  t: { after(call: () => void): void },
  handle: HandleRequest,
  settings: Partial<TcpSettings> = {},
  options: HttpOptions = {},
) {
  const clock = new StillClock()
  const bounds: Bound[] = []
  const speaker = new HttpSpeaker(handle, options)
  const server = await openTcp({
    address: '127.0.0.1',
    port: 0,
    clock,
    converse: speaker.converse,
    settings: { ...TCP_DEFAULTS, ...settings },
    onBound: (bound) => void bounds.push(bound),
  })
  t.after(() => {
    server.close()
    server.destroy()
  })
  const client = async () => {
    const held = server.size
    const socket = connect({ port: server.port, host: '127.0.0.1' }).on('error', () => {})
    t.after(() => socket.destroy())
    socket.setEncoding('latin1')
    let received = ''
    let closed = false
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('close', () => {
      closed = true
    })
    await once(socket, 'connect')
    for (let i = 0; i < 200 && server.size <= held; i++) await settle()
    return {
      socket,
      get received() {
        return received
      },
      get closed() {
        return closed
      },
      async until(condition: () => boolean) {
        for (let i = 0; i < 2000 && !condition(); i++) await settle()
        assert.ok(condition())
      },
    }
  }
  return { clock, server, speaker, client, bounds }
}

const ok: HandleRequest = (_request, response) => void (response as import('node:http').ServerResponse).end('ok')
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

test('a connection that brings no request is cut after the time for a first message, however slow it sends', async (t) => {
  const { clock, client, bounds } = await open(t, ok)
  const mute = await client()
  const slow = await client()
  slow.socket.write('GET / HT')
  await clock.advance(2900)
  slow.socket.write('TP/1.1\r\n')
  await clock.advance(90)
  assert.ok(!mute.closed && !slow.closed)
  await clock.advance(300)
  await mute.until(() => mute.closed && slow.closed)
  assert.deepEqual(bounds, ['read', 'read'])
})

test('a body that does not come costs the connection', async (t) => {
  const { clock, client, server } = await open(t, (request) => void request.resume())
  const slow = await client()
  slow.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc')
  await slow.until(() => server.size === 1)
  await settle()
  await clock.advance(2900)
  assert.equal(slow.closed, false)
  await clock.advance(700)
  await slow.until(() => slow.closed)
})

test('a request whose answer takes its time is waited for, and an idle connection ends', async (t) => {
  const answers: (() => void)[] = []
  const { clock, client } = await open(t, (request, response) => void answers.push(() => ok(request, response)))
  const patient = await client()
  patient.socket.write(GET)
  await patient.until(() => answers.length === 1)
  await clock.advance(60_000)
  assert.equal(patient.closed, false)
  answers[0]!()
  await patient.until(() => patient.received.endsWith('ok\r\n0\r\n\r\n') || patient.received.endsWith('ok'))
  await clock.advance(9800)
  assert.equal(patient.closed, false)
  await clock.advance(600)
  await patient.until(() => patient.closed)
})

test('a client that does not take its answer loses the connection', async (t) => {
  const { clock, client, server, bounds } = await open(
    t,
    (_request, response) => void (response as import('node:http').ServerResponse).end(Buffer.alloc(32 << 20)),
  )
  const deaf = await client()
  deaf.socket.pause()
  deaf.socket.write(GET)
  for (let i = 0; i < 50; i++) await settle()
  await clock.advance(4800)
  assert.equal(server.size, 1)
  await clock.advance(1000)
  await deaf.until(() => server.size === 0)
  assert.deepEqual(bounds, ['write'])
})

test('a connection with too many open requests is cut', async (t) => {
  const { client, bounds } = await open(t, () => {})
  const greedy = await client()
  greedy.socket.write(GET.repeat(200))
  await greedy.until(() => greedy.closed)
  assert.equal(bounds[0], 'requests')
})

test('closing lets open requests be answered and ends idle connections', async (t) => {
  const answers: (() => void)[] = []
  const { client, server } = await open(t, (request, response) => void answers.push(() => ok(request, response)))
  const [busy, idle, young] = [await client(), await client(), await client()]
  idle.socket.write(GET)
  await idle.until(() => answers.length === 1)
  answers[0]!()
  await idle.until(() => idle.received.includes('ok'))
  busy.socket.write(GET)
  await busy.until(() => answers.length === 2)
  const closed = server.close()
  await idle.until(() => idle.closed)
  assert.ok(!busy.closed && !young.closed)
  young.socket.write(GET)
  await young.until(() => answers.length === 3)
  answers[2]!()
  await young.until(() => young.closed)
  assert.match(young.received, /connection: close/i)
  answers[1]!()
  await busy.until(() => busy.closed)
  assert.match(busy.received, /connection: close/i)
  await closed
})

test('the ends of a connection are told for its requests', async (t) => {
  const ends: unknown[] = []
  const { client, server, speaker } = await open(t, (request, response) => {
    ends.push(speaker.endsOf(request))
    ok(request, response)
  })
  const one = await client()
  one.socket.write(GET)
  await one.until(() => ends.length === 1)
  const peer = { address: '127.0.0.1', port: one.socket.localPort }
  assert.deepEqual(ends, [{ peer, local: { address: '127.0.0.1', port: server.port } }])
})

test('HTTP/2 is not spoken where TLS has not chosen it', async (t) => {
  const { server } = await open(t, ok)
  const session = connectHttp2(`http://127.0.0.1:${server.port}`)
  const failed = new Promise((resolve) => session.once('error', resolve))
  assert.match(String(await failed), /protocol error/i)
})

test('a connection that has asked nothing has half a second when the server closes', async (t) => {
  const { clock, client, server } = await open(t, ok)
  const young = await client()
  const closed = server.close()
  await clock.advance(400)
  assert.equal(young.closed, false)
  await clock.advance(400)
  await closed
})

test('an HTTP/2 client that has ended its side is gone once it has its answer', async (t) => {
  const answers: (() => void)[] = []
  const { server } = await open(
    t,
    (request, response) => void answers.push(() => ok(request, response)),
    {},
    { http2Only: true },
  )
  const until = async (condition: () => boolean) => {
    for (let i = 0; i < 2000 && !condition(); i++) await settle()
    assert.ok(condition())
  }
  const connectClient = async () => {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => socket.destroy())
    const session = connectHttp2('http://x', { createConnection: () => socket }).on('error', () => {})
    await once(session, 'remoteSettings')
    return { socket, session }
  }
  const silent = await connectClient()
  silent.socket.end()
  await until(() => server.size === 0)
  const asking = await connectClient()
  const request = asking.session.request({ ':path': '/' }).on('error', () => {})
  let received = ''
  request.setEncoding('latin1').on('data', (chunk) => {
    received += chunk
  })
  await until(() => answers.length === 1)
  asking.socket.end()
  for (let i = 0; i < 20; i++) await settle()
  assert.equal(server.size, 1)
  answers[0]!()
  await until(() => server.size === 0)
  assert.equal(received, 'ok')
})

test('frames without end cost an HTTP/2 client its connection', async (t) => {
  const { client, bounds } = await open(t, ok, {}, { http2Only: true })
  const flooding = await client()
  flooding.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
  const endless = Buffer.concat([settings, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 1])])
  const more = Buffer.from([0, 0, 0, 9, 0, 0, 0, 0, 1])
  flooding.socket.write(Buffer.concat([endless, ...Array.from({ length: 1000 }, () => more)]))
  await flooding.until(() => flooding.closed)
  assert.deepEqual(bounds, ['frames'])
})
