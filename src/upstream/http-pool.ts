import { isIPv6 } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Clock, Timer } from '../plugin/clock.ts'
import { DialTimeout } from './dial-timeout.ts'
import { Dialer } from './dialer.ts'
import { ExchangeFailure, TIMED_OUT } from './failure.ts'
import { type HttpDialect, HttpSession } from './http-session.ts'
import type { Pending } from './pending.ts'
import type { Mismatch } from './question.ts'
import { isPath, type Target } from './target.ts'

/** Sessions with one upstream; each carries many queries. */
const MAX_SESSIONS = 8
const HTTPS_PORT = 443

export interface HttpPoolOptions {
  target: Target
  /** Speaks TLS with these certificates; in clear text when left out. */
  secure: SecureContext | undefined
  sourceAddress: string | undefined
  dialect: HttpDialect
  clock: Clock
  /** Milliseconds of idleness after which a session is closed. */
  expire: number
  /** Milliseconds after which a session gets no more queries; 0 is never. */
  maxAge: number
  events: { mismatch(reason: Mismatch): void }
}

/** The HTTP/2 sessions of one upstream: the oldest that has room is taken, and a new one opened only when none has. */
export class HttpPool {
  readonly #options: HttpPoolOptions
  readonly #dialer: Dialer
  readonly #authority: string
  readonly #sessions = new Set<HttpSession>()
  /** Those that are still opening, with the timer that gives them up. */
  readonly #dialing = new Map<HttpSession, Timer>()
  readonly #dialTimeout = new DialTimeout()

  constructor(options: HttpPoolOptions) {
    this.#options = options
    this.#dialer = new Dialer({ ...options, protocol: 'h2' })
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

  #choose(now: number): HttpSession | undefined {
    for (const session of this.#sessions) if (!session.full && !this.#isOld(session, now)) return session
    return this.#sessions.size < MAX_SESSIONS ? this.#dial(now) : undefined
  }

  #isOld(session: HttpSession, now: number): boolean {
    return this.#options.maxAge > 0 && now - session.createdAt > this.#options.maxAge
  }

  #dial(now: number): HttpSession {
    const { clock, dialect, events } = this.#options
    const session: HttpSession = new HttpSession(this.#dialer, this.#authority, dialect, now, {
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
  #dialed(session: HttpSession): boolean {
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
  if (isPath(address)) return serverName ?? 'localhost'
  const host = serverName ?? (isIPv6(address) ? `[${address.replace(/%.*/, '')}]` : address)
  return port === HTTPS_PORT ? host : `${host}:${port}`
}
