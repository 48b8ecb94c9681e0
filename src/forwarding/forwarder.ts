import {
  type Clock,
  type EdnsOption,
  failOverloaded,
  META_TYPES,
  type Next,
  OPCODES,
  OPTIONS,
  type Query,
  RCODES,
  Reply,
  TYPES,
  WireError,
} from '../plugin/index.ts'
import type { FailureKind } from '../upstream/failure.ts'
import { type Flight, SingleFlight } from '../upstream/single-flight.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { canShare, flightHash, HOP_BY_HOP, toQuestion } from './flight.ts'
import { LateAnswers } from './late-answers.ts'
import type { ForwardingMetrics } from './metrics.ts'
import { toLimit } from './options.ts'
import { GIVEN_UP, type Outcome, type Strategy } from './outcome.ts'

interface Parts {
  clock: Clock
  metrics: ForwardingMetrics
  strategy: Strategy
}

/** `next` and `nextOnNodata` say when a query goes on to the next use of the plugin; left out, it never does. */
export interface ForwarderOptions {
  maxConcurrent: number
  /** What clients get when all that came was the answer to something else; SERVFAIL when left out. */
  mismatchRcode?: number
  next?: ReadonlySet<number>
  nextOnNodata?: boolean
}

/** What a query gets of the outcome: a Reply, or why there is none. */
type Landing =
  | { reply: Reply; upstream: Upstream }
  | { reply?: undefined; upstream: Upstream | undefined; error: string; kind: FailureKind }

/** What answers the queries that are for some upstreams. */
export interface Forwarder {
  forward(query: Query, next: Next): Reply | Promise<Reply>
  close(): void
}

/**
 * The part of `forward` behind its zones: limits, single flight, and what becomes of the outcome.
 * @param plugin that answers by it
 */
export function createForwarder(plugin: string, options: ForwarderOptions, parts: Parts): Forwarder {
  const { clock, metrics, strategy } = parts
  const late = new LateAnswers(clock)
  const maxConcurrent = toLimit(options.maxConcurrent)
  const flights = new SingleFlight<Query, Outcome>({
    hash: flightHash,
    isSame: canShare,
    start(query, done) {
      let told = false
      return strategy.begin(toQuestion(query), query.proto, (outcome) => {
        if (told) late.put(query, outcome)
        else done(outcome)
        told = true
      })
    },
  })
  let concurrent = 0

  function ask(query: Query, next: Next): Reply | Promise<Reply> {
    const answered = late.take(query)
    if (answered) return land(query, next, answered, true)
    const { shared, flight } = flights.run(query)
    if (shared) metrics.shared.inc()
    const { signal } = query
    concurrent++
    return (signal ? untilGivenUp(flight, signal) : flight.result).then((outcome) => {
      concurrent--
      return land(query, next, outcome, shared)
    })
  }

  function land(query: Query, next: Next, outcome: Outcome, shared: boolean): Reply | Promise<Reply> {
    const landing = toLanding(outcome, plugin)
    const { upstream, reply } = landing
    if (upstream && query.collectsMetadata) query.setMetadata(`${plugin}/upstream`, () => upstream.label)
    if (!reply) {
      const rcode = landing.kind === 'mismatch' ? options.mismatchRcode : undefined
      const failure = query.fail(rcode ?? RCODES.SERVFAIL, plugin, landing.error)
      return failure.copy({ options: [toExtendedError(landing.kind)] })
    }
    if (next.plugin === plugin && asksNext(reply)) return next(query)
    return shared ? withoutHopByHop(reply) : reply
  }

  function asksNext(reply: Reply): boolean {
    if (options.next?.has(reply.rcode)) return true
    return options.nextOnNodata === true && reply.rcode === RCODES.NOERROR && reply.scan?.answers === 0
  }

  return {
    forward(query, next) {
      const refusal = refuse(query, plugin)
      if (refusal) return refusal
      if (concurrent >= maxConcurrent) {
        metrics.rejected.inc()
        const error = `concurrent queries exceeded maximum ${maxConcurrent}`
        return query.fail(RCODES.REFUSED, plugin, error)
      }
      return query.origin.mayWait ? ask(query, next) : failOverloaded(query, plugin)
    },
    close: () => strategy.close(),
  }
}

/** The answer to what is never forwarded: its reply would make no sense through a forwarder. */
export function refuse(query: Query, plugin: string): Reply | undefined {
  if (query.opcode === OPCODES.NOTIFY) return query.fail(RCODES.REFUSED, plugin, 'NOTIFY is not forwarded')
  if (query.qtype === TYPES.AXFR || query.qtype === TYPES.IXFR) {
    return query.fail(RCODES.REFUSED, plugin, 'zone transfers are not forwarded')
  }
  if (META_TYPES.has(query.qtype)) return query.fail(RCODES.FORMERR, plugin, `${query.type} is no data type`)
  return undefined
}

/** The outcome, or that the query was given up; a flight that no query waits for ends. */
function untilGivenUp(flight: Flight<Query, Outcome>, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const leave = () => {
      flight.leave()
      resolve(GIVEN_UP)
    }
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    flight.result.then((outcome) => {
      signal.removeEventListener('abort', leave)
      resolve(outcome)
    })
  })
}

/** Makes a Reply of the outcome. */
function toLanding(outcome: Outcome, plugin: string): Landing {
  if (!outcome.answer) return outcome
  const { answer, upstream } = outcome
  try {
    return { upstream, reply: Reply.fromWire(answer.wire, answer.scan, plugin, `answered by ${upstream.label}`) }
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
