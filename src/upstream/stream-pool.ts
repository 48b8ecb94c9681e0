import type { SecureContext } from 'node:tls'
import type { Clock, Timer } from '../plugin/clock.ts'
import { DialTimeout } from './dial-timeout.ts'
import { Dialer } from './dialer.ts'
import { ExchangeFailure, TIMED_OUT } from './failure.ts'
import type { Pending } from './pending.ts'
import type { Mismatch } from './question.ts'
import { StreamConnection } from './stream-connection.ts'
import type { Target } from './target.ts'

/** Connections to one upstream; beyond it queries are pipelined. */
const MAX_CONNECTIONS = 16
/** Of these, how many may be opening at once. */
const MAX_DIALING = 4

export interface StreamPoolOptions {
  target: Target
  /** Speaks TLS with these certificates (RFC 7858); plain TCP when left out. */
  secure: SecureContext | undefined
  sourceAddress: string | undefined
  clock: Clock
  /** Milliseconds of idleness after which a connection is closed. */
  expire: number
  /** Milliseconds after which a connection gets no more queries; 0 is never. */
  maxAge: number
  /** Idle connections that are kept; 0 is without limit. */
  maxIdle: number
  events: { mismatch(reason: Mismatch): void; cached(hit: boolean): void }
}

/** The TCP or TLS connections of one upstream. An idle one is taken first, the oldest of them, then a new one, then the least busy. */
export class StreamPool {
  readonly #options: StreamPoolOptions
  /** In the order in which they were opened. */
  readonly #connections = new Set<StreamConnection>()
  /** Those that are still opening, with the timer that gives them up. */
  readonly #dialing = new Map<StreamConnection, Timer>()
  readonly #dialTimeout = new DialTimeout()
  readonly #dialer: Dialer

  constructor(options: StreamPoolOptions) {
    this.#options = options
    this.#dialer = new Dialer({ ...options, protocol: 'dot' })
  }

  send(pending: Pending): void {
    const now = this.#options.clock.monotonic()
    const reused = this.#choose(now)
    this.#options.events.cached(reused !== undefined)
    if (reused) reused.send(pending, now)
    else if (this.#connections.size < MAX_CONNECTIONS) this.#dial(now).send(pending, now)
    else pending.settle(new ExchangeFailure('declined', 'all connections are full'))
  }

  /** Closes connections that have been idle or open for too long. */
  sweep(): void {
    const now = this.#options.clock.monotonic()
    for (const connection of this.#connections) if (this.#isStale(connection, now)) connection.close('expired')
  }

  close(): void {
    for (const connection of this.#connections) connection.close('stopped')
  }

  #choose(now: number): StreamConnection | undefined {
    let best: StreamConnection | undefined
    for (const connection of this.#connections) {
      if (this.#isStale(connection, now)) {
        connection.close('expired')
        continue
      }
      if (connection.full || this.#isOld(connection, now)) continue
      if (connection.isOpen && connection.inFlight === 0) return connection
      if (!best || connection.inFlight < best.inFlight) best = connection
    }
    const mayDial = this.#connections.size < MAX_CONNECTIONS && this.#dialing.size < MAX_DIALING
    return mayDial ? undefined : best
  }

  /** Whether it serves no query and may be closed. */
  #isStale(connection: StreamConnection, now: number): boolean {
    if (!connection.isOpen || connection.inFlight > 0) return false
    return now - connection.lastUsed > this.#options.expire || this.#isOld(connection, now)
  }

  #isOld(connection: StreamConnection, now: number): boolean {
    return this.#options.maxAge > 0 && now - connection.createdAt > this.#options.maxAge
  }

  #dial(now: number): StreamConnection {
    const { clock, secure, events } = this.#options
    const connection = new StreamConnection(this.#dialer.dial(), secure !== undefined, now, {
      mismatch: events.mismatch,
      opened: () => this.#dialed(connection),
      idle: () => this.#keepOrClose(connection),
      closed: () => {
        this.#connections.delete(connection)
        if (this.#dialed(connection)) this.#dialer.forget()
      },
    })
    const timeout = this.#dialTimeout.milliseconds
    this.#connections.add(connection)
    this.#dialing.set(
      connection,
      clock.timeout(timeout, () => connection.close(`no connection within ${timeout} ms: ${TIMED_OUT}`)),
    )
    return connection
  }

  /** Notes that opening it has ended, well or not. @returns whether it was still opening */
  #dialed(connection: StreamConnection): boolean {
    const timer = this.#dialing.get(connection)
    if (!timer) return false
    timer.cancel()
    this.#dialing.delete(connection)
    this.#dialTimeout.record(this.#options.clock.monotonic() - connection.createdAt)
    return true
  }

  #keepOrClose(connection: StreamConnection): void {
    const { maxIdle } = this.#options
    if (maxIdle === 0 || !connection.isOpen) return
    let idle = 0
    for (const each of this.#connections) if (each.isOpen && each.inFlight === 0) idle++
    if (idle > maxIdle) connection.close('enough idle connections')
  }
}
