import type { Diagnostic } from '../corefile/model.ts'
import { renderHeadline } from '../corefile/render.ts'
import { heedsLeaving } from '../net/heeds-leaving.ts'
import type { SharedSockets } from '../net/shared-sockets.ts'
import { udpBackend } from '../net/udp.ts'
import {
  DnsMetrics,
  panicsCounter,
  refusedConnectionsCounter,
  rollbacksCounter,
  udpBackendGauge,
} from '../observe/dns-metrics.ts'
import { HeldGauges } from '../observe/held-gauges.ts'
import { HttpEndpoints } from '../observe/http.ts'
import type { Log } from '../observe/log.ts'
import type { ProcessMetrics } from '../observe/metrics.ts'
import { type Clock, systemClock, type Timer } from '../plugin/index.ts'
import type { Tally } from '../server/serve.ts'
import { CarriedStates } from './carried.ts'
import { describeError, describeStack } from './describe-error.ts'
import { Generation } from './generation.ts'
import type { Site } from './listen.ts'
import {
  type Configuration,
  type CorefileText,
  examineConfiguration,
  type LoadOptions,
  loadConfiguration,
} from './load.ts'
import type { Services } from './services.ts'
import { startWatch, subtractTally, sumTallies } from './watch.ts'

export interface InstanceOptions extends LoadOptions {
  /** Reads the Corefile, at the start and again for each reload. @throws Error with the text to show */
  readCorefile(): CorefileText
  log: Log
  metrics: ProcessMetrics
  clock?: Clock
  /** Keeps the listening sockets. */
  shared?: SharedSockets | undefined
  /** See {@link Services.probe}. */
  probe?: string | undefined
  /** Whether the kernel lets UDP sockets leave a port that others share; it is tried when left out. */
  heedsLeaving?: () => Promise<boolean>
  /** Called when the listeners are open, before the plugins hear of it. */
  onOpen?(instance: Instance): void
  /** Called before anything of the first configuration is started. */
  onLoad?(configuration: Configuration): Promise<void>
  /** Called whenever a configuration has begun to serve. */
  onTakeOver?(instance: Instance): void
  /** Ends the process with status 1. */
  exit(): void
}

/** A Corefile with mistakes. The message has a line for each. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
  readonly diagnostics: readonly Diagnostic[]
  /** Texts of the files, to show lines of them. */
  readonly sources: ReadonlyMap<string, string>

  constructor({ diagnostics, sources = new Map() }: Findings) {
    super(errorsOf(diagnostics).map(renderHeadline).join('\n'))
    this.diagnostics = diagnostics
    this.sources = sources
  }
}

type Findings = Pick<Configuration, 'diagnostics'> & Partial<Pick<Configuration, 'sources'>>

const NOT_HEEDED =
  'This kernel goes on to give queries to UDP sockets that leave their port (Linux does so before 5.4): a rolling update may lose some'

type ReloadResult = { ok: true } | { ok: false; error: string }

/** The server in this process: one generation of configuration serves, others come and go. */
export class Instance {
  readonly #options: InstanceOptions
  readonly #services: Services
  #generation: Generation | undefined
  /** Generations that still have queries in work. */
  readonly #leaving = new Set<Promise<boolean>>()
  /** The generation before while it may come back. */
  #previous: { generation: Generation; watch: Timer } | undefined
  /** What the listeners had done when the generation took over. */
  #tally: Tally = sumTallies([])
  /** Why the last reload did not take, and of a configuration that was taken back its hash. */
  #problem: { text: string; hash?: string } | undefined
  #leavingHeeded: Promise<boolean> | undefined
  #reloading: Promise<unknown> = Promise.resolve()
  #ending: Promise<boolean> | undefined

  private constructor(options: InstanceOptions) {
    const { log, metrics, clock = systemClock, exit, shared, probe } = options
    const refused = refusedConnectionsCounter(metrics)
    udpBackendGauge(metrics).with(udpBackend()).set(1)
    this.#options = options
    this.#services = {
      log,
      metrics,
      gauges: new HeldGauges(),
      clock,
      exit,
      dnsMetrics: new DnsMetrics(metrics),
      shared,
      probe,
      heedsLeaving: () => this.#heedsLeaving(),
      panics: panicsCounter(metrics),
      rollbacks: rollbacksCounter(metrics),
      http: new HttpEndpoints(shared, () => refused.inc()),
      carried: new CarriedStates(),
    }
  }

  /** Tries it once, and tells when updates may lose queries. */
  #heedsLeaving(): Promise<boolean> {
    this.#leavingHeeded ??= (this.#options.heedsLeaving ?? heedsLeaving)().then((heeds) => {
      if (!heeds) this.#services.log.line('warning', NOT_HEEDED)
      return heeds
    })
    return this.#leavingHeeded
  }

  /** Starts a server. @throws (rejects) ConfigurationError, or Error with the text to show; nothing is left running then */
  static async start(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options)
    const configuration = await instance.#load()
    await options.onLoad?.(configuration)
    const generation = await instance.#build(configuration)
    generation.takeOver()
    instance.#generation = generation
    options.onTakeOver?.(instance)
    options.onOpen?.(instance)
    generation.announce()
    if (sharesPorts(configuration)) void instance.#heedsLeaving()
    return instance
  }

  /** The listeners with what they serve, in the Corefile's order. */
  get sites(): readonly Site[] {
    return [...(this.#generation?.sites.values() ?? [])]
  }

  get configuration(): Configuration {
    return this.#generation!.configuration
  }

  /**
   * Reads the configuration again, builds a new generation and lets it take over; unchanged listeners stay open. When that fails the old
   * one goes on. One reload at a time; a further one waits.
   */
  reload(): Promise<ReloadResult> {
    return this.#queueReload(true)
  }

  /** @param again whether a configuration that was taken back is tried once more */
  #queueReload(again: boolean): Promise<ReloadResult> {
    const result = this.#reloading.then(() => this.#reload(again))
    this.#reloading = result
    return result
  }

  async #reload(again: boolean): Promise<ReloadResult> {
    const { log } = this.#services
    if (this.#ending) return { ok: false, error: 'the server is shutting down' }
    log.line('info', 'Reloading')
    try {
      const old = this.#generation!
      const configuration = await this.#load()
      if (!again && this.#problem?.hash === configuration.hash) throw new Error(this.#problem.text)
      const generation = await this.#build(configuration)
      await generation.probe().catch(async (error) => {
        await generation.abandon()
        throw error
      })
      if (this.#ending) {
        await generation.abandon()
        return { ok: false, error: 'the server is shutting down' }
      }
      this.#letGo()
      generation.takeOver()
      this.#generation = generation
      this.#options.onTakeOver?.(this)
      this.#problem = undefined
      this.#succeed(old, generation)
      generation.announce()
      log.line('info', 'Reloading complete')
      return { ok: true }
    } catch (error) {
      const text = oneLine(error)
      if (text !== this.#problem?.text) this.#problem = { text }
      log.line('error', `Restart failed: ${text}`)
      return { ok: false, error: text }
    }
  }

  /** Says what is wrong with a Corefile that is not the server's, or not yet. */
  async check(corefile: CorefileText): Promise<readonly Diagnostic[]> {
    return (await loadConfiguration(corefile, this.#options)).diagnostics
  }

  /** Reads the configuration without using it. */
  async examine(): Promise<{ hash: string; files: readonly string[] } | { error: string }> {
    try {
      const found = await examineConfiguration(this.#options.readCorefile(), this.#options)
      return errorsOf(found.diagnostics).length > 0 ? { error: oneLine(new ConfigurationError(found)) } : found
    } catch (error) {
      return { error: oneLine(error) }
    }
  }

  /**
   * Counts and logs an error that nobody caught and that belongs to no query.
   * @returns false when a block has `debug`, which leaves errors uncaught
   */
  recover(error: unknown): boolean {
    if (this.#generation?.configuration.blocks.some(({ settings }) => settings.debug)) return false
    const { log, panics } = this.#services
    panics.inc()
    log.line('error', `Recovered from panic outside of queries: ${describeError(error)}${describeStack(error)}`)
    return true
  }

  /**
   * Ends the server: the plugins hear of it while queries still come in; then, with `drain`, the listeners close once all queries in work
   * are answered. Further calls wait for the first.
   * @returns false when a plugin failed to stop
   */
  shutdown({ drain }: { drain: boolean }): Promise<boolean> {
    this.#ending ??= this.#shutdown(drain)
    return this.#ending
  }

  async #shutdown(drain: boolean): Promise<boolean> {
    const generation = this.#generation!
    this.#letGo()
    const drained = await generation.drain()
    const stopped = drain ? await generation.end(new Map()) : await generation.release()
    if (drain) await Promise.all(this.#leaving)
    return drained && stopped
  }

  /** Ends the generation before, or keeps it as long as the new one is watched. */
  #succeed(old: Generation, generation: Generation): void {
    const duration = Math.max(0, ...generation.configuration.blocks.map(({ settings }) => settings.watch))
    const before = subtractTally(old.tally, this.#tally)
    const read = () => generation.tally
    this.#tally = read()
    if (duration === 0) {
      this.#retire(old, generation)
      return
    }
    const watch = startWatch({
      clock: this.#services.clock,
      duration,
      before,
      read,
      failed: (reason) => this.#takeBack(reason),
      passed: () => this.#letGo(),
    })
    this.#previous = { generation: old, watch }
  }

  /** The generation before comes back. */
  #takeBack(reason: string): void {
    if (!this.#previous || this.#ending) return
    const bad = this.#generation!
    const { generation } = this.#previous
    this.#previous = undefined
    const { log, rollbacks } = this.#services
    const text = `the configuration ${bad.configuration.hash.slice(0, 12)} was taken back: ${reason}`
    this.#problem = { text, hash: bad.configuration.hash }
    rollbacks.inc()
    log.line('error', `Going on with the configuration before: ${text}`)
    generation.takeOver()
    this.#generation = generation
    this.#options.onTakeOver?.(this)
    this.#tally = generation.tally
    this.#retire(bad, generation)
  }

  /** The generation before is needed no more. */
  #letGo(): void {
    if (!this.#previous) return
    this.#previous.watch.cancel()
    this.#retire(this.#previous.generation, this.#generation!)
    this.#previous = undefined
  }

  /** Lets a generation finish what it has in work, and ends it. */
  #retire(old: Generation, successor: Generation): void {
    const leaving = old.end(successor.sites)
    this.#leaving.add(leaving)
    void leaving.finally(() => this.#leaving.delete(leaving))
  }

  async #load(): Promise<Configuration> {
    const configuration = await loadConfiguration(this.#options.readCorefile(), this.#options)
    if (errorsOf(configuration.diagnostics).length > 0) throw new ConfigurationError(configuration)
    for (const { message, file, line, severity } of configuration.diagnostics) {
      if (severity === 'warning') this.#services.log.line('warning', `${message} (${file}:${line})`)
    }
    return configuration
  }

  #build(configuration: Configuration): Promise<Generation> {
    const { log, exit } = this.#services
    // a generation that is kept must not find that the configuration has changed
    const isCurrent = () => this.#generation?.configuration === configuration
    return Generation.build(configuration, this.#generation?.sites ?? new Map(), this.#services, {
      examine: async () => (isCurrent() ? await this.examine() : configuration),
      reload: () => this.#queueReload(false),
      problem: () => this.#problem?.text,
      fatal: (message) => {
        log.line('fatal', message)
        exit()
      },
    })
  }
}

/** Whether other processes may have the UDP ports, too. */
function sharesPorts({ blocks }: Configuration): boolean {
  return blocks.some(({ keys }) => keys.some(({ transport, port }) => transport === 'dns' && port !== 0))
}

function errorsOf(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.filter(({ severity }) => severity === 'error')
}

/** What went wrong, on one line. */
function oneLine(error: unknown): string {
  if (error instanceof ConfigurationError) {
    const [first, ...more] = errorsOf(error.diagnostics)
    return renderHeadline(first!) + (more.length > 0 ? ` (and ${more.length} more)` : '')
  }
  return describeError(error)
}
