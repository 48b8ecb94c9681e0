/** The ways to reach a server: every table of packets goes over each of them. A new transport is a line in {@link TRANSPORTS}. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameReader } from '../../src/net/frames.ts'
import { toFrames } from '../../src/net/testing.ts'

export interface Transport {
  name: string
  /** Environment of the server: what chooses the back end of its sockets. */
  env: Record<string, string>
  /** Prefix of a server block's key; those that encrypt get a certificate. */
  scheme: '' | 'tls://' | 'https://'
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
]

async function openUdp(port: number): Promise<Connection> {
  const socket = createSocket('udp4')
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

/** A request of HTTP/2 for each message; any status but 200 is no answer. */
async function openHttps(port: number, start: Request): Promise<Connection> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  await once(session, 'connect')
  return {
    async ask(packets) {
      const answers = await Promise.all(packets.map((packet) => readAnswer(start(session, packet))))
      return answers.filter((answer) => answer !== undefined)
    },
    close: () => session.destroy(),
  }
}

function readAnswer(request: ClientHttp2Stream): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let status = 0
    const chunks: Buffer[] = []
    request.setTimeout(PATIENCE, () => request.close())
    request.on('response', (headers) => {
      status = headers[':status'] ?? 0
    })
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('close', () => resolve(status === 200 ? Buffer.concat(chunks) : undefined))
  })
}
