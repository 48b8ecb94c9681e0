import { type Clock, type Counter, RCODES } from 'corelet/plugin'
import {
  failedAt,
  GIVEN_UP,
  NONE_HEALTHY,
  type Outcome,
  PAUSE,
  type Strategy,
  timedOut,
} from '../../src/forwarding/outcome.ts'
import type { Upstreams } from '../../src/forwarding/upstreams.ts'
import { Deadlines, type Expirable, type Place } from '../../src/upstream/deadlines.ts'
import { ExchangeFailure } from '../../src/upstream/failure.ts'
import type { Answer, Question } from '../../src/upstream/question.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'

export interface RaceOptions {
  /** Milliseconds for a query. */
  timeout: number
  /** How many upstreams are asked at once; undefined for all that are selected. */
  workers: number | undefined
  /** Exchanges that may fail with one upstream; 0 is any number. */
  attempts: number
  /** The first reply counts, whatever its rcode. */
  firstCounts: boolean
}

interface Settings extends RaceOptions {
  clock: Clock
  deadlines: Deadlines<Race>
  healthcheckBroken: Counter
  answered: Upstreams['answered']
}

/** Asks several upstreams at once until one gives a good answer. @param select the upstreams of a query, in the order in which they are asked */
export function createRaces(
  options: RaceOptions,
  { clock, upstreams, healthcheckBroken }: { clock: Clock; upstreams: Upstreams; healthcheckBroken: Counter },
  select: () => readonly Upstream[],
): Strategy {
  const deadlines = new Deadlines<Race>(clock, options.timeout)
  const settings: Settings = { ...options, clock, deadlines, healthcheckBroken, answered: upstreams.answered }
  return {
    begin(question, proto, done) {
      const race = new Race(question, proto, select(), settings, done)
      deadlines.add(race)
      race.start()
      return race
    },
    close: () => deadlines.close(),
  }
}

/** One query at several upstreams. */
class Race implements Expirable<Race> {
  place: Place<Race> | undefined
  readonly #question: Question
  readonly #proto: 'udp' | 'tcp'
  readonly #waiting: Upstream[]
  readonly #settings: Settings
  readonly #done: (outcome: Outcome) => void
  #running = 0
  #best = NONE_HEALTHY
  #ended = false

  constructor(
    question: Question,
    proto: 'udp' | 'tcp',
    upstreams: readonly Upstream[],
    settings: Settings,
    done: (outcome: Outcome) => void,
  ) {
    this.#question = question
    this.#proto = proto
    this.#settings = settings
    this.#done = done
    const up = upstreams.filter(({ health }) => !health.isDown)
    this.#waiting = up.length > 0 ? up : [...upstreams]
    if (up.length === 0) settings.healthcheckBroken.inc()
  }

  start(): void {
    const count = this.#settings.workers ?? this.#waiting.length
    for (let i = 0; i < count && !this.#ended; i++) this.#next()
  }

  /** Time is up: the best reply so far counts. */
  expire(): void {
    this.#end(this.#best.answer ? this.#best : timedOut(this.#settings.deadlines.milliseconds))
  }

  cancel(): void {
    this.#end(GIVEN_UP)
  }

  #end(outcome: Outcome): void {
    if (this.#ended) return
    this.#ended = true
    this.#settings.deadlines.delete(this)
    this.#done(outcome)
  }

  /** Asks the next upstream, or ends when all have answered or failed. */
  #next(): void {
    const upstream = this.#waiting.shift()
    if (upstream) {
      this.#running++
      this.#ask(upstream, 1)
    } else if (this.#running === 0) this.#end(this.#best)
  }

  #ask(upstream: Upstream, attempt: number): void {
    if (this.#ended) return
    const begun = this.#settings.clock.monotonic()
    let failed = false
    upstream.exchange(this.#question, this.#proto, (result) => {
      // the next upstream has its turn by then
      if (failed) return
      failed = result instanceof ExchangeFailure
      if (!(result instanceof ExchangeFailure)) this.#take(result, upstream, begun)
      else this.#fail(result, upstream, attempt)
    })
  }

  #take(answer: Answer, upstream: Upstream, begun: number): void {
    const { clock, answered, firstCounts } = this.#settings
    answered(upstream, answer.scan.rcode, (clock.monotonic() - begun) / 1000)
    if (this.#ended) return
    if (firstCounts || answer.scan.rcode === RCODES.NOERROR) {
      this.#end({ answer, upstream })
      return
    }
    if (isBetter(answer, this.#best)) this.#best = { answer, upstream }
    this.#running--
    this.#next()
  }

  #fail(failure: ExchangeFailure, upstream: Upstream, attempt: number): void {
    const { attempts, clock } = this.#settings
    if (failure.kind !== 'declined') upstream.health.check()
    if (this.#ended) return
    if (failure.kind !== 'declined' && (attempts === 0 || attempt < attempts)) {
      if (attempt < 2) this.#ask(upstream, attempt + 1)
      else clock.timeout(PAUSE, () => this.#ask(upstream, attempt + 1))
      return
    }
    if (!this.#best.answer) this.#best = failedAt(upstream, failure)
    this.#running--
    this.#next()
  }
}

/** Any reply is better than none, and that a name does not exist better than an error. */
function isBetter({ scan }: Answer, than: Outcome): boolean {
  if (!than.answer) return true
  return scan.rcode === RCODES.NXDOMAIN && than.answer.scan.rcode !== RCODES.NXDOMAIN
}
