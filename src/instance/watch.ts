/** Whether a generation does worse than the one before. */
import type { Clock, Timer } from '../plugin/index.ts'
import type { Tally } from '../server/serve.ts'

/** Milliseconds between two looks. */
const INTERVAL = 1000
/** Answers that a judgement needs. */
const ENOUGH = 50
/** SERVFAIL among all answers may grow by this share. */
const MORE_FAILURES = 0.2
/** The mean time of an answer may grow by this factor; below the floor, in milliseconds, no growth counts. */
const SLOWER = 10
const SLOWER_FLOOR = 100

/** Adds up what listeners have done. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  const sum = { answers: 0, failures: 0, waited: 0 }
  for (const { answers, failures, waited } of tallies) {
    sum.answers += answers
    sum.failures += failures
    sum.waited += waited
  }
  return sum
}

export function subtractTally(a: Tally, b: Tally): Tally {
  return { answers: a.answers - b.answers, failures: a.failures - b.failures, waited: a.waited - b.waited }
}

/** Says what got worse, in words for the log; undefined when it is as good as before, or too little was answered to say. */
export function judge(now: Tally, before: Tally): string | undefined {
  if (now.answers < ENOUGH) return undefined
  const [share, shareBefore] = [now, before].map(({ failures, answers }) => failures / Math.max(1, answers))
  if (share! >= shareBefore! + MORE_FAILURES) {
    return `${percent(share!)} of the answers are SERVFAIL, before ${percent(shareBefore!)}`
  }
  const [mean, meanBefore] = [now, before].map(({ waited, answers }) => waited / Math.max(1, answers))
  if (mean! >= SLOWER_FLOOR && mean! >= SLOWER * meanBefore!) {
    return `an answer takes ${Math.round(mean!)} ms, before ${Math.round(meanBefore!)} ms`
  }
  return undefined
}

export interface WatchOptions {
  clock: Clock
  /** Milliseconds that it lasts. */
  duration: number
  /** What the generation before has done. */
  before: Tally
  /** What was done since the start of the process. */
  read(): Tally
  /** The generation does worse; called once, and nothing after it. */
  failed(reason: string): void
  /** The time is over and all was well. */
  passed(): void
}

/** Looks every second how a generation does that has just taken over. */
export function startWatch({ clock, duration, before, read, failed, passed }: WatchOptions): Timer {
  const start = read()
  const end = clock.monotonic() + duration
  const timer = clock.interval(INTERVAL, () => {
    const reason = judge(subtractTally(read(), start), before)
    if (reason === undefined && clock.monotonic() < end) return
    timer.cancel()
    if (reason === undefined) passed()
    else failed(reason)
  })
  return timer
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
