import type { SecureContext } from 'node:tls'
import { TC } from '../dns/constants.ts'
import type { Clock, Timer } from '../plugin/clock.ts'
import { Deadlines } from './deadlines.ts'
import { createDohDialect, type DohMethod } from './doh.ts'
import { ExchangeFailure } from './failure.ts'
import { grpcDialect } from './grpc.ts'
import { Health } from './health.ts'
import { HttpPool } from './http-pool.ts'
import { Pending, type Result } from './pending.ts'
import { createProbe } from './probe.ts'
import type { Mismatch, Question } from './question.ts'
import { StreamPool } from './stream-pool.ts'
import { showTarget, type Target } from './target.ts'
import { UdpPool } from './udp-pool.ts'

/** Queries of one upstream that may be out; then the one that waits longest makes room, if it has waited for {@link PATIENCE}. */
const MAX_IN_FLIGHT = 8192
const PATIENCE = 200
/** Milliseconds that a probe waits. */
const PROBE_TIMEOUT = 1000
/** Milliseconds that an answer over HTTPS may take. */
const HTTPS_TIMEOUT = 2000
/** Milliseconds between looks for idle sockets. */
const SWEEP_INTERVAL = 10_000
/** Reused connections that may turn out to be closed before a query fails. */
const CLOSED_LIMIT = 4

export type Proto = 'udp' | 'tcp' | 'tcp-tls'

export interface UpstreamOptions {
  target: Target
  clock: Clock
  /** Certificates for TLS. Needed for `tls` and `https` targets; a `grpc` one is asked in clear text without. */
  secure?: SecureContext | undefined
  /** HTTP method for `https` targets; POST when left out. */
  dohMethod?: DohMethod
  sourceAddress?: string | undefined
  forceTcp: boolean
  preferUdp: boolean
  /** Milliseconds that an answer may take. */
  readTimeout: number
  /** Milliseconds of idleness after which a socket is closed. */
  expire: number
  /** Milliseconds after which a socket is used no more; 0 is never. */
  maxAge: number
  /** Idle connections that are kept; 0 is without limit. */
  maxIdle: number
  maxFails: number
  /** What probes ask; the interval in milliseconds. */
  healthCheck: { interval: number; recursionDesired: boolean; domain: string }
  events: UpstreamEvents
}

/** Told what happens, for metrics. */
export interface UpstreamEvents {
  /** A message came that is not the answer to the query that was out. */
  mismatch(reason: Mismatch): void
  /** An exchange found an open socket, or had to open one. */
  cached(proto: Proto, hit: boolean): void
  probeFailed(): void
  /** It was not asked, or is waited for no more, as too many queries wait. */
  declined(): void
}

/** One server that queries are forwarded to: its sockets, its health. */
export class Upstream {
  readonly target: Target
  /** `IP:PORT`. */
  readonly label: string
  readonly health: Health
  readonly #options: UpstreamOptions
  readonly #queries: Deadlines<Pending>
  readonly #probes: Deadlines<Pending>
  readonly #udp: UdpPool
  readonly #stream: StreamPool | HttpPool
  readonly #sweep: Timer
  #closed = false

  constructor(options: UpstreamOptions) {
    const { target, clock, sourceAddress, expire, maxAge, maxFails, healthCheck, events } = options
    this.#options = options
    this.target = target
    this.label = showTarget(target)
    this.#queries = new Deadlines(clock, target.transport === 'https' ? HTTPS_TIMEOUT : options.readTimeout)
    this.#probes = new Deadlines(clock, PROBE_TIMEOUT)
    this.#udp = new UdpPool({
      target,
      sourceAddress,
      clock,
      expire,
      maxAge,
      events: { mismatch: events.mismatch, cached: (hit) => events.cached('udp', hit) },
    })
    this.#stream = createStreamPool(options)
    const probe = createProbe(healthCheck)
    this.health = new Health({
      clock,
      maxFails,
      interval: healthCheck.interval,
      probe: () =>
        new Promise((resolve) => {
          this.#ask(probe, this.#protoFor('udp'), this.#probes, (result) => resolve(!(result instanceof Error)))
        }),
      failed: events.probeFailed,
    })
    if (this.#protoFor('udp') === 'udp') this.#udp.reserve()
    this.#sweep = clock.interval(SWEEP_INTERVAL, () => {
      this.#udp.sweep()
      this.#stream.sweep()
    })
  }

  /**
   * Asks it.
   * @param proto what the client came over
   * @param done called with the result, before `exchange` returns if it is known at once; again with an answer that comes after it was
   *   told of a timeout
   */
  exchange(question: Question, proto: 'udp' | 'tcp', done: (result: Result) => void): void {
    if (this.#closed) done(new ExchangeFailure('declined', 'it is being stopped'))
    else if (this.#queries.size >= MAX_IN_FLIGHT && !this.#makeRoom()) {
      this.#options.events.declined()
      done(new ExchangeFailure('declined', `${MAX_IN_FLIGHT} queries wait already`))
    } else if (this.#protoFor(proto) === 'tcp') this.#ask(question, 'tcp', this.#queries, done)
    else {
      this.#ask(question, 'udp', this.#queries, (result) => {
        if (this.#wantsTcp(result) && !this.#closed) this.#ask(question, 'tcp', this.#queries, done)
        else done(result)
      })
    }
  }

  /** Closes all sockets and stops probing; queries that are out fail. */
  close(): void {
    this.#closed = true
    this.health.stop()
    this.#sweep.cancel()
    this.#udp.close()
    this.#stream.close()
    this.#queries.close()
    this.#probes.close()
  }

  #protoFor(proto: 'udp' | 'tcp'): 'udp' | 'tcp' {
    if (this.target.transport !== 'dns' || this.#options.forceTcp) return 'tcp'
    return this.#options.preferUdp ? 'udp' : proto
  }

  /** UDP is left when somebody seems to guess answers, and for what was cut off when the client did not choose UDP. */
  #wantsTcp(result: Result): boolean {
    if (result instanceof ExchangeFailure) return result.kind === 'mismatch'
    return this.#options.preferUdp && (result.scan.flags & TC) !== 0
  }

  #ask(
    question: Question,
    proto: 'udp' | 'tcp',
    deadlines: Deadlines<Pending>,
    done: (result: Result) => void,
    closed = 0,
  ): void {
    const pool = proto === 'udp' ? this.#udp : this.#stream
    const settle = (result: Result) => {
      const kind = result instanceof ExchangeFailure ? result.kind : undefined
      if (kind === 'declined') this.#options.events.declined()
      const again = kind === 'closed' && closed < CLOSED_LIMIT
      if (again && !this.#closed) this.#ask(question, proto, deadlines, done, closed + 1)
      else done(result)
    }
    pool.send(new Pending(question, deadlines, settle))
  }

  #makeRoom(): boolean {
    const oldest = this.#queries.oldest
    if (!oldest || oldest.waited < PATIENCE) return false
    oldest.item.settle(new ExchangeFailure('declined', 'gave way to newer queries'))
    return true
  }
}

/** The connections that carry what does not go over UDP. */
function createStreamPool(options: UpstreamOptions): StreamPool | HttpPool {
  const { target, secure, sourceAddress, clock, expire, maxAge, maxIdle, dohMethod = 'POST', events } = options
  const common = { target, sourceAddress, clock, expire, maxAge }
  const { transport } = target
  if ((transport === 'tls' || transport === 'https') && !secure) {
    throw new TypeError('an encrypted upstream needs certificates')
  }
  if (transport === 'https') return new HttpPool({ ...common, secure, dialect: createDohDialect(dohMethod), events })
  if (transport === 'grpc') return new HttpPool({ ...common, secure, dialect: grpcDialect, events })
  const isTls = transport === 'tls'
  return new StreamPool({
    ...common,
    maxIdle,
    secure: isTls ? secure : undefined,
    events: { mismatch: events.mismatch, cached: (hit) => events.cached(isTls ? 'tcp-tls' : 'tcp', hit) },
  })
}
