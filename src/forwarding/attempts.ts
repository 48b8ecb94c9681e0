import { type Clock, type Counter, RCODES } from '../plugin/index.ts'
import { Deadlines, type Expirable, type Place } from '../upstream/deadlines.ts'
import { ExchangeFailure } from '../upstream/failure.ts'
import { createPolicy, type Policy } from '../upstream/policy.ts'
import type { Answer, Question } from '../upstream/question.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { withoutEdns } from './flight.ts'
import type { ForwardingMetrics } from './metrics.ts'
import { type AttemptOptions, type ConnectionOptions, toLimit } from './options.ts'
import { failedAt, GIVEN_UP, NONE_HEALTHY, type Outcome, PAUSE, type Strategy, timedOut } from './outcome.ts'
import type { Upstreams } from './upstreams.ts'

interface AttemptSettings {
  clock: Clock
  upstreams: readonly Upstream[]
  policy: Policy
  /** Failed exchanges that a query may have. */
  maxAttempts: number
  /** What ends attempts after the time that a client waits. */
  deadlines: Deadlines<Attempts>
  /** When all upstreams are down, none is tried. */
  failfast: boolean
  failover: ReadonlySet<number>
  healthcheckBroken: Counter
  answered(upstream: Upstream, rcode: number, seconds: number): void
}

/** Milliseconds after which a client gets SERVFAIL whatever goes on: most give up after 5 s. A longer read_timeout is honoured. */
export const PATIENCE = 4400

/** Asks upstreams one after the other, in the order of the policy and over again, until one answers or the limits are reached. */
export function createAttempts(
  options: AttemptOptions & Pick<ConnectionOptions, 'readTimeout'>,
  { clock, metrics, upstreams }: { clock: Clock; metrics: ForwardingMetrics; upstreams: Upstreams },
): Strategy {
  const deadlines = new Deadlines<Attempts>(clock, Math.max(PATIENCE, options.readTimeout))
  const settings: AttemptSettings = {
    clock,
    deadlines,
    upstreams: upstreams.list,
    policy: createPolicy(options.policy),
    maxAttempts: toLimit(options.maxConnectAttempts ?? (options.rounds ?? 2) * upstreams.list.length),
    failfast: options.failfast,
    failover: options.failover,
    healthcheckBroken: metrics.healthcheckBroken,
    answered: upstreams.answered,
  }
  return {
    begin(question, proto, done) {
      const now = clock.monotonic()
      const attempts = new Attempts(question, proto, settings, now, done)
      deadlines.add(attempts, now)
      attempts.next(now)
      return attempts
    },
    close: () => deadlines.close(),
  }
}

/** One query on its way through the upstreams. */
class Attempts implements Expirable<Attempts> {
  place: Place<Attempts> | undefined
  readonly #question: Question
  readonly #proto: 'udp' | 'tcp'
  readonly #settings: AttemptSettings
  readonly #done: (outcome: Outcome) => void
  readonly #order: readonly Upstream[]
  readonly #started: number
  #turn = 0
  #failed = 0
  #failovers = 0
  /** Upstreams found down in this round. */
  #down = 0
  #last = NONE_HEALTHY
  #state: 'under way' | 'without answer' | 'over' = 'under way'

  constructor(
    question: Question,
    proto: 'udp' | 'tcp',
    settings: AttemptSettings,
    now: number,
    done: (outcome: Outcome) => void,
  ) {
    this.#question = question
    this.#proto = proto
    this.#settings = settings
    this.#done = done
    this.#order = settings.policy(settings.upstreams)
    this.#started = now
  }

  /** The client's patience is at its end, whatever goes on. */
  expire(): void {
    this.#end(timedOut(this.#settings.deadlines.milliseconds))
  }

  /** Nobody wants to know any more. */
  cancel(): void {
    this.#end(GIVEN_UP)
  }

  /** An answer is told even when it comes after there was none. */
  #end(outcome: Outcome): void {
    const { answer } = outcome
    if (this.#state === 'over' || (this.#state === 'without answer' && !answer)) return
    if (this.#state === 'under way') this.#settings.deadlines.delete(this)
    this.#state = answer || outcome === GIVEN_UP ? 'over' : 'without answer'
    this.#done(outcome)
  }

  /** Asks an upstream, unless that is of no use any more. @param now monotonic milliseconds */
  next(now = this.#settings.clock.monotonic()): void {
    if (this.#state !== 'under way') return
    const { deadlines, maxAttempts } = this.#settings
    const mayAsk = this.#failed < maxAttempts && now - this.#started < deadlines.milliseconds
    const upstream = mayAsk ? this.#choose() : undefined
    if (upstream) this.#ask(upstream, this.#question, now)
    else this.#end(this.#last)
  }

  #ask(upstream: Upstream, question: Question, begun: number): void {
    if (this.#state !== 'under way') return
    upstream.exchange(question, this.#proto, (result) => this.#take(result, upstream, question, begun))
  }

  /** The next one that is up; when all are down any of them, or none with failfast. */
  #choose(): Upstream | undefined {
    const { upstreams, failfast, healthcheckBroken } = this.#settings
    for (;;) {
      const place = this.#turn++ % this.#order.length
      if (place === 0) this.#down = 0
      const upstream = this.#order[place]!
      if (!upstream.health.isDown) return upstream
      if (++this.#down < this.#order.length) continue
      healthcheckBroken.inc()
      return failfast ? undefined : upstreams[Math.floor(Math.random() * upstreams.length)]!
    }
  }

  #take(result: Answer | ExchangeFailure, upstream: Upstream, question: Question, begun: number): void {
    const { clock, failover, answered } = this.#settings
    if (result instanceof ExchangeFailure) {
      this.#last = failedAt(upstream, result)
      this.#fail(result, upstream)
      return
    }
    const { rcode, optOffset } = result.scan
    const now = clock.monotonic()
    answered(upstream, rcode, (now - begun) / 1000)
    const bare = rcode === RCODES.FORMERR && optOffset < 0 ? withoutEdns(question) : undefined
    if (bare) this.#ask(upstream, bare, now)
    else if (failover.has(rcode) && ++this.#failovers < this.#order.length) this.next(now)
    else this.#end({ answer: result, upstream })
  }

  #fail({ kind }: ExchangeFailure, upstream: Upstream): void {
    if (kind === 'declined') {
      this.#end(this.#last)
      return
    }
    upstream.health.check()
    this.#failed++
    const { length } = this.#order
    if (this.#down === length) this.#end(this.#last)
    else if (this.#failed >= 2 * length && this.#failed % length === 0)
      this.#settings.clock.timeout(PAUSE, () => this.next())
    else this.next()
  }
}
