import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { type Clock, fromText, type Listener, type Peer, RCODES, type Timer, TYPES } from 'corelet/plugin'

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

/**
 * Queries for the name, beyond the probes themselves, that are no loop yet while an answer can still come. They add up over all probes: a
 * plugin that joins equal questions lets each probe go round only once.
 */
const ALLOWED = 1

/**
 * Asks the own server for the probe's name over UDP until there is an answer, 30 s at most. There is a loop when the name comes back twice,
 * or once and the probe fails: joined questions that wait for each other end like this.
 */
export class LoopProbe {
  /** False once it is known that there is no loop, or after 30 s. */
  active = false
  /** Where it asks, `HOST:PORT`. */
  target = ''
  readonly #name: string
  readonly #clock: Clock
  readonly #found: (from: string) => void
  #sent = 0
  /** Queries for the name that came in, and where the last one came from. */
  #seen = 0
  #from = ''
  #end: Timer | undefined
  /** Ends what it is doing: waiting for an answer or for the next probe. */
  #cancel = () => {}

  /** @param found called at most once, with the client that the name came back from */
  constructor(name: string, clock: Clock, found: (from: string) => void) {
    this.#name = name
    this.#clock = clock
    this.#found = found
  }

  start({ address, port }: Listener): void {
    this.active = true
    this.target = show(address, port)
    this.#end = this.#clock.timeout(PERIOD, () => this.stop())
    this.#send(toHost(address), port)
  }

  /** Takes a query for the name, the probe itself or one that came back. */
  came({ address, port }: Peer): void {
    if (!this.active) return
    this.#seen++
    this.#from = show(address, port)
    this.#check(ALLOWED)
  }

  #check(allowed: number): void {
    if (!this.active || this.#seen <= this.#sent + allowed) return
    this.stop()
    this.#found(this.#from)
  }

  stop(): void {
    this.active = false
    this.#end?.cancel()
    this.#cancel()
    this.#cancel = () => {}
  }

  #send(host: string, port: number): void {
    this.#sent++
    const query = encodeProbe(this.#name)
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const retry = () => {
      this.#cancel()
      this.#cancel = () => {}
      this.#check(0)
      if (!this.active) return
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
      if (answer.length < 12 || answer[0] !== query[0] || answer[1] !== query[1]) return
      if ((answer[3]! & 15) === RCODES.SERVFAIL) this.#check(0)
      this.stop()
    })
    socket.send(query, port, host)
  }
}

function show(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
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
