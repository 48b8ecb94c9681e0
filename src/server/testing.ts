/** The kit for tests of the server: messages made of octets, a listener with a handler, DNS clients on bare sockets. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fromTypeName, RD } from '../dns/constants.ts'
import type { EdnsOption } from '../dns/message.ts'
import { fromText } from '../dns/name.ts'
import { encodeOpt } from '../dns/query-build.ts'
import { composeChain, type Handler, type Next } from '../plugin/chain.ts'
import { systemClock } from '../plugin/clock.ts'
import type { Query } from '../plugin/query.ts'
import type { Reply } from '../plugin/reply.ts'
import { DnsListener, type DnsListenerOptions } from './listener.ts'
import { RouteTable } from './route.ts'
import { DEFAULT_SETTINGS, type ListenerSettings } from './settings.ts'

export interface PacketParts {
  id?: number
  flags?: number
  type?: string | number
  qclass?: number
  /** The four counts, when they are to differ from what is there. */
  counts?: [number, number, number, number]
  edns?: { udpSize?: number; flags?: number; version?: number; options?: EdnsOption[] }
  /** Octets behind the question and the OPT. */
  tail?: Uint8Array
  /** Replaces the question. */
  question?: Uint8Array
}

/** A query as octets, sound or not. */
export function toPacket(name: string, parts: PacketParts = {}): Buffer {
  const type = typeof parts.type === 'number' ? parts.type : fromTypeName(parts.type ?? 'A')!
  const fixed = Buffer.alloc(4)
  fixed.writeUInt16BE(type)
  fixed.writeUInt16BE(parts.qclass ?? 1, 2)
  const question = parts.question ?? Buffer.concat([fromText(name), fixed])
  const opt = parts.edns ? encodeOpt({ udpSize: 1232, flags: 0, options: [], ...parts.edns }) : new Uint8Array(0)
  if (parts.edns?.version) opt[6] = parts.edns.version
  const header = Buffer.alloc(12)
  header.writeUInt16BE(parts.id ?? 4711)
  header.writeUInt16BE(parts.flags ?? RD, 2)
  const counts = parts.counts ?? [1, 0, 0, parts.edns ? 1 : 0]
  counts.forEach((count, i) => void header.writeUInt16BE(count, 4 + 2 * i))
  return Buffer.concat([header, question, opt, parts.tail ?? new Uint8Array(0)])
}

/** A chain of one handler. */
export function chainOf(handler: Handler, plugin = 'test'): Next {
  return composeChain([{ plugin, handler }])
}

/** Answers with one A record. */
export function answerA(query: Query): Reply {
  return query.reply({ answers: [{ name: query.qname, type: 'A', ttl: 300, data: '192.0.2.1' }] }, 'test', 'fixed')
}

export interface TestListener extends AsyncDisposable {
  listener: DnsListener
  port: number
  /** `NAME RCODE` of what the server itself answered. */
  dropped: string[]
  panics: unknown[]
}

/** Opens a listener on a free port of the loopback; it closes when the test ends (`await using`). */
export async function startListener(
  handler: Handler,
  settings: Partial<ListenerSettings> = {},
  options: Partial<DnsListenerOptions> = {},
): Promise<TestListener> {
  const dropped: string[] = []
  const panics: unknown[] = []
  const listener = new DnsListener({
    address: '127.0.0.1',
    port: 0,
    clock: systemClock,
    routes: new RouteTable([{ zone: '.', view: '', chain: chainOf(handler) }]),
    settings: { ...DEFAULT_SETTINGS, ...settings },
    hooks: {
      dropped: (query, rcode) => void dropped.push(`${query.name} ${rcode}`),
      panic: (_query, error) => void panics.push(error),
    },
    ...options,
  })
  await listener.open()
  return {
    listener,
    port: listener.port,
    dropped,
    panics,
    [Symbol.asyncDispose]: () => listener.close({ drain: 0 }),
  }
}

/** Sends datagrams from one socket and collects what comes back until it is enough: one each, unless told otherwise. */
export async function exchange(
  port: number,
  packets: readonly Uint8Array[],
  isEnough: (answers: readonly Buffer[]) => boolean = (answers) => answers.length >= packets.length,
): Promise<Buffer[]> {
  const socket = createSocket('udp4')
  const answers: Buffer[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`only ${answers.length} answers came`)), 5000)
      socket.on('message', (answer) => {
        answers.push(answer)
        if (!isEnough(answers)) return
        clearTimeout(timer)
        resolve()
      })
      for (const packet of packets) socket.send(packet, port, '127.0.0.1')
    })
  } finally {
    socket.close()
  }
  return answers
}

/** A TCP client for tests. */
export class TcpClient {
  readonly socket: Socket
  /** All messages that came in so far. */
  readonly messages: Buffer[] = []
  /** How the server ended it: `fin`, an error code such as `ECONNRESET`, undefined while it is open. */
  end: string | undefined
  #buffer = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  constructor(port: number, options: { allowHalfOpen?: boolean } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: options.allowHalfOpen ?? false })
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
    if (this.socket.connecting) await once(this.socket, 'connect')
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
