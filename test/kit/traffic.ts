/** A steady stream of valid queries over UDP, which counts every one that is not answered. */
import { createSocket, type Socket } from 'node:dgram'

export interface TrafficOptions {
  address?: string
  port: number
  /** Queries per second. */
  rate: number
  /** The query with the number `i`, counted from 0, with any id: the traffic gives it one. */
  packet(i: number): Uint8Array
  /** Client sockets that share the load; 8 when left out. */
  sockets?: number
  /** Milliseconds that the last answers are waited for at the end; 5000 when left out. */
  patience?: number
}

export interface Tally {
  sent: number
  answered: number
  /** Sent and never answered. */
  lost: number
  /** Answers by rcode. */
  rcodes: Record<number, number>
  /** Milliseconds from sending to the answer. */
  worst: number
  median: number
  p99: number
}

/** Milliseconds between bursts; a burst has what is due by then. */
const TICK = 2
/** Latencies are counted in classes of a tenth of a millisecond up to ten seconds. */
const CLASSES = 100_000

/** Sends until {@link Traffic.stop}. */
export class Traffic {
  readonly #options: Required<TrafficOptions>
  readonly #clients: Client[] = []
  readonly #latencies = new Uint32Array(CLASSES)
  readonly #rcodes: Record<number, number> = {}
  #sent = 0
  #answered = 0
  #worst = 0
  #timer: NodeJS.Timeout | undefined

  private constructor(options: TrafficOptions) {
    this.#options = { address: '127.0.0.1', sockets: 8, patience: 5000, ...options }
  }

  /** Opens the sockets and begins. */
  static async start(options: TrafficOptions): Promise<Traffic> {
    const traffic = new Traffic(options)
    const { sockets, port, address } = traffic.#options
    for (let i = 0; i < sockets; i++) {
      traffic.#clients.push(await openClient(port, address, (rcode, ms) => traffic.#take(rcode, ms)))
    }
    traffic.#begin()
    return traffic
  }

  get sent(): number {
    return this.#sent
  }

  get answered(): number {
    return this.#answered
  }

  #begin(): void {
    const { rate, packet } = this.#options
    const begun = performance.now()
    this.#timer = setInterval(() => {
      const due = ((performance.now() - begun) * rate) / 1000
      for (; this.#sent < due; this.#sent++) {
        this.#clients[this.#sent % this.#clients.length]!.send(packet(this.#sent))
      }
    }, TICK)
  }

  #take(rcode: number, milliseconds: number): void {
    this.#answered++
    this.#rcodes[rcode] = (this.#rcodes[rcode] ?? 0) + 1
    this.#worst = Math.max(this.#worst, milliseconds)
    const at = Math.min(CLASSES - 1, Math.floor(milliseconds * 10))
    this.#latencies[at] = this.#latencies[at]! + 1
  }

  /** Settles when `count` queries were sent, or the traffic was stopped. */
  async until(count: number): Promise<void> {
    while (this.#timer && this.#sent < count) await new Promise((resolve) => setTimeout(resolve, TICK))
  }

  /** Sends no more, waits for the answers that are due, and closes. */
  async stop(): Promise<Tally> {
    clearInterval(this.#timer)
    this.#timer = undefined
    const end = performance.now() + this.#options.patience
    while (this.#answered < this.#sent && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 5))
    for (const { socket } of this.#clients) socket.close()
    return {
      sent: this.#sent,
      answered: this.#answered,
      lost: this.#sent - this.#answered,
      rcodes: this.#rcodes,
      worst: Math.round(this.#worst * 10) / 10,
      median: this.#quantile(0.5),
      p99: this.#quantile(0.99),
    }
  }

  /** Milliseconds within which this share of the answers came. */
  #quantile(share: number): number {
    let left = this.#answered * share
    let at = 0
    for (; at < CLASSES - 1 && left > this.#latencies[at]!; at++) left -= this.#latencies[at]!
    return at / 10
  }
}

interface Client {
  socket: Socket
  send(packet: Uint8Array): void
}

/** A socket whose queries have ids that follow one another; an answer counts once, when its id is out. */
async function openClient(
  port: number,
  address: string,
  take: (rcode: number, milliseconds: number) => void,
): Promise<Client> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  const sentAt = new Float64Array(0x10000)
  let next = Math.floor(Math.random() * 0x10000)
  socket.on('error', () => {})
  socket.on('message', (answer) => {
    const id = answer.length < 12 ? 0 : answer.readUInt16BE(0)
    if (answer.length < 12 || sentAt[id] === 0) return
    take(answer[3]! & 15, performance.now() - sentAt[id]!)
    sentAt[id] = 0
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  return {
    socket,
    send(packet) {
      const octets = Buffer.from(packet)
      octets.writeUInt16BE(next, 0)
      sentAt[next] = performance.now()
      socket.send(octets, port, address)
      next = (next + 1) & 0xffff
    },
  }
}
