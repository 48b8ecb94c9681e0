import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { type Clock, fromText, type Listener, type Timer, TYPES } from 'corelet/plugin'

/** Milliseconds that a probe may take. */
const TIMEOUT = 2000
/** Milliseconds between a failed probe and the next. */
const PAUSE = 1000
/** Milliseconds after the start at which looking for loops ends. */
const PERIOD = 30_000

/** A name below `zone` that nobody can guess: two random 64-bit numbers as labels. */
export function probeName(zone: string): string {
  const [a, b] = new BigUint64Array(randomBytes(16).buffer.slice(0, 16))
  return `${a}.${b}.${zone === '.' ? '' : zone}`
}

/** Asks the own server for the probe's name over UDP until there is any answer, 30 s at most. */
export class LoopProbe {
  /** Probes that were sent. */
  sent = 0
  /** Queries for the name that came in. */
  seen = 0
  /** False once it is known that there is no loop, or after 30 s. */
  active = false
  /** Where it asks, `HOST:PORT`. */
  target = ''
  readonly #name: string
  readonly #clock: Clock
  #end: Timer | undefined
  /** Ends what it is doing: waiting for an answer or for the next probe. */
  #cancel = () => {}

  constructor(name: string, clock: Clock) {
    this.#name = name
    this.#clock = clock
  }

  start({ address, port }: Listener): void {
    this.active = true
    this.target = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
    this.#end = this.#clock.timeout(PERIOD, () => this.stop())
    this.#send(toHost(address), port)
  }

  stop(): void {
    this.active = false
    this.#end?.cancel()
    this.#cancel()
    this.#cancel = () => {}
  }

  #send(host: string, port: number): void {
    this.sent++
    const query = encodeProbe(this.#name)
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const retry = () => {
      this.#cancel()
      const pause = this.#clock.timeout(PAUSE, () => this.#send(host, port))
      this.#cancel = () => pause.cancel()
    }
    const timeout = this.#clock.timeout(TIMEOUT, retry)
    this.#cancel = () => {
      timeout.cancel()
      socket.removeAllListeners().on('error', () => {})
      socket.close()
    }
    socket.on('error', retry)
    socket.on('message', (answer) => {
      if (answer.length >= 12 && answer[0] === query[0] && answer[1] === query[1]) this.stop()
    })
    socket.send(query, port, host)
  }
}

/** The address to reach a listener at: an unspecified one is reached at loopback. */
function toHost(address: string): string {
  if (address === '' || address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}

/** A HINFO query with a random id and the RD bit (RFC 1035 §4.1). */
function encodeProbe(name: string): Buffer {
  const header = Buffer.from([...randomBytes(2), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([header, fromText(name), Buffer.from([0, TYPES.HINFO, 0, 1])])
}
