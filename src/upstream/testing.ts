/** A server for tests that answers as it is told to, over UDP, TCP and TLS. */
import { createSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { toText } from '../dns/name.ts'
import { FrameReader } from '../net/frames.ts'

/** A query as it reached the fake server. */
export interface Received {
  wire: Buffer
  /** Name of the question, as text. */
  name: string
  proto: 'udp' | 'tcp' | 'tls'
  /** Port that it came from. */
  port: number
  /** The connection, when there is one. */
  socket: Socket | undefined
  /** Sends a message, or raw octets over UDP. */
  send(message: Uint8Array): void
}

export interface FakeServer {
  address: string
  port: number
  /** All queries so far. */
  received: Received[]
  /** Connections so far, closed ones included. */
  connections: Socket[]
  close(): Promise<void>
}

export interface FakeServerOptions {
  respond(query: Received): void
  /** Speaks TLS instead of TCP. */
  tls?: TlsOptions
  port?: number
  /** Where nobody is to listen. */
  without?: 'udp' | 'tcp'
}

/** Ports tried when the system's choice for TCP is taken on UDP. */
const TRIES = 20

/** Starts it on 127.0.0.1, on the same port for all transports. */
export async function startFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  for (let tries = 1; ; tries++) {
    try {
      return await openFakeServer(options)
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || options.port !== undefined || tries === TRIES) throw error
    }
  }
}

async function openFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const address = '127.0.0.1'
  const received: Received[] = []
  const connections: Socket[] = []
  const take = (query: Omit<Received, 'name'>) => {
    const full = { ...query, name: query.wire.length > 12 ? toText(query.wire, 12) : '' }
    received.push(full)
    options.respond(full)
  }

  const accept = (socket: Socket) => {
    connections.push(socket)
    const reader = new FrameReader()
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      reader.push(chunk)
      for (let wire = reader.next(); wire; wire = reader.next()) {
        take({
          wire: Buffer.from(wire),
          proto: options.tls ? 'tls' : 'tcp',
          port: socket.remotePort ?? 0,
          socket,
          send: (message) => void socket.write(toFrame(message)),
        })
      }
    })
  }
  const stream: Server = options.tls ? createTlsServer(options.tls, accept) : createServer(accept)
  stream.on('tlsClientError', () => {})
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject)
    stream.listen(options.port ?? 0, address, resolve)
  })
  const { port } = stream.address() as { port: number }
  if (options.without === 'tcp') await new Promise((resolve) => stream.close(resolve))

  const udp = createSocket('udp4')
  if (options.without !== 'udp') {
    udp.on('message', (wire, from) =>
      take({
        wire,
        proto: 'udp',
        port: from.port,
        socket: undefined,
        send: (message) => udp.send(message, from.port, from.address),
      }),
    )
    await new Promise<void>((resolve, reject) => {
      udp.once('error', (error) => {
        stream.close()
        reject(error)
      })
      udp.bind(port, address, resolve)
    })
  }
  return {
    address,
    port,
    received,
    connections,
    async close() {
      for (const socket of connections) socket.destroy()
      if (options.without !== 'tcp') await new Promise((resolve) => stream.close(resolve))
      if (options.without !== 'udp') await new Promise<void>((resolve) => udp.close(resolve))
    },
  }
}

function toFrame(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

export interface AnswerParts {
  rcode?: number
  /** Flags beside QR, RD and RA. */
  flags?: number
  /** Addresses of A records that own the question name; none for an empty answer. */
  addresses?: string[]
  /** Octets behind the question in place of records, with their count in the answer section. */
  records?: { count: number; octets: Uint8Array }
}

/** The answer to a query, by default one A record 192.0.2.1 with TTL 300. */
export function toAnswer({ wire }: { wire: Buffer }, parts: AnswerParts = {}): Buffer {
  const { rcode = 0, flags = 0, addresses = ['192.0.2.1'] } = parts
  const questionEnd = endOfName(wire) + 4
  const records = parts.records ?? {
    count: addresses.length,
    octets: Buffer.concat(
      addresses.map((address) =>
        Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, ...address.split('.').map(Number)]),
      ),
    ),
  }
  const answer = Buffer.concat([wire.subarray(0, questionEnd), records.octets])
  answer.writeUInt16BE(0x8180 | flags | rcode, 2)
  answer.writeUInt16BE(1, 4)
  answer.writeUInt16BE(records.count, 6)
  answer.fill(0, 8, 12)
  return answer
}

function endOfName(wire: Buffer): number {
  let at = 12
  while (wire[at] !== 0) at += wire[at]! + 1
  return at + 1
}
