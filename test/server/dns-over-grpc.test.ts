/** DNS over gRPC, with calls made of HTTP/2 requests. */
import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import { after, before, test } from 'node:test'
import { startServer, type TestServer } from 'corelet/plugin/testing'
import { decodeMessage, encodeMessage } from '../../src/dns/codec.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'

const folder = temporaryFolder('grpc')
let secure: TestServer
let clear: TestServer
before(async () => {
  const { cert, key } = await makeCertificate(folder, 'dns.example')
  const block = (more: string) => `grpc://.:0 {\n bind 127.0.0.1\n ${more}\n log . "{name} {proto}"\n whoami\n}`
  secure = await startServer(block(`tls ${cert} ${key}`))
  clear = await startServer(block('grpc_server {\n max_connections 1\n}'))
})
after(async () => {
  await secure.stop()
  await clear.stop()
})

const query = encodeMessage({ id: 4711, flags: 0, question: { name: 'a.example', type: 'A', class: 'IN' } })

/** A call with a field of octets. */
function toCall(message: Uint8Array): Buffer {
  const field = Buffer.concat([Buffer.from([0x0a, message.length]), message])
  return Buffer.concat([Buffer.from([0, 0, 0, 0, field.length]), field])
}

interface Answer {
  http: number
  status: string | undefined
  body: Buffer
}

async function call(
  url: string,
  body: Uint8Array,
  { path = '/coredns.dns.DnsService/Query', type = 'application/grpc', method = 'POST' } = {},
): Promise<Answer> {
  const session = connect(url, { rejectUnauthorized: false })
  try {
    return await new Promise<Answer>((resolve, reject) => {
      session.on('error', reject)
      const stream = session.request({ ':method': method, ':path': path, 'content-type': type, te: 'trailers' })
      const answer: Answer = { http: 0, status: undefined, body: Buffer.alloc(0) }
      stream.on('error', reject)
      stream.on('response', (headers) => {
        answer.http = headers[':status'] ?? 0
        answer.status = headers['grpc-status'] as string | undefined
      })
      stream.on('trailers', (trailers) => {
        answer.status = trailers['grpc-status'] as string
      })
      stream.on('data', (chunk) => {
        answer.body = Buffer.concat([answer.body, chunk])
      })
      stream.on('end', () => resolve(answer))
      stream.end(body)
    })
  } finally {
    session.destroy()
  }
}

const urls = () => [`https://127.0.0.1:${secure.port}`, `http://127.0.0.1:${clear.port}`]

test('a call is answered, with TLS and in clear text', async () => {
  for (const url of urls()) {
    const { http, status, body } = await call(url, toCall(query))
    assert.deepEqual([http, status], [200, '0'])
    assert.equal(body.readUInt32BE(1), body.length - 5)
    const answer = decodeMessage(body.subarray(body.length - (body[6]! < 0x80 ? body[6]! : 0)))
    assert.equal(answer.id, 4711)
    assert.equal(answer.additionals[0]!.data, '127.0.0.1')
  }
  await secure.logged(/a\.example\. tcp/)
})

const refused: [what: string, body: Uint8Array, options: object, status: string][] = [
  ['another method', toCall(query), { path: '/coredns.dns.DnsService/Other' }, '12'],
  ['a compressed call', Buffer.from([1, 0, 0, 0, 0]), {}, '12'],
  ['a malformed call', Buffer.from([0, 0, 0, 0, 9, 1]), {}, '3'],
  ['a call without a message', Buffer.from([0, 0, 0, 0, 0]), {}, '3'],
  ['a reply', toCall(Uint8Array.from(query, (octet, i) => (i === 2 ? 0x80 : octet))), {}, '3'],
  ['a call that is too large', Buffer.alloc(70_000), {}, '8'],
]
for (const [what, body, options, status] of refused) {
  test(`${what} is the status ${status}`, async () => {
    for (const url of urls()) assert.equal((await call(url, body, options)).status, status)
  })
}

test('what is no gRPC is 415', async () => {
  for (const options of [{ type: 'application/json' }, { method: 'PUT' }]) {
    assert.equal((await call(urls()[0]!, toCall(query), options)).http, 415)
  }
})

test('messages that the server refuses get a DNS answer', async () => {
  const update = Uint8Array.from(query, (octet, i) => (i === 2 ? 0x28 : octet))
  const { status, body } = await call(urls()[0]!, toCall(update))
  assert.equal(status, '0')
  assert.equal(body.at(-1 - 8)! & 15, 4)
})

test('max_connections makes room by closing idle connections', async () => {
  const [, url] = urls()
  const idle = connect(url!)
  const closed = new Promise((resolve) => idle.once('close', resolve))
  await new Promise((resolve) => idle.once('connect', resolve))
  await new Promise((resolve) => idle.ping(() => resolve(undefined)))
  assert.equal((await call(url!, toCall(query))).status, '0')
  await closed
})
