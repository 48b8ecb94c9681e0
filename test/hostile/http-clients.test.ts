/** What clients of HTTPS and gRPC do, one row each, against a server in a process of its own; the rows run side by side since some wait for deadlines. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { encodePacket, GRPC_METHOD, GRPC_TYPE } from '../../src/net/grpc-message.ts'
import { toPacket } from '../../src/server/testing.ts'
import { residentMemory } from '../kit/proc.ts'
import { killLeftovers } from '../kit/process.ts'
import { FLAGS, FRAMES, frame, PREFACE, toBlock } from './http2-frames.ts'
import { readMessage } from './oracle.ts'
import { type ServerUnderTest, startServerUnderTest } from './server-under-test.ts'
import { TRANSPORTS } from './transports.ts'

after(killLeftovers)

/** Milliseconds that a client waits to be cut; the deadline is 3 s, and this is long enough for a busy machine. */
const PATIENCE = 15_000
/** Milliseconds between two octets of those that trickle. */
const PAUSE = 500
/** Octets that a flood may bring before the connection ends, and MiB that the server may grow by meanwhile. */
const FLOOD = 8 << 20
const GROWTH = 64

interface Service {
  /** The transport that sound clients use. */
  name: string
  scheme: 'https://' | 'grpc://'
  headers: Record<string, string>
  /** What stands around a message. */
  toBody(packet: Uint8Array): Uint8Array
}

const SERVICES: Service[] = [
  {
    name: 'HTTPS with POST',
    scheme: 'https://',
    headers: { ':path': '/dns-query', 'content-type': 'application/dns-message' },
    toBody: (packet) => packet,
  },
  {
    name: 'gRPC',
    scheme: 'grpc://',
    headers: { ':path': GRPC_METHOD, 'content-type': GRPC_TYPE, te: 'trailers' },
    toBody: encodePacket,
  },
]

/** A client: octets that it sends before anything, whether it speaks TLS, and what it goes on with. */
interface Row {
  name: string
  tls: boolean
  begin?: (headers: Buffer) => Uint8Array
  /** Sent one octet after the other. */
  trickle?: Uint8Array
  /** Sent over and over as fast as the server takes it. */
  flood?: (i: number, headers: Buffer) => Uint8Array
}

const OPEN = frame(FRAMES.settings, 0, 0)
const HELLO = Buffer.concat([PREFACE, OPEN])
const firstFrames = (...frames: Buffer[]) => Buffer.concat([HELLO, ...frames])
const stream = (i: number) => 2 * i + 1

const ROWS: Row[] = [
  { name: 'nothing', tls: false },
  {
    name: 'a handshake that trickles',
    tls: false,
    trickle: Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...new Array(90).fill(0)]),
  },
  { name: 'garbage in place of TLS', tls: false, begin: () => Buffer.alloc(2000, 'x') },
  { name: 'nothing after the handshake', tls: true },
  { name: 'a preface that trickles', tls: true, trickle: PREFACE },
  { name: 'headers without an end', tls: true, begin: (headers) => firstFrames(frame(FRAMES.headers, 0, 1, headers)) },
  {
    name: 'a request without its body',
    tls: true,
    begin: (headers) => firstFrames(frame(FRAMES.headers, FLAGS.endHeaders, 1, headers)),
  },
  {
    name: 'a body that trickles',
    tls: true,
    begin: (headers) => firstFrames(frame(FRAMES.headers, FLAGS.endHeaders, 1, headers)),
    trickle: Buffer.concat(Array.from({ length: 20 }, () => frame(FRAMES.data, 0, 1, Buffer.alloc(1)))),
  },
  {
    name: 'frames of no known type',
    tls: true,
    begin: () => HELLO,
    flood: () => frame(0xee, 0, 0, Buffer.alloc(1000)),
  },
  {
    name: 'a frame that is too long',
    tls: true,
    begin: () => firstFrames(frame(FRAMES.data, 0, 1, Buffer.alloc(70_000))),
  },
  {
    name: '600 requests without a body',
    tls: true,
    begin: (headers) =>
      firstFrames(
        ...Array.from({ length: 600 }, (_, i) => frame(FRAMES.headers, FLAGS.endHeaders, stream(i), headers)),
      ),
  },
  {
    name: 'CONTINUATION frames without an end',
    tls: true,
    begin: (headers) => firstFrames(frame(FRAMES.headers, 0, 1, headers)),
    flood: () => frame(FRAMES.continuation, 0, 1, toBlock({ x: 'y'.repeat(100) })),
  },
  {
    name: 'streams that are opened and reset again and again',
    tls: true,
    begin: () => HELLO,
    flood: (i, headers) =>
      Buffer.concat([
        frame(FRAMES.headers, FLAGS.endHeaders, stream(i), headers),
        frame(FRAMES.reset, 0, stream(i), Buffer.of(0, 0, 0, 8)),
      ]),
  },
  {
    name: 'empty frames of a body',
    tls: true,
    begin: (headers) => firstFrames(frame(FRAMES.headers, FLAGS.endHeaders, 1, headers)),
    flood: () => frame(FRAMES.data, 0, 1),
  },
  { name: 'settings over and over', tls: true, begin: () => HELLO, flood: () => OPEN },
  {
    name: 'pings over and over',
    tls: true,
    begin: () => HELLO,
    flood: () => frame(FRAMES.ping, 0, 0, Buffer.alloc(8)),
  },
]

for (const { name: service, scheme, headers, toBody } of SERVICES) {
  describe(`a client of ${service} sends`, { concurrency: true }, () => {
    let server: ServerUnderTest
    let memory = 0
    before(async () => {
      server = await startServerUnderTest({ env: {}, scheme })
      await isServed()
      memory = residentMemory(server.cli.pid)
    })
    after(async () => {
      assert.equal(await server.metric('coredns_panics_total'), 0)
      const grown = residentMemory(server.cli.pid) - memory
      assert.ok(grown < GROWTH, `${grown} MiB more`)
      await server.stop()
    })
    const block = toBlock({ ':method': 'POST', ':scheme': 'https', ':authority': 'x', ...headers })

    async function isServed(): Promise<void> {
      const transport = TRANSPORTS.find(({ name }) => name === service)!
      const connection = await transport.open(server.own)
      const [answer] = await connection.ask([toPacket('good.example')], (all) => all.length > 0)
      assert.equal(readMessage(answer!).rcode, 0, 'others are served')
      connection.close()
    }

    for (const { name, tls, begin, trickle, flood } of ROWS) {
      it(`${name}, and is cut`, async () => {
        const socket = await open(server.own, tls)
        if (begin) socket.write(begin(block))
        const timer = trickle && drip(socket, trickle)
        if (flood) await pour(socket, (i) => flood(i, block))
        assert.ok(await isCut(socket))
        clearInterval(timer)
        await isServed()
      })
    }

    it('a body in frames of one octet, and gets its answer', { timeout: PATIENCE }, async () => {
      const session = connectHttp2(`https://127.0.0.1:${server.own}`, { rejectUnauthorized: false })
      const request = session.request({ ':method': 'POST', ...headers })
      for (const octet of toBody(toPacket('good.example'))) {
        await new Promise((resolve) => request.write(Buffer.of(octet), resolve))
      }
      request.end()
      const [answer] = (await once(request, 'data')) as [Buffer]
      assert.ok(answer.length > 12)
      session.destroy()
    })

    it('a body of more than 64 KiB, and is told so', { timeout: PATIENCE }, async () => {
      const session = connectHttp2(`https://127.0.0.1:${server.own}`, { rejectUnauthorized: false })
      const request = session.request({ ':method': 'POST', ...headers }).on('error', () => {})
      request.end(toBody(Buffer.alloc(200_000)))
      const [{ ':status': status, 'grpc-status': grpcStatus }] = (await once(request, 'response')) as [
        Record<string, unknown>,
      ]
      assert.deepEqual([status, grpcStatus], scheme === 'grpc://' ? [200, '8'] : [413, undefined])
      session.destroy()
      await isServed()
    })
  })
}

async function open(port: number, tls: boolean): Promise<Socket> {
  const socket = tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    : connect(port, '127.0.0.1')
  await once(socket, tls ? 'secureConnect' : 'connect')
  return socket.on('error', () => {}).resume()
}

function drip(socket: Socket, octets: Uint8Array): NodeJS.Timeout {
  let at = 0
  return setInterval(() => socket.write(octets.subarray(at++, at)), PAUSE)
}

/** Writes until the server has ended the connection, or has taken far too much. */
async function pour(socket: Socket, next: (i: number) => Uint8Array): Promise<void> {
  let octets = 0
  for (let i = 0; !socket.destroyed && octets < FLOOD; i++) {
    const chunk = next(i)
    octets += chunk.length
    const goesOn = socket.write(chunk)
    if (!goesOn) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {})
    else if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function isCut(socket: Socket): Promise<boolean> {
  if (socket.closed) return true
  let cut = true
  const timer = setTimeout(() => {
    cut = false
    socket.destroy()
  }, PATIENCE)
  await new Promise((resolve) => socket.once('close', resolve))
  clearTimeout(timer)
  return cut
}
