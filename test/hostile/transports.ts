/** The ways to reach a server: every table of packets goes over each of them. A new transport is a line in {@link TRANSPORTS}. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameReader } from '../../src/net/frames.ts'
import { encodePacket, GRPC_METHOD, GRPC_TYPE, readCall } from '../../src/net/grpc-message.ts'
import { toFrames } from '../../src/net/testing.ts'

export interface Transport {
  name: string
  /** Environment of the server: what chooses the back end of its sockets. */
  env: Record<string, string>
  /** Prefix of a server block's key; those that encrypt get a certificate. */
  scheme: '' | 'tls://' | 'https://' | 'grpc://'
  /** Answers come in a stream, so zone transfers are no nonsense and nothing is cut off. */
  stream: boolean
  /** Octets of the longest message that can be sent over it, when there is a bound. */
  longest?: number
  /** Connects to a server and keeps the connection. */
  open(port: number): Promise<Connection>
}

export interface Connection {
  /** Sends messages one behind the other. @returns what came back once `isEnough`, at most a few seconds later */
  ask(packets: readonly Uint8Array[], isEnough: (answers: readonly Buffer[]) => boolean): Promise<readonly Buffer[]>
  close(): void
}

const PATIENCE = 3000

export const TRANSPORTS: readonly Transport[] = [
  { name: 'UDP through libc', env: {}, scheme: '', stream: false, open: openUdp },
  { name: 'UDP through dgram', env: { CORELET_NET: 'dgram' }, scheme: '', stream: false, open: openUdp },
  { name: 'TCP', env: {}, scheme: '', stream: true, open: openTcp },
  { name: 'TLS', env: {}, scheme: 'tls://', stream: true, open: openTls },
  { name: 'HTTPS with POST', env: {}, scheme: 'https://', stream: true, open: (port) => openHttps(port, post) },
  {
    name: 'HTTPS with GET',
    env: {},
    scheme: 'https://',
    stream: true,
    longest: 8192,
    open: (port) => openHttps(port, get),
  },
  { name: 'gRPC', env: {}, scheme: 'grpc://', stream: true, open: (port) => openHttps(port, call, readReply) },
]

async function openUdp(port: number): Promise<Connection> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    ask: (packets, isEnough) =>
      new Promise((resolve) => {
        const answers: Buffer[] = []
        const finish = () => {
          clearTimeout(timer)
          socket.off('message', take)
          resolve(answers)
        }
        const take = (answer: Buffer) => {
          answers.push(answer)
          if (isEnough(answers)) finish()
        }
        const timer = setTimeout(finish, PATIENCE)
        socket.on('message', take)
        for (const packet of packets) socket.send(packet, port, '127.0.0.1')
      }),
    close: () => void socket.close(),
  }
}

function openTcp(port: number): Promise<Connection> {
  return openStream(connect(port, '127.0.0.1'), 'connect')
}

function openTls(port: number): Promise<Connection> {
  return openStream(connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }), 'secureConnect')
}

/** Messages with their lengths in front, over a connection that emits `ready` when it is there. */
async function openStream(socket: Socket, ready: string): Promise<Connection> {
  const frames = new FrameReader()
  const answers: Buffer[] = []
  let look = () => {}
  socket.on('data', (chunk) => {
    frames.push(chunk)
    for (let message = frames.next(); message; message = frames.next()) answers.push(Buffer.from(message))
    look()
  })
  await once(socket, ready)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => look())
  return {
    ask(packets, isEnough) {
      answers.length = 0
      socket.write(toFrames(...packets))
      return new Promise((resolve) => {
        const finish = () => {
          clearTimeout(timer)
          look = () => {}
          resolve([...answers])
        }
        const timer = setTimeout(finish, PATIENCE)
        look = () => {
          if (isEnough(answers) || socket.closed) finish()
        }
      })
    },
    close: () => void socket.destroy(),
  }
}

/** Starts a request with a message. */
type Request = (session: ClientHttp2Session, packet: Uint8Array) => ClientHttp2Stream

const post: Request = (session, packet) => {
  const request = session.request({
    ':method': 'POST',
    ':path': '/dns-query',
    'content-type': 'application/dns-message',
  })
  return request.end(packet)
}
const get: Request = (session, packet) =>
  session.request({ ':path': `/dns-query?dns=${Buffer.from(packet).toString('base64url')}` })
const call: Request = (session, packet) => {
  const headers = { ':method': 'POST', ':path': GRPC_METHOD, 'content-type': GRPC_TYPE, te: 'trailers' }
  return session.request(headers).end(encodePacket(packet))
}

/** The message that the body of a response holds; none when it says that there is no answer. */
type ReadBody = (body: Buffer) => Buffer | undefined

const readReply: ReadBody = (body) => {
  const message = body.length > 0 && readCall(body)
  return message instanceof Uint8Array ? Buffer.from(message) : undefined
}

/** A request of HTTP/2 for each message; any status but 200 is no answer. */
async function openHttps(port: number, start: Request, read: ReadBody = (body) => body): Promise<Connection> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  await once(session, 'connect')
  return {
    ask: (packets, isEnough) =>
      new Promise((resolve) => {
        const answers: Buffer[] = []
        let open = packets.length
        for (const packet of packets) {
          void readAnswer(start(session, packet), read).then((answer) => {
            open--
            if (answer) answers.push(answer)
            if (open === 0 || isEnough(answers)) resolve([...answers])
          })
        }
      }),
    close: () => session.destroy(),
  }
}

function readAnswer(request: ClientHttp2Stream, read: ReadBody): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let status = 0
    const chunks: Buffer[] = []
    request.setTimeout(PATIENCE, () => request.close())
    request.on('response', (headers) => {
      status = headers[':status'] ?? 0
    })
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('close', () => resolve(status === 200 ? read(Buffer.concat(chunks)) : undefined))
  })
}
