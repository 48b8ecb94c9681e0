import { hashDirectives } from '../corefile/hash.ts'
import type { HttpGeneration } from '../observe/http.ts'
import {
  composeChain,
  formatDuration,
  type InstanceControl,
  type Link,
  type Listener,
  type Next,
  type Query,
  type Running,
} from '../plugin/index.ts'
import { probeChain } from '../server/probe.ts'
import type { Tally } from '../server/serve.ts'
import type { ConfiguredBlock, ConfiguredPlugin } from './configure.ts'
import { describeError } from './describe-error.ts'
import { guardHandler } from './guard.ts'
import { applyRoutes, planSites, type Service, type Sites } from './listen.ts'
import type { Configuration } from './load.ts'
import { createCollector } from './metadata.ts'
import { connectionsFor } from './open-files.ts'
import { createContext, type GenerationState, identify, startPlugin } from './plugin-context.ts'
import type { Services } from './services.ts'
import { sumTallies } from './watch.ts'
import { within } from './within.ts'

/** Milliseconds for queries in work to be answered before their listener closes or their plugins stop, and for a plugin to stop. */
export const DRAIN = 5000

/** One configuration at work: its plugins run, its listeners are open. */
export class Generation {
  readonly configuration: Configuration
  readonly sites: Sites
  readonly #services: Services
  readonly #http: HttpGeneration
  readonly #state: GenerationState
  readonly #blocks = new Map<ConfiguredBlock, Service>()
  /** Connections that each listener may have. */
  readonly #connections: number
  /** The chains without the plugins that only observe. */
  readonly #probes = new Map<ConfiguredBlock, Next>()

  private constructor(configuration: Configuration, sites: Sites, services: Services) {
    this.configuration = configuration
    this.sites = sites
    this.#services = services
    this.#http = services.http.generation()
    this.#state = {
      shared: new Map(),
      carried: services.carried.hold(),
      gauges: services.gauges.hold(services.metrics),
      started: [],
      running: true,
    }
    this.#connections = connectionsFor(sites.size)
  }

  /**
   * Starts all plugins and opens the listeners that are not open yet. Queries of listeners taken over from `before` still go to the
   * generation that has them, until {@link Generation.takeOver}.
   * @throws (rejects) Error with the text to show; nothing of the new generation is left then
   */
  static async build(
    configuration: Configuration,
    before: Sites,
    services: Services,
    control: Omit<InstanceControl, 'hash' | 'files'>,
  ): Promise<Generation> {
    const generation = new Generation(configuration, planSites(configuration.blocks, before, services), services)
    try {
      await generation.#startPlugins({ ...control, hash: configuration.hash, files: configuration.files })
      await generation.#openListeners()
    } catch (error) {
      await generation.abandon()
      throw error
    }
    return generation
  }

  /**
   * Has each chain answer a question of the server's own, at each listener it serves.
   * @throws (rejects) Error when a plugin throws
   */
  async probe(): Promise<void> {
    for (const { listener, blocks } of this.sites.values()) {
      for (const { block, key } of blocks) {
        const chain = this.#probes.get(block)
        if (!chain) continue
        const [zone = '.'] = key.zones
        const error = await probeChain(chain, zone, listener, this.#services.clock)
        if (error) throw new Error(`a test query for ${zone} at ${listener.server} failed: ${describeError(error)}`)
      }
    }
  }

  /** What its listeners have done, also for generations before it. */
  get tally(): Tally {
    return sumTallies([...this.sites.values()].map(({ listener }) => listener.tally))
  }

  /** All listeners serve this generation from the next query on. */
  takeOver(): void {
    for (const site of this.sites.values()) applyRoutes(site, this.#blocks, this.#connections)
    this.#http.activate()
  }

  /** Tells the plugins that queries come in. */
  announce(): void {
    for (const { name, running } of this.#state.started) {
      try {
        running.listening?.()
      } catch (error) {
        this.#services.log.for(name).error(describeError(error))
      }
    }
  }

  /** Tells the plugins that the process will end, one after the other in the chain's order, while queries still come in. */
  async drain(): Promise<boolean> {
    this.#state.running = false
    return this.#tell('drain')
  }

  /**
   * Ends the generation: closes the listeners that `keep` doesn't hold, lets what is in work be answered, stops the plugins.
   * @returns false when a plugin failed to stop
   */
  async end(keep: Sites): Promise<boolean> {
    const kept = new Set([...keep.values()].map(({ listener }) => listener))
    const listeners = [...this.sites.values()].map(({ listener }) => listener)
    const { clock } = this.#services
    await Promise.all(
      listeners.map((listener) =>
        kept.has(listener) ? within(clock, DRAIN, listener.idle()) : listener.close({ drain: DRAIN }),
      ),
    )
    const released = await this.release()
    for (const listener of listeners) if (!kept.has(listener)) this.#forget(listener)
    return released
  }

  /** A listener that is gone leaves no metrics: every change of the Corefile would add to them. */
  #forget({ server }: Listener): void {
    this.#services.metrics.forget('server', server)
    this.#services.dnsMetrics.forget(server)
  }

  /** Stops the plugins without waiting for queries. @returns false when one failed to */
  async release(): Promise<boolean> {
    const stopped = await this.#tell('stop')
    const released = await this.#releaseState()
    this.#state.gauges.release()
    await this.#http.release()
    return stopped && released
  }

  /** Undoes a build: nothing of it has served a query but its own new listeners. */
  async abandon(): Promise<void> {
    for (const { listener, isNew } of this.sites.values()) if (isNew) await listener.close({ drain: 0 })
    await this.release()
  }

  async #startPlugins(control: InstanceControl): Promise<void> {
    const { blocks } = this.configuration
    const sites = [...this.sites.values()]
    const links = new Map<ConfiguredBlock, Link[]>(blocks.map((block) => [block, []]))
    const probed = new Map<ConfiguredBlock, Link[]>(blocks.map((block) => [block, []]))
    const handlers = new Map<ConfiguredBlock, string[]>(blocks.map((block) => [block, []]))
    const runnings = new Map<ConfiguredBlock, Running[]>(blocks.map((block) => [block, []]))
    for (const [block, configured] of inChainOrder(blocks)) {
      const { plugin } = configured
      const listeners = sites
        .filter((site) => site.blocks.some((each) => each.block === block))
        .map(({ listener }) => listener)
      const info = {
        zones: block.zones,
        listeners,
        zoneAt: (listener: Listener) => {
          const site = sites.find((each) => each.listener === listener)
          return site?.blocks.find((each) => each.block === block)?.key.zones[0] ?? '.'
        },
        handlers: handlers.get(block)!,
        hashBehind: () => hashBehind(block, configured),
        view: block.settings.view,
        settings: block.settings,
      }
      const context = createContext(
        plugin.name,
        info,
        identify(block),
        this.#state,
        this.#services,
        this.#http,
        control,
      )
      const running = await startPlugin(configured, context)
      this.#state.started.push({ name: plugin.name, running })
      runnings.get(block)!.push(running)
      if (!running.handler) continue
      const { name } = plugin
      const handler = configured.limits
        ? guardHandler(name, running.handler, configured.limits, context)
        : running.handler
      links.get(block)!.push({ plugin: name, handler })
      if (!plugin.observes) probed.get(block)!.push({ plugin: name, handler })
      if (!info.handlers.includes(plugin.name)) info.handlers.push(plugin.name)
    }
    for (const [block, list] of links) {
      const collect = createCollector(block.settings.metadata, runnings.get(block)!)
      const chain = list.length > 0 ? composeChain(list) : undefined
      const passes = createViewTest(runnings.get(block)!)
      const { view } = block.settings
      if (chain) this.#probes.set(block, composeChain(probed.get(block)!))
      this.#blocks.set(block, { view, chain, ...(collect && { collect }), ...(passes && { passes }) })
    }
  }

  async #openListeners(): Promise<void> {
    for (const site of this.sites.values()) {
      if (!site.isNew) continue
      applyRoutes(site, this.#blocks, this.#connections)
      await site.listener.open()
    }
  }

  async #releaseState(): Promise<boolean> {
    try {
      await this.#state.carried.release()
      return true
    } catch (error) {
      this.#services.log.line('error', describeError(error))
      return false
    }
  }

  async #tell(what: 'drain' | 'stop'): Promise<boolean> {
    let good = true
    for (const { name, running } of this.#state.started) {
      const { log, clock } = this.#services
      const time = what === 'drain' ? (running.drainTime ?? DRAIN) : DRAIN
      try {
        const work = running[what]?.()
        if (!work || (await within(clock, time, work))) continue
        log.for(name).error(`${what} has not ended within ${formatDuration(time)}: going on without it`)
      } catch (error) {
        log.for(name).error(describeError(error))
      }
      good = false
    }
    return good
  }
}

/** Whether a block serves a query: all its plugins that look at that must let it in. @returns undefined when there is none */
function createViewTest(plugins: readonly Running[]): ((query: Query) => boolean) | undefined {
  const tests = plugins.filter(({ passes }) => passes)
  return tests.length > 0 ? (query) => tests.every((plugin) => plugin.passes!(query)) : undefined
}

/** What a block says to the plugins that stand behind one of them. */
function hashBehind({ plugins }: ConfiguredBlock, { rank }: ConfiguredPlugin): string {
  const behind = plugins.filter((each) => each.rank > rank)
  return hashDirectives([...new Set(behind.flatMap(({ directives }) => directives))])
}

/** The plugins of all blocks: each plugin in all blocks before the next one, as CoreDNS sets them up. */
function inChainOrder(blocks: readonly ConfiguredBlock[]): [ConfiguredBlock, ConfiguredPlugin][] {
  const pairs = blocks.flatMap((block) =>
    block.plugins.map((plugin) => [block, plugin] as [ConfiguredBlock, ConfiguredPlugin]),
  )
  return pairs.sort(([, a], [, b]) => a.rank - b.rank)
}
