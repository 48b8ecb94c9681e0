/** What keeps the mistakes of a plugin from outside to the query that it makes them with. Built-in plugins run without. */
import {
  type Clock,
  type Counter,
  encodeOption,
  type Family,
  formatDuration,
  type Handler,
  isPending,
  type Logger,
  type Metrics,
  type Next,
  type Query,
  RCODES,
  Reply,
  type Timer,
} from '../plugin/index.ts'

export interface PluginLimits {
  /** Milliseconds that it may take for a query, without those in which it waits for `next`; 0 is without limit. */
  timeout: number
  /** After so many failures in a row, queries pass it by for `pause` milliseconds. */
  breaker?: { failures: number; pause: number }
}

export const DEFAULT_LIMITS: PluginLimits = { timeout: 5000 }

/** A query that is in the plugin's hands. */
interface Turn {
  /** Milliseconds of its budget that were left at `since`. */
  left: number
  /** When it was last in the plugin's hands alone. */
  since: number
  /** How often it waits for `next`. */
  below: number
  /** What the rest of the chain threw. */
  fromBelow: unknown
  expire(): void
}

/** How often queries that wait are looked at within their budget, and the shortest pause between two looks in milliseconds. */
const LOOKS = 8
const SHORTEST_LOOK = 10

/** Stands for no error: no plugin can throw it. */
const NOTHING = Symbol('nothing')

/** A handler that is given up when it takes too long for a query, and passed by when it fails too often. */
export function guardHandler(
  plugin: string,
  handler: Handler,
  limits: PluginLimits,
  services: { clock: Clock; metrics: Metrics; log: Logger },
): Handler {
  const guard = new Guard(plugin, limits, services)
  return (query, next) => guard.ask(handler, query, next)
}

class Guard {
  readonly #plugin: string
  readonly #limits: PluginLimits
  readonly #clock: Clock
  readonly #log: Logger
  readonly #failures: Family<Counter>
  readonly #passedBy: Counter
  readonly #waiting = new Set<Turn>()
  #sweep: Timer | undefined
  #inRow = 0
  #openUntil = -Infinity

  constructor(
    plugin: string,
    limits: PluginLimits,
    { clock, metrics, log }: { clock: Clock; metrics: Metrics; log: Logger },
  ) {
    this.#plugin = plugin
    this.#limits = limits
    this.#clock = clock
    this.#log = log
    this.#failures = metrics.counter(
      'corelet_plugin_failures_total',
      'Queries that a plugin from outside failed: it threw, gave no reply, or took too long.',
      ['plugin', 'reason'],
    )
    this.#passedBy = metrics
      .counter(
        'corelet_plugin_passed_by_total',
        'Queries that passed a plugin by while its circuit breaker was open.',
        ['plugin'],
      )
      .with(plugin)
  }

  ask(handler: Handler, query: Query, next: Next): Reply | Promise<Reply> {
    if (this.#openUntil > -Infinity && this.#clock.monotonic() < this.#openUntil) {
      this.#passedBy.inc()
      return next(query)
    }
    const now = this.#clock.monotonic()
    const turn: Turn = { left: this.#limits.timeout, since: now, below: 0, fromBelow: NOTHING, expire: () => {} }
    let result: Reply | Promise<Reply>
    try {
      result = handler(query, this.#passOn(turn, next))
    } catch (error) {
      throw this.#blame(turn, error)
    }
    return isPending(result) ? this.#wait(query, turn, result) : this.#accept(result)
  }

  #wait(query: Query, turn: Turn, result: Promise<Reply>): Promise<Reply> {
    query.keep()
    return new Promise((resolve, reject) => {
      turn.expire = () => {
        this.#waiting.delete(turn)
        this.#fail('timeout')
        resolve(this.#giveUp(query))
      }
      this.#watch(turn)
      result.then(
        (reply) => {
          if (!this.#settle(turn)) return
          try {
            resolve(this.#accept(reply))
          } catch (error) {
            reject(error)
          }
        },
        (error) => {
          if (this.#settle(turn)) reject(this.#blame(turn, error))
        },
      )
    })
  }

  /** The rest of the chain; while it is waited for, the plugin's time stands still. */
  #passOn(turn: Turn, next: Next): Next {
    const resume = () => {
      if (--turn.below === 0) turn.since = this.#clock.monotonic()
    }
    const call = (query: Query): Reply | Promise<Reply> => {
      let result: Reply | Promise<Reply>
      try {
        result = next(query)
      } catch (error) {
        turn.fromBelow = error
        throw error
      }
      if (!isPending(result)) return result
      if (turn.below++ === 0) turn.left -= this.#clock.monotonic() - turn.since
      return result.then(
        (reply) => {
          resume()
          return reply
        },
        (error) => {
          resume()
          turn.fromBelow = error
          throw error
        },
      )
    }
    return Object.assign(call, { plugin: next.plugin })
  }

  /** @throws TypeError for what is no reply */
  #accept(reply: Reply): Reply {
    if (!(reply instanceof Reply)) {
      this.#fail('no-reply')
      throw new TypeError(`plugin/${this.#plugin}: the handler returned no Reply`)
    }
    this.#inRow = 0
    return reply
  }

  /** Counts an error that is the plugin's own. */
  #blame(turn: Turn, error: unknown): unknown {
    if (error !== turn.fromBelow) this.#fail('throw')
    return error
  }

  #fail(reason: 'throw' | 'no-reply' | 'timeout'): void {
    this.#failures.with(this.#plugin, reason).inc()
    const { breaker } = this.#limits
    if (!breaker || ++this.#inRow < breaker.failures) return
    this.#openUntil = this.#clock.monotonic() + breaker.pause
    this.#log.warning(`passed by for ${formatDuration(breaker.pause)}: ${this.#inRow} failures in a row`)
  }

  /** SERVFAIL with EDE 0, Other Error (RFC 8914 §4.1). */
  #giveUp(query: Query): Reply {
    const extraText = `plugin/${this.#plugin}: no answer within ${formatDuration(this.#limits.timeout)}`
    const options = [encodeOption({ type: 'EDE', data: { infoCode: 0, extraText } })]
    return query.fail(RCODES.SERVFAIL, this.#plugin, extraText).copy({ options })
  }

  #watch(turn: Turn): void {
    const { timeout } = this.#limits
    this.#waiting.add(turn)
    if (timeout > 0) this.#sweep ??= this.#clock.interval(Math.max(SHORTEST_LOOK, timeout / LOOKS), () => this.#look())
  }

  #look(): void {
    const now = this.#clock.monotonic()
    for (const turn of this.#waiting) if (turn.below === 0 && now - turn.since >= turn.left) turn.expire()
    this.#rest()
  }

  /** @returns false when it was given up before */
  #settle(turn: Turn): boolean {
    const waited = this.#waiting.delete(turn)
    this.#rest()
    return waited
  }

  #rest(): void {
    if (this.#waiting.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }
}
