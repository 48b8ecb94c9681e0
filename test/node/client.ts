/**
 * A program that asks without end, each query from a port of its own, over UDP and over TCP, and says at the end of its standard input what came
 * back. Its argument is {@link ClientOptions} as JSON.
 */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { encodeMessage } from '../../src/dns/codec.ts'
import { RD } from '../../src/dns/constants.ts'
import { ANSWERS, type Answerer, WHO } from './names.ts'

export interface ClientOptions {
  /** Addresses that are asked in turn. */
  addresses: readonly string[]
  /** Queries a second. */
  udpRate: number
  tcpRate: number
}

/** What became of the queries over one protocol. */
export interface Count {
  sent: number
  lost: number
  answers: Record<Answerer, number>
  /** Milliseconds. */
  worst: number
  p999: number
  /** When lost queries were sent, in milliseconds since the client began. */
  lostAt: number[]
}

export interface ClientReport {
  udp: Count
  tcp: Count
}

/** Milliseconds after which a query is lost. */
const TIMEOUT = 2000
const TICK = 1
const PACKET = Buffer.from(encodeMessage({ flags: RD, question: { name: WHO, type: 'A', class: 'IN' } }))
const FRAME = Buffer.concat([Buffer.of(PACKET.length >> 8, PACKET.length & 0xff), PACKET])
/** Who answered, by the last octet of an answer without EDNS. */
const BY_OCTET = new Map((['agent', 'cluster'] as const).map((who) => [Number(ANSWERS[who].split('.')[3]), who]))

const begun = performance.now()

/** Sends queries at a rate and counts what becomes of them. @param ask settles with the answer; undefined when there is none */
class Sender {
  readonly count: Count = { sent: 0, lost: 0, answers: { agent: 0, cluster: 0 }, worst: 0, p999: 0, lostAt: [] }
  readonly #latencies: number[] = []
  readonly #waiting = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout

  constructor(rate: number, addresses: readonly string[], ask: (address: string) => Promise<Buffer | undefined>) {
    this.#timer = setInterval(() => {
      const due = ((performance.now() - begun) * rate) / 1000
      while (this.count.sent < due) {
        const sent: Promise<void> = this.#send(ask(addresses[this.count.sent++ % addresses.length]!))
        this.#waiting.add(sent)
        void sent.then(() => this.#waiting.delete(sent))
      }
    }, TICK)
  }

  async #send(answer: Promise<Buffer | undefined>): Promise<void> {
    const sentAt = performance.now()
    const who = BY_OCTET.get((await answer)?.at(-1) ?? 0)
    if (who) {
      this.count.answers[who]++
      this.#latencies.push(performance.now() - sentAt)
    } else {
      this.count.lost++
      this.count.lostAt.push(Math.round(sentAt - begun))
    }
  }

  async end(): Promise<Count> {
    clearInterval(this.#timer)
    await Promise.all(this.#waiting)
    const sorted = Float64Array.from(this.#latencies).sort()
    const round = (value = 0) => Math.round(value * 10) / 10
    this.count.worst = round(sorted.at(-1))
    this.count.p999 = round(sorted[Math.floor(sorted.length * 0.999)])
    return this.count
  }
}

function askUdp(address: string): Promise<Buffer | undefined> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    const settle = (answer?: Buffer) => {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(settle, TIMEOUT)
    // a refusal of the network is no answer, and other packets may still come
    socket.on('error', () => {})
    socket.once('message', settle)
    socket.send(PACKET, 53, address)
  })
}

function askTcp(address: string): Promise<Buffer | undefined> {
  const socket = connect({ host: address, port: 53 })
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const settle = (answer?: Buffer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(settle, TIMEOUT)
    socket.on('error', () => settle())
    socket.on('end', () => settle())
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) settle(received.subarray(2))
    })
    socket.write(FRAME)
  })
}

if (import.meta.main) {
  const { addresses, udpRate, tcpRate } = JSON.parse(process.argv[2]!) as ClientOptions
  const udp = new Sender(udpRate, addresses, askUdp)
  const tcp = new Sender(tcpRate, addresses, askTcp)
  process.stdout.write('begun\n')
  process.stdin.resume().on('end', async () => {
    const report: ClientReport = { udp: await udp.end(), tcp: await tcp.end() }
    process.stdout.write(JSON.stringify(report), () => process.exit())
  })
}
