import { readFileSync } from 'node:fs'
import type { Clock } from '../plugin/clock.ts'
import { describeError, ExchangeFailure } from './failure.ts'
import type { Pending } from './pending.ts'
import { randomIndex } from './random.ts'
import type { Target } from './target.ts'
import { UdpSocket, type UdpSocketEvents } from './udp-socket.ts'

/** Sockets that the pool holds under load; each has a random port. */
const POOL_SIZE = 64
/** Sockets of one upstream that may be open at once, those that wait for late answers included. */
const MAX_OPEN = 512
/** Sockets that stay open when idle, so that running out of file descriptors stops no query. */
const RESERVE = 4
/**
 * New sockets that the pool may open in a second, and after a pause at once. Opening one costs about 15 µs, and a new port takes an entry
 * in the kernel's connection tracking for half a minute.
 */
const OPENED_PER_SECOND = 250
const OPENED_AT_ONCE = 2500

export interface UdpPoolOptions {
  target: Target
  sourceAddress: string | undefined
  clock: Clock
  /** Milliseconds of idleness after which a socket is closed. */
  expire: number
  /** Milliseconds that a socket is used for; 0 is for ever. */
  maxAge: number
  events: UdpSocketEvents & { cached(hit: boolean): void }
}

/**
 * The UDP sockets of one upstream. A query goes out on a socket opened for it, so on a port that nobody can know, and the oldest
 * socket is retired for it. Queries that leave together go out on one such socket. When queries come faster than sockets may be opened,
 * they share the pool's sockets at random (RFC 5452 §9.2).
 */
export class UdpPool {
  readonly #options: UdpPoolOptions
  readonly #ready: UdpSocket[] = []
  /** The socket that the last query went out on. */
  #latest: UdpSocket | undefined
  /** Sockets taken out of `#ready` that wait for answers. */
  #retired = 0
  readonly #size: number
  readonly #maxOpen: number
  #budget = OPENED_AT_ONCE
  #budgetAt: number

  constructor(options: UdpPoolOptions) {
    this.#options = options
    this.#budgetAt = options.clock.monotonic()
    const share = Math.floor(openFileLimit() / 8)
    this.#size = Math.max(RESERVE, Math.min(POOL_SIZE, share))
    this.#maxOpen = Math.max(RESERVE * 2, Math.min(MAX_OPEN, share))
  }

  /** Opens the sockets that are kept in reserve; what fails here is tried again with the first query. */
  reserve(): void {
    while (this.#ready.length < RESERVE) if (this.#open() instanceof Error) return
  }

  send(pending: Pending): void {
    const { events } = this.#options
    const now = pending.since
    if (this.#latest?.isCollecting) {
      events.cached(true)
      this.#latest.send(pending, now)
      return
    }
    const opened = this.#mayOpen(now) ? this.#open() : undefined
    const fresh = opened instanceof UdpSocket ? opened : undefined
    events.cached(fresh === undefined)
    this.#latest = fresh ?? this.#ready[randomIndex(this.#ready.length)]
    if (this.#latest) this.#latest.send(pending, now)
    else pending.settle(new ExchangeFailure('network', `no socket: ${describeError(opened as Error)}`))
  }

  /** Closes sockets that have been idle or in use for too long. */
  sweep(): void {
    const { clock, expire, maxAge } = this.#options
    const now = clock.monotonic()
    for (const socket of [...this.#ready]) {
      const old = maxAge > 0 && now - socket.openedAt > maxAge
      if (old || (now - socket.lastUsed > expire && this.#ready.length > RESERVE)) this.#retire(socket)
    }
  }

  close(): void {
    for (const socket of [...this.#ready]) this.#retire(socket)
  }

  #mayOpen(now: number): boolean {
    this.#budget = Math.min(OPENED_AT_ONCE, this.#budget + ((now - this.#budgetAt) * OPENED_PER_SECOND) / 1000)
    this.#budgetAt = now
    return this.#ready.length === 0 || (this.#budget >= 1 && this.#ready.length + this.#retired < this.#maxOpen)
  }

  #open(): UdpSocket | Error {
    const { target, sourceAddress, clock, events } = this.#options
    this.#budget--
    try {
      const socket = new UdpSocket(target, sourceAddress, clock.monotonic(), events)
      this.#ready.push(socket)
      if (this.#ready.length > this.#size) this.#retire(this.#ready[0]!)
      return socket
    } catch (error) {
      return error as Error
    }
  }

  #retire(socket: UdpSocket): void {
    this.#ready.splice(this.#ready.indexOf(socket), 1)
    this.#retired++
    socket.retire(() => this.#retired--)
  }
}

/** Soft limit of open file descriptors of this process; 1024 where the system does not tell. */
function openFileLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return limit ? Number(limit[1]) : Infinity
  } catch {
    return 1024
  }
}
