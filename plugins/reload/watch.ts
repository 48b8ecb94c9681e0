import { createHash } from 'node:crypto'
import type { Counter, Family, Gauge, PluginContext, Timer } from 'corelet/plugin'
import { DirectoryWatch } from './directory-watch.ts'

/** How often to look, in milliseconds: every `interval`, give or take half of `jitter`. */
export interface Pace {
  interval: number
  jitter: number
}

/** Milliseconds without another event after which a change counts as complete. */
const SETTLED = 100
/** Milliseconds after the first event at which it is looked at even if more come. */
const PATIENCE = 1000

/**
 * Looks whether the configuration has changed, when the system tells of a change in its directories and in intervals besides, and has
 * it reloaded. A configuration that failed is tried again when it changes.
 */
export class ConfigWatch {
  pace: Pace = { interval: 0, jitter: 0 }
  readonly #context: Pick<PluginContext, 'log' | 'clock' | 'instance'>
  readonly #failures: Counter
  readonly #version: Family<Gauge>
  readonly #directories: DirectoryWatch
  /** The configuration that last failed: its hash, or what was wrong when it could not even be read. */
  #failed: string | undefined
  #poll: Timer | undefined
  #settling: Timer | undefined
  #firstEvent: number | undefined
  #checking = false
  #again = false
  #stopped = false

  constructor({ log, clock, instance, metrics }: PluginContext) {
    this.#context = { log, clock, instance }
    this.#failures = metrics
      .counter('coredns_reload_failed_total', 'Counter of the number of failed reload attempts.')
      .with()
    this.#version = metrics.gauge(
      'coredns_reload_version_info',
      'A metric with a constant 1 that says which configuration a reload was tried with last.',
      ['hash', 'value'],
      'max',
    )
    this.#directories = new DirectoryWatch(() => this.#changed())
  }

  /** Starts to watch; only the first call counts. */
  start(): void {
    if (this.#poll) return
    const { log, clock, instance } = this.#context
    log.info(`Running configuration SHA512 = ${instance.hash}`)
    const { interval, jitter } = this.pace
    this.#poll = clock.interval(interval + (Math.random() - 0.5) * jitter, () => void this.#check())
    this.#directories.follow(instance.files)
  }

  stop(): void {
    this.#stopped = true
    this.#poll?.cancel()
    this.#settling?.cancel()
    this.#directories.close()
  }

  #changed(): void {
    const { clock } = this.#context
    this.#settling?.cancel()
    this.#firstEvent ??= clock.monotonic()
    const wait = Math.min(SETTLED, this.#firstEvent + PATIENCE - clock.monotonic())
    this.#settling = clock.timeout(Math.max(0, wait), () => {
      this.#firstEvent = undefined
      void this.#check()
    })
  }

  async #check(): Promise<void> {
    this.#again = this.#checking
    if (this.#checking) return
    this.#checking = true
    do {
      this.#again = false
      await this.#compare()
    } while (this.#again && !this.#stopped)
    this.#checking = false
  }

  async #compare(): Promise<void> {
    const { log, instance } = this.#context
    const seen = await instance.examine()
    if (this.#stopped) return
    if ('error' in seen) {
      const content = createHash('sha512').update(seen.error).digest('hex')
      return this.#fail(content, () => log.warning(`Corefile parse failed: ${seen.error}`))
    }
    this.#directories.follow(seen.files)
    if (seen.hash === instance.hash) {
      this.#failed = undefined
      return
    }
    if (seen.hash === this.#failed) return
    const result = await instance.reload()
    this.#version.clear()
    this.#version.with('sha512', seen.hash).set(1)
    if (!result.ok) this.#fail(seen.hash, () => log.error(`Corefile changed but reload failed: ${result.error}`))
  }

  /** Counts and tells, once for each content. */
  #fail(content: string, tell: () => void): void {
    if (this.#failed === content) return
    this.#failed = content
    this.#failures.inc()
    tell()
  }
}
