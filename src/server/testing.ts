/** The kit for tests of the server: messages made of octets, a listener with a handler, a UDP client. */
import { createSocket } from 'node:dgram'
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
      overloaded: () => {},
      now: () => systemClock.monotonic(),
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
