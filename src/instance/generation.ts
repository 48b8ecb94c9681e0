import type { HttpGeneration } from '../observe/http.ts'
import { type Clock, composeChain, type InstanceControl, type Link, type Query, type Running } from '../plugin/index.ts'
import type { DnsListener } from '../server/listener.ts'
import type { ConfiguredBlock, ConfiguredPlugin } from './configure.ts'
import { describeError } from './describe-error.ts'
import { applyRoutes, planSites, type Service, type Sites } from './listen.ts'
import type { Configuration } from './load.ts'
import { createCollector } from './metadata.ts'
import { createContext, type GenerationState, startPlugin } from './plugin-context.ts'
import type { Services } from './services.ts'

/** Milliseconds for queries in work to be answered before their listener closes or their plugins stop. */
export const DRAIN = 5000

/** One configuration at work: its plugins run, its listeners are open. */
export class Generation {
  readonly configuration: Configuration
  readonly sites: Sites
  readonly #services: Services
  readonly #http: HttpGeneration
  readonly #state: GenerationState = { shared: new Map(), started: [], running: true }
  readonly #blocks = new Map<ConfiguredBlock, Service>()

  private constructor(configuration: Configuration, sites: Sites, services: Services) {
    this.configuration = configuration
    this.sites = sites
    this.#services = services
    this.#http = services.http.generation()
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

  /** All listeners serve this generation from the next query on. */
  takeOver(): void {
    for (const site of this.sites.values()) applyRoutes(site, this.#blocks)
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
      listeners.map((listener) => (kept.has(listener) ? settled(listener, clock) : listener.close({ drain: DRAIN }))),
    )
    return this.release()
  }

  /** Stops the plugins without waiting for queries. @returns false when one failed to */
  async release(): Promise<boolean> {
    const stopped = await this.#tell('stop')
    await this.#http.release()
    return stopped
  }

  /** Undoes a build: nothing of it has served a query but its own new listeners. */
  async abandon(): Promise<void> {
    for (const { listener, isNew } of this.sites.values()) if (isNew) await listener.close({ drain: 0 })
    await this.release()
  }

  async #startPlugins(control: InstanceControl): Promise<void> {
    const { blocks } = this.configuration
    const links = new Map<ConfiguredBlock, Link[]>(blocks.map((block) => [block, []]))
    const handlers = new Map<ConfiguredBlock, string[]>(blocks.map((block) => [block, []]))
    const runnings = new Map<ConfiguredBlock, Running[]>(blocks.map((block) => [block, []]))
    for (const [block, configured] of inChainOrder(blocks)) {
      const { plugin } = configured
      const listeners = [...this.sites.values()]
        .filter((site) => site.blocks.some((each) => each.block === block))
        .map(({ listener }) => listener)
      const info = {
        zones: block.zones,
        listeners,
        handlers: handlers.get(block)!,
        view: block.settings.view,
        settings: block.settings,
      }
      const context = createContext(plugin.name, info, this.#state, this.#services, this.#http, control)
      const running = await startPlugin(configured, context)
      this.#state.started.push({ name: plugin.name, running })
      runnings.get(block)!.push(running)
      if (!running.handler) continue
      links.get(block)!.push({ plugin: plugin.name, handler: running.handler })
      if (!info.handlers.includes(plugin.name)) info.handlers.push(plugin.name)
    }
    for (const [block, list] of links) {
      const collect = createCollector(block.settings.metadata, runnings.get(block)!)
      const chain = list.length > 0 ? composeChain(list) : undefined
      const passes = createViewTest(runnings.get(block)!)
      const { view } = block.settings
      this.#blocks.set(block, { view, chain, ...(collect && { collect }), ...(passes && { passes }) })
    }
  }

  async #openListeners(): Promise<void> {
    for (const site of this.sites.values()) {
      if (!site.isNew) continue
      applyRoutes(site, this.#blocks)
      await site.listener.open()
    }
  }

  async #tell(what: 'drain' | 'stop'): Promise<boolean> {
    let good = true
    for (const { name, running } of this.#state.started) {
      try {
        await running[what]?.()
      } catch (error) {
        good = false
        this.#services.log.for(name).error(describeError(error))
      }
    }
    return good
  }
}

/** Whether a block serves a query: all its plugins that look at that must let it in. @returns undefined when there is none */
function createViewTest(plugins: readonly Running[]): ((query: Query) => boolean) | undefined {
  const tests = plugins.filter(({ passes }) => passes)
  return tests.length > 0 ? (query) => tests.every((plugin) => plugin.passes!(query)) : undefined
}

/** The plugins of all blocks: each plugin in all blocks before the next one, as CoreDNS sets them up. */
function inChainOrder(blocks: readonly ConfiguredBlock[]): [ConfiguredBlock, ConfiguredPlugin][] {
  const pairs = blocks.flatMap((block) =>
    block.plugins.map((plugin) => [block, plugin] as [ConfiguredBlock, ConfiguredPlugin]),
  )
  return pairs.sort(([, a], [, b]) => a.rank - b.rank)
}

/** Settles when no query is in work at a listener that goes on, or after {@link DRAIN}: no query is in work for longer. */
async function settled(listener: DnsListener, clock: Clock): Promise<void> {
  await Promise.race([listener.idle(), new Promise<void>((resolve) => void clock.timeout(DRAIN, resolve))])
}
