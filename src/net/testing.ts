/** The kit for tests of sockets: a client for framed messages, a clock to turn. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { SocketClock } from './clock.ts'
import { type Libc, toSystemError } from './libc.ts'
import { MessageVector } from './message-vector.ts'
import { AF_INET, toSocketAddress } from './socket-address.ts'

/** Lets the events of the loopback's sockets come in. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A clock that stands still until {@link StillClock.advance}. */
export class StillClock implements SocketClock {
  readonly intervals = new Set<{ due: number; every: number; callback: () => void }>()
  #now = 0

  monotonic(): number {
    return this.#now
  }

  interval(every: number, callback: () => void): { cancel(): void } {
    const interval = { due: this.#now + every, every, callback }
    this.intervals.add(interval)
    return { cancel: () => void this.intervals.delete(interval) }
  }

  async advance(milliseconds: number): Promise<void> {
    await settle()
    const end = this.#now + milliseconds
    for (;;) {
      const next = [...this.intervals].sort((a, b) => a.due - b.due)[0]
      if (!next || next.due > end) break
      this.#now = next.due
      next.due += next.every
      next.callback()
    }
    this.#now = end
    await settle()
  }
}

const SOCK_RAW = 3
const IPPROTO_UDP = 17
const UDP_HEADER = 8

/** Sends a datagram from 127.0.0.1 to 127.0.0.1 whose header has any port as its source. Needs root. @throws the system's error */
export function sendForged(libc: Libc, packet: Uint8Array, ports: { from: number; to: number }): void {
  const raw = libc.socket(AF_INET, SOCK_RAW, IPPROTO_UDP)
  if (raw < 0) throw toSystemError(libc, 'socket')
  const length = UDP_HEADER + packet.length
  const vector = new MessageVector(libc, 1, length)
  const view = new DataView(vector.octets.buffer, vector.octets.byteOffset)
  for (const [i, word] of [ports.from, ports.to, length, 0].entries()) view.setUint16(2 * i, word)
  vector.octets.set(packet, UDP_HEADER)
  vector.setOctets(0, 0, length)
  const target = toSocketAddress(libc, '127.0.0.1', 0)
  vector.words.set(new Uint32Array(target.buffer), vector.ends(0))
  vector.setEnds(0, target.length, 0)
  const sent = libc.sendmmsg(raw, vector.address, 1, 0)
  const error = toSystemError(libc, 'sendmmsg')
  libc.close(raw)
  if (sent !== 1) throw error
}

/** A TCP client for tests. */
export class TcpClient {
  readonly socket: Socket
  readonly #ready: Promise<unknown>
  /** All messages that came in so far. */
  readonly messages: Buffer[] = []
  /** How the server ended it: `fin`, an error code such as `ECONNRESET`, undefined while it is open. */
  end: string | undefined
  #buffer = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  /** @param options `secure` speaks TLS and takes any certificate */
  constructor(port: number, { allowHalfOpen = false, secure = false } = {}) {
    const tcp = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen })
    this.socket = secure ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
    this.#ready = once(this.socket, secure ? 'secureConnect' : 'connect').catch(() => {})
    this.socket.on('data', (chunk) => this.#take(chunk))
    this.socket.on('end', () => this.#close('fin'))
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#close(error.code ?? 'error'))
    this.socket.on('close', () => this.#close('closed'))
  }

  #close(how: string): void {
    this.end ??= how
    this.#wake()
  }

  #take(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    while (this.#buffer.length >= 2 && this.#buffer.length >= 2 + this.#buffer.readUInt16BE()) {
      const end = 2 + this.#buffer.readUInt16BE()
      this.messages.push(this.#buffer.subarray(2, end))
      this.#buffer = this.#buffer.subarray(end)
    }
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async connected(): Promise<this> {
    await this.#ready
    return this
  }

  write(octets: Uint8Array): void {
    this.socket.write(octets)
  }

  /** Writes messages with their lengths in one write. */
  send(...messages: Uint8Array[]): void {
    this.write(toFrames(...messages))
  }

  /** Waits until `count` messages came in, or the server has ended the connection. */
  receive(count: number): Promise<Buffer[]> {
    return this.receiveUntil((messages) => messages.length >= count)
  }

  async receiveUntil(isEnough: (messages: readonly Buffer[]) => boolean): Promise<Buffer[]> {
    await this.#until(() => isEnough(this.messages) || this.end !== undefined)
    return this.messages
  }

  /** Waits until the server has ended the connection and says how. */
  async ended(): Promise<string> {
    await this.#until(() => this.end !== undefined)
    return this.end!
  }

  async #until(condition: () => boolean): Promise<void> {
    const timer = setTimeout(() => this.socket.destroy(new Error('nothing came for 5 s')), 5000)
    while (!condition()) await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    clearTimeout(timer)
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** Messages with their lengths in front. */
export function toFrames(...messages: Uint8Array[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.of(message.length >> 8, message.length & 0xff), message]))
}
