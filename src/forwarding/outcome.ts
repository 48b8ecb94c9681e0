import { type ExchangeFailure, type FailureKind, TIMED_OUT } from '../upstream/failure.ts'
import type { Answer, Question } from '../upstream/question.ts'
import type { Job } from '../upstream/single-flight.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** What came of a query: an answer and who gave it, or why there is none. */
export type Outcome =
  | { answer: Answer; upstream: Upstream }
  | { answer?: undefined; upstream: Upstream | undefined; error: string; kind: FailureKind }

/** How upstreams are asked, until there is an outcome. */
export interface Strategy {
  /** @param done called before `begin` returns if the outcome is known at once; again with an answer that comes after there was none */
  begin(question: Question, proto: 'udp' | 'tcp', done: (outcome: Outcome) => void): Job
  /** What is under way ends now. */
  close(): void
}

/** What comes of a query that nobody waits for any more. */
export const GIVEN_UP: Outcome = { upstream: undefined, error: 'the query was given up', kind: 'timeout' }

/** What comes of a query that no upstream was asked. */
export const NONE_HEALTHY: Outcome = { upstream: undefined, error: 'no healthy proxies', kind: 'declined' }

/** What comes of a query that nobody answered in time. */
export function timedOut(milliseconds: number): Outcome {
  return { upstream: undefined, error: `no answer within ${milliseconds} ms: ${TIMED_OUT}`, kind: 'timeout' }
}

/** What comes of a query whose last exchange failed. */
export function failedAt(upstream: Upstream, { message, kind }: ExchangeFailure): Outcome {
  return { upstream, error: `${upstream.label}: ${message}`, kind }
}

/** Milliseconds until upstreams that failed twice are asked again, so that refusals that come at once are not asked for in a tight loop. */
export const PAUSE = 20
