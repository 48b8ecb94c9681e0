import {
  type Clock,
  type EdnsOption,
  META_TYPES,
  type Next,
  OPCODES,
  OPTIONS,
  type Query,
  RCODES,
  Reply,
  TYPES,
  WireError,
} from 'corelet/plugin'
import { Deadlines } from '../../src/upstream/deadlines.ts'
import type { FailureKind } from '../../src/upstream/failure.ts'
import type { Policy } from '../../src/upstream/policy.ts'
import { SingleFlight } from '../../src/upstream/single-flight.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import { type AttemptSettings, type Attempts, attempt, type Outcome } from './attempts.ts'
import { HOP_BY_HOP, toFlightKey, toQuestion } from './flight.ts'
import type { ForwardMetrics } from './metrics.ts'
import type { ForwardOptions } from './options.ts'

/** Milliseconds after which a client gets SERVFAIL whatever goes on: most give up after 5 s. A longer read_timeout is honoured. */
const PATIENCE = 4400

interface Parts {
  clock: Clock
  metrics: ForwardMetrics
  upstreams: readonly Upstream[]
  policy: Policy
  answered: AttemptSettings['answered']
}

/** What a query gets of the outcome: a Reply, or why there is none. */
type Landing =
  | { reply: Reply; upstream: Upstream }
  | { reply?: undefined; upstream: Upstream | undefined; error: string; kind: FailureKind }

/** What answers the queries that are for this `forward`. */
export interface Forwarder {
  forward(query: Query, next: Next): Reply | Promise<Reply>
  close(): void
}

/** The part of `forward` behind its zones: limits, single flight, and what becomes of the outcome. */
export function createForwarder(options: ForwardOptions, parts: Parts): Forwarder {
  const { clock, metrics, upstreams } = parts
  const deadlines = new Deadlines<Attempts>(clock, Math.max(PATIENCE, options.readTimeout))
  const settings: AttemptSettings = {
    clock,
    deadlines,
    upstreams,
    policy: parts.policy,
    maxAttempts: toLimit(options.maxConnectAttempts ?? 2 * upstreams.length),
    failfast: options.failfast,
    failover: options.failover,
    healthcheckBroken: metrics.healthcheckBroken,
    answered: parts.answered,
  }
  const maxConcurrent = toLimit(options.maxConcurrent)
  const flights = new SingleFlight<Outcome>()
  let concurrent = 0

  async function ask(query: Query, next: Next): Promise<Reply> {
    const key = toFlightKey(query)
    const start = (done: (outcome: Outcome) => void) => attempt(toQuestion(query), query.proto, settings, done)
    const flight = key === undefined ? { shared: false, result: new Promise(start) } : flights.run(key, start)
    if (flight.shared) metrics.shared.inc()
    concurrent++
    const outcome = await flight.result
    concurrent--
    const landing = toLanding(outcome)
    const { upstream, reply } = landing
    if (upstream) query.setMetadata('forward/upstream', () => upstream.label)
    if (!reply)
      return query.fail(RCODES.SERVFAIL, 'forward', landing.error).copy({ options: [toExtendedError(landing.kind)] })
    if (next.plugin === 'forward' && asksNext(reply)) return next(query)
    return flight.shared ? withoutHopByHop(reply) : reply
  }

  function asksNext(reply: Reply): boolean {
    if (options.next.has(reply.rcode)) return true
    return options.nextOnNodata && reply.rcode === RCODES.NOERROR && reply.scan?.answers === 0
  }

  return {
    forward(query, next) {
      if (query.opcode === OPCODES.NOTIFY) return query.fail(RCODES.REFUSED, 'forward', 'NOTIFY is not forwarded')
      if (query.qtype === TYPES.AXFR || query.qtype === TYPES.IXFR) {
        return query.fail(RCODES.REFUSED, 'forward', 'zone transfers are not forwarded')
      }
      if (META_TYPES.has(query.qtype)) return query.fail(RCODES.FORMERR, 'forward', `${query.type} is no data type`)
      if (concurrent >= maxConcurrent) {
        metrics.rejected.inc()
        const error = `concurrent queries exceeded maximum ${maxConcurrent}`
        return query.fail(RCODES.REFUSED, 'forward', error)
      }
      return ask(query, next)
    },
    close: () => deadlines.close(),
  }
}

/** Limits are written with 0 for none. */
function toLimit(number: number): number {
  return number === 0 ? Infinity : number
}

function toLanding(outcome: Outcome): Landing {
  if (!outcome.answer) return outcome
  const { answer, upstream } = outcome
  try {
    return { upstream, reply: Reply.fromWire(answer.wire, answer.scan, 'forward', `answered by ${upstream.label}`) }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return { upstream, error: `${upstream.label}: malformed answer: ${error.message}`, kind: 'mismatch' }
  }
}

/** Tells a client with EDNS why: 23 is Network Error, 22 No Reachable Authority (RFC 8914 §4.23, §4.24). */
function toExtendedError(kind: FailureKind): EdnsOption {
  return { code: OPTIONS.EDE, data: Uint8Array.of(0, kind === 'network' || kind === 'closed' ? 23 : 22) }
}

/** Options such as a cookie were meant for the client whose query went out. */
function withoutHopByHop(reply: Reply): Reply {
  if (!reply.options.some(({ code }) => HOP_BY_HOP.has(code))) return reply
  return reply.copy({ options: reply.options.filter(({ code }) => !HOP_BY_HOP.has(code)) })
}
