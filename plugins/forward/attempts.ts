import type { Clock, Counter } from 'corelet/plugin'
import { ExchangeFailure, type FailureKind } from '../../src/upstream/failure.ts'
import type { Policy } from '../../src/upstream/policy.ts'
import type { Answer, Question } from '../../src/upstream/question.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'

/** What came of a query: an answer and who gave it, or why there is none. */
export type Outcome =
  | { answer: Answer; upstream: Upstream }
  | { answer?: undefined; upstream: Upstream | undefined; error: string; kind: FailureKind }

/** Milliseconds between rounds when all upstreams have failed twice, so that refusals that come at once are not asked for in a tight loop. */
const PAUSE = 20

export interface AttemptSettings {
  clock: Clock
  upstreams: readonly Upstream[]
  policy: Policy
  /** Failed exchanges that a query may have. */
  maxAttempts: number
  /** Milliseconds after which no new exchange is begun. */
  patience: number
  /** When all upstreams are down, none is tried. */
  failfast: boolean
  failover: ReadonlySet<number>
  healthcheckBroken: Counter
  answered(upstream: Upstream, rcode: number, seconds: number): void
}

/** Asks upstreams, in the order of the policy and over again, until one answers or the limits are reached. Never rejects. */
export async function attempt(question: Question, proto: 'udp' | 'tcp', settings: AttemptSettings): Promise<Outcome> {
  const { clock, upstreams, failover } = settings
  const started = clock.monotonic()
  const order = settings.policy(upstreams)
  let attempts = 0
  let failovers = 0
  let down = 0
  let last: Outcome | undefined
  for (let turn = 0; attempts < settings.maxAttempts; turn++) {
    const begun = clock.monotonic()
    if (begun - started >= settings.patience) break
    if (turn % order.length === 0) down = 0
    let upstream = order[turn % order.length]!
    if (upstream.health.isDown) {
      down++
      if (down < order.length) continue
      settings.healthcheckBroken.inc()
      if (settings.failfast) break
      upstream = upstreams[Math.floor(Math.random() * upstreams.length)]!
    }
    const result = await upstream.exchange(question, proto)
    if (result instanceof ExchangeFailure) {
      last = { upstream, error: `${upstream.label}: ${result.message}`, kind: result.kind }
      if (result.kind === 'declined') break
      upstream.health.check()
      attempts++
      if (down === order.length) break
      if (attempts >= 2 * order.length && attempts % order.length === 0) await pause(clock)
      continue
    }
    const { rcode } = result.scan
    settings.answered(upstream, rcode, (clock.monotonic() - begun) / 1000)
    if (!failover.has(rcode) || ++failovers >= order.length) return { answer: result, upstream }
  }
  return last ?? { upstream: undefined, error: 'no healthy proxies', kind: 'declined' }
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.timeout(PAUSE, resolve))
}
