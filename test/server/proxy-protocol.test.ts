/** Clients behind proxies that say who they are. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { startServer, type TestServer } from 'corelet/plugin/testing'
import { decodeMessage, encodeMessage } from '../../src/dns/codec.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { toV2 } from '../kit/proxy.ts'

const folder = temporaryFolder('proxy')
let certificate: string
before(async () => {
  const { cert, key } = await makeCertificate(folder, 'dns.example')
  certificate = `${cert} ${key}`
})

const query = encodeMessage({ id: 7, flags: 0, question: { name: 'a.example', type: 'A', class: 'IN' } })
const framed = Buffer.concat([Buffer.from([0, query.length]), query])

/** The client's address as whoami tells it. */
function clientOf(message: Uint8Array): string {
  const [record] = decodeMessage(message).additionals
  return String(record?.data)
}

async function serve(t: { after(call: () => Promise<void>): void }, key: string, options = ''): Promise<TestServer> {
  const tls = key.startsWith('dns') ? '' : `tls ${certificate}`
  const server = await startServer(`${key} {\n bind 127.0.0.1\n ${tls}\n proxyproto {\n${options}\n}\n whoami\n}`)
  t.after(() => server.stop())
  return server
}

async function answerOn(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0)
  while (received.length < 2 || received.length < 2 + received.readUInt16BE()) {
    const [chunk] = await once(socket, 'data')
    received = Buffer.concat([received, chunk])
  }
  return received.subarray(2)
}

const HEADERS: [string, Buffer][] = [
  ['version 1', Buffer.from('PROXY TCP4 198.51.100.7 192.0.2.254 1234 53\r\n')],
  ['version 2', toV2('198.51.100.7', 1234)],
]

for (const [version, header] of HEADERS) {
  test(`TCP: ${version}, in one write, octet by octet, and before later messages`, async (t) => {
    const { port } = await serve(t, 'dns://.:0')
    for (const size of [1000, 1]) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const octets = Buffer.concat([header, framed])
      for (let at = 0; at < octets.length; at += size) socket.write(octets.subarray(at, at + size))
      assert.equal(clientOf(await answerOn(socket)), '198.51.100.7')
      socket.write(framed)
      assert.equal(clientOf(await answerOn(socket)), '198.51.100.7')
      socket.destroy()
    }
  })

  test(`TLS: ${version} stands in front of the handshake`, async (t) => {
    const { port } = await serve(t, 'tls://.:0')
    for (const together of [true, false]) {
      const raw = connect({ port, host: '127.0.0.1', noDelay: true })
      await once(raw, 'connect')
      if (together) raw.cork()
      raw.write(header)
      const socket = connectTls({ socket: raw, rejectUnauthorized: false })
      process.nextTick(() => raw.uncork())
      socket.write(framed)
      assert.equal(clientOf(await answerOn(socket)), '198.51.100.7')
      socket.destroy()
    }
  })
}

test('HTTPS: curl speaks the protocol', async (t) => {
  const { port } = await serve(t, 'https://.:0')
  const url = `https://127.0.0.1:${port}/dns-query?dns=${Buffer.from(query).toString('base64url')}`
  for (const version of ['--http2', '--http1.1']) {
    const { stdout } = await promisify(execFile)('curl', ['-sk', version, '--haproxy-protocol', url], {
      encoding: 'buffer',
    })
    assert.equal(clientOf(stdout), '127.0.0.1')
  }
})

test('a client without a header is what it seems to be, with each policy', async (t) => {
  for (const policy of ['use', 'ignore', 'reject', 'skip']) {
    const server = await serve(t, 'dns://.:0', `default ${policy}`)
    for (const proto of ['tcp', 'udp'] as const) {
      const { additionals } = await server.query('a.example', 'A', { proto })
      assert.equal(additionals[0]!.data, '127.0.0.1')
    }
  }
})

test('headers of those who are not allowed are ignored, or cost the connection', async (t) => {
  const ignoring = await serve(t, 'dns://.:0', 'allow 10.0.0.0/8')
  const socket = connect({ port: ignoring.port, host: '127.0.0.1' })
  socket.write(Buffer.concat([HEADERS[1]![1], framed]))
  assert.equal(clientOf(await answerOn(socket)), '127.0.0.1')
  socket.destroy()
  const rejecting = await serve(t, 'dns://.:0', 'default reject')
  const refused = connect({ port: rejecting.port, host: '127.0.0.1' }).on('error', () => {})
  refused.write(Buffer.concat([HEADERS[1]![1], framed]))
  refused.resume()
  await once(refused, 'close')
  await rejecting.logged(/\[WARNING\] plugin\/proxyproto: refused 127\.0\.0\.1: headers are rejected/)
})

test('UDP: a header in front of the query, and one that is remembered', async (t) => {
  const server = await serve(t, 'dns://.:0', 'udp_session_tracking 1m')
  const socket = createSocket('udp4')
  t.after(async () => void socket.close())
  const ask = async (packet: Uint8Array) => {
    socket.send(packet, server.port, '127.0.0.1')
    return clientOf((await once(socket, 'message'))[0])
  }
  const header = toV2('198.51.100.7', 1234, { transport: 2 })
  assert.equal(await ask(Buffer.concat([header, query])), '198.51.100.7')
  assert.equal(await ask(query), '127.0.0.1')
  socket.send(toV2('2001:db8::9', 1, { transport: 2 }), server.port, '127.0.0.1')
  assert.equal(await ask(query), '2001:db8::9')
  socket.send(Buffer.concat([toV2('198.51.100.7', 1234), query]), server.port, '127.0.0.1')
  await server.logged(/refused 127\.0\.0\.1: the header is not about UDP/)
})
