import { isIPv6 } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Clock, Timer } from '../plugin/clock.ts'
import { DialTimeout } from './dial-timeout.ts'
import { ExchangeFailure, TIMED_OUT } from './failure.ts'
import { type DohMethod, HttpsSession } from './https-session.ts'
import type { Pending } from './pending.ts'
import type { Mismatch } from './question.ts'
import { SecureDialer } from './secure-socket.ts'
import type { Target } from './target.ts'

/** Sessions with one upstream; each carries many queries. */
const MAX_SESSIONS = 8
const HTTPS_PORT = 443

export interface HttpsPoolOptions {
  target: Target
  secure: SecureContext
  sourceAddress: string | undefined
  method: DohMethod
  clock: Clock
  /** Milliseconds of idleness after which a session is closed. */
  expire: number
  /** Milliseconds after which a session gets no more queries; 0 is never. */
  maxAge: number
  events: { mismatch(reason: Mismatch): void }
}

/** The HTTP/2 sessions of one upstream: the oldest that has room is taken, and a new one opened only when none has. */
export class HttpsPool {
  readonly #options: HttpsPoolOptions
  readonly #dialer: SecureDialer
  readonly #authority: string
  readonly #sessions = new Set<HttpsSession>()
  /** Those that are still opening, with the timer that gives them up. */
  readonly #dialing = new Map<HttpsSession, Timer>()
  readonly #dialTimeout = new DialTimeout()

  constructor(options: HttpsPoolOptions) {
    this.#options = options
    this.#dialer = new SecureDialer({ ...options, protocol: 'h2' })
    this.#authority = toAuthority(options.target)
  }

  send(pending: Pending): void {
    const now = this.#options.clock.monotonic()
    const session = this.#choose(now)
    if (session) session.send(pending, now)
    else pending.settle(new ExchangeFailure('declined', 'all sessions are full'))
  }

  /** Closes sessions that have been idle or open for too long. */
  sweep(): void {
    const { clock, expire } = this.#options
    const now = clock.monotonic()
    for (const session of this.#sessions) {
      if (!session.isOpen || session.inFlight > 0) continue
      if (now - session.lastUsed > expire || this.#isOld(session, now)) session.close('expired')
    }
  }

  close(): void {
    for (const session of this.#sessions) session.close('stopped')
  }

  #choose(now: number): HttpsSession | undefined {
    for (const session of this.#sessions) if (!session.full && !this.#isOld(session, now)) return session
    return this.#sessions.size < MAX_SESSIONS ? this.#dial(now) : undefined
  }

  #isOld(session: HttpsSession, now: number): boolean {
    return this.#options.maxAge > 0 && now - session.createdAt > this.#options.maxAge
  }

  #dial(now: number): HttpsSession {
    const { clock, method, events } = this.#options
    const session: HttpsSession = new HttpsSession(this.#dialer.dial(), this.#authority, method, now, {
      mismatch: events.mismatch,
      opened: () => void this.#dialed(session),
      closed: () => {
        this.#sessions.delete(session)
        if (this.#dialed(session)) this.#dialer.forget()
      },
    })
    const timeout = this.#dialTimeout.milliseconds
    this.#sessions.add(session)
    this.#dialing.set(
      session,
      clock.timeout(timeout, () => session.close(`no connection within ${timeout} ms: ${TIMED_OUT}`)),
    )
    return session
  }

  /** Notes that opening it has ended, well or not. @returns whether it was still opening */
  #dialed(session: HttpsSession): boolean {
    const timer = this.#dialing.get(session)
    if (!timer) return false
    timer.cancel()
    this.#dialing.delete(session)
    this.#dialTimeout.record(this.#options.clock.monotonic() - session.createdAt)
    return true
  }
}

/** What the server is called: by its name if there is one. */
function toAuthority({ address, serverName, port }: Target): string {
  const host = serverName ?? (isIPv6(address) ? `[${address.replace(/%.*/, '')}]` : address)
  return port === HTTPS_PORT ? host : `${host}:${port}`
}
