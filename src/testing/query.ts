/** Asking a DNS server as a client does. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { decodeMessage, encodeMessage } from '../dns/codec.ts'
import { RD } from '../dns/constants.ts'
import type { EdnsOption, Message } from '../dns/message.ts'

/** How a server is asked; `tls` is DNS over TLS, `https` a POST over HTTP/2. Certificates are not checked. */
export type ClientProto = 'udp' | 'tcp' | 'tls' | 'https'

export interface QueryOptions {
  proto?: ClientProto
  /** Header flags; RD when left out. */
  flags?: number
  class?: string
  /** Adds an OPT. */
  udpSize?: number
  /** Adds an OPT with the DO bit. */
  dnssecOk?: boolean
  /** Adds an OPT with options. */
  options?: readonly EdnsOption[]
  /** Milliseconds; 5000 when left out. */
  timeout?: number
}

export interface Server {
  address: string
  port: number
}

/** Sends a query and decodes the answer with its id. @throws (rejects) Error when there is no answer in time, WireError when it is malformed */
export async function query(server: Server, name: string, type: string, options: QueryOptions = {}): Promise<Message> {
  const id = randomInt(0x10000)
  const { udpSize, dnssecOk = false, options: edns = [] } = options
  const packet = encodeMessage({
    id,
    flags: options.flags ?? RD,
    question: { name, type, class: options.class ?? 'IN' },
    ...(udpSize !== undefined || dnssecOk || edns.length > 0
      ? { opt: { udpSize: udpSize ?? 1232, version: 0, flags: dnssecOk ? 0x8000 : 0, options: edns } }
      : {}),
  })
  const answer = decodeMessage(await exchange(server, packet, options.proto, options.timeout))
  if (answer.id !== id) throw new Error(`answer with the id ${answer.id} to a query with ${id}`)
  return answer
}

/** Sends octets and returns the first answer's. @throws (rejects) Error when there is none in time */
export function exchange(
  server: Server,
  packet: Uint8Array,
  proto: ClientProto = 'udp',
  timeout = 5000,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer)
      close()
      act()
    }
    const fail = (error: Error) => finish(() => reject(error))
    const give = (answer: Uint8Array) => finish(() => resolve(answer))
    const timer = setTimeout(() => fail(new Error(`no answer from ${server.address} port ${server.port}`)), timeout)
    const close = ROADS[proto](server, packet, give, fail)
  })
}

type Give = (answer: Uint8Array) => void
type Fail = (error: Error) => void

const ROADS: Record<ClientProto, (server: Server, packet: Uint8Array, give: Give, fail: Fail) => () => void> = {
  udp: overUdp,
  tcp: ({ address, port }, ...rest) => overStream(connect({ host: address, port }), ...rest),
  tls: ({ address, port }, ...rest) =>
    overStream(connectTls({ host: address, port, rejectUnauthorized: false, ALPNProtocols: ['dot'] }), ...rest),
  https: overHttps,
}

function overHttps({ address, port }: Server, packet: Uint8Array, give: Give, fail: Fail): () => void {
  const session = connectHttp2(`https://${address}:${port}`, { rejectUnauthorized: false })
  session.on('error', fail)
  const type = 'application/dns-message'
  const stream = session.request({ ':method': 'POST', ':path': '/dns-query', 'content-type': type, accept: type })
  const chunks: Buffer[] = []
  stream.on('response', ({ ':status': status }) => {
    if (status !== 200) fail(new Error(`HTTP status ${status}`))
  })
  stream.on('data', (chunk) => chunks.push(chunk))
  stream.on('end', () => give(Buffer.concat(chunks)))
  stream.on('error', fail)
  stream.end(packet)
  return () => void session.destroy()
}

function overUdp({ address, port }: Server, packet: Uint8Array, give: Give, fail: Fail): () => void {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', give).on('error', fail)
  socket.send(packet, port, address)
  return () => void socket.close()
}

function overStream(socket: Socket, packet: Uint8Array, give: Give, fail: Fail): () => void {
  let received = Buffer.alloc(0)
  socket.on('error', fail)
  socket.on('end', () => fail(new Error('the connection was closed')))
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    const length = received.length < 2 ? Infinity : received.readUInt16BE()
    if (received.length >= 2 + length) give(received.subarray(2, 2 + length))
  })
  socket.write(Buffer.from([packet.length >> 8, packet.length & 0xff]))
  socket.write(packet)
  return () => void socket.destroy()
}
