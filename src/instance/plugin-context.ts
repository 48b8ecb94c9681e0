import type { GaugeHold } from '../observe/held-gauges.ts'
import type {
  BlockInfo,
  Carried,
  Handler,
  HttpServers,
  InstanceControl,
  PluginContext,
  Query,
  Reply,
  Running,
} from '../plugin/index.ts'
import { DnsListener } from '../server/listener.ts'
import type { Hold } from './carried.ts'
import type { ConfiguredBlock, ConfiguredPlugin } from './configure.ts'
import { describeError, describePlace } from './describe-error.ts'
import type { Services } from './services.ts'

/** What all plugins of a generation share. */
export interface GenerationState {
  shared: Map<string, unknown>
  carried: Hold
  gauges: GaugeHold
  /** In the chain's order. */
  started: { name: string; running: Running }[]
  /** False once the process was told to end. */
  running: boolean
}

/** All that a plugin gets from the outside. @param identity of its block, see {@link identify} */
export function createContext(
  plugin: string,
  block: BlockInfo,
  identity: string,
  state: GenerationState,
  { log, clock }: Services,
  http: HttpServers,
  instance: InstanceControl,
): PluginContext {
  return {
    plugin,
    block,
    log: log.for(plugin, block.settings.debug),
    metrics: state.gauges.metrics,
    clock,
    http,
    instance,
    ask,
    share<T>(key: string, create: () => T): T {
      if (!state.shared.has(key)) state.shared.set(key, create())
      return state.shared.get(key) as T
    },
    carry<State extends Carried>(fingerprint: string, make: () => State): State {
      return state.carried.take(JSON.stringify([plugin, identity, fingerprint]), make)
    },
    notReady() {
      const names = state.started.filter(({ running }) => !isReady(running)).map(({ name }) => name)
      return [...new Set(names)].sort()
    },
    get running() {
      return state.running
    },
  }
}

/** By what a block is known again in the next generation: its keys, the addresses it is bound to, its view. */
export function identify({ keys, settings }: ConfiguredBlock): string {
  return JSON.stringify([
    keys.map(({ transport, zones, port }) => [transport, zones, port]),
    settings.bind,
    settings.view,
  ])
}

/** A plugin that can't even say whether it is ready is not. */
function isReady(running: Running): boolean {
  try {
    return running.ready?.() !== false
  } catch {
    return false
  }
}

function ask(query: Query): Reply | Promise<Reply> {
  if (query.listener instanceof DnsListener) return query.listener.ask(query)
  throw new Error(`${query.listener.server} is no listener of this server`)
}

/** Starts a plugin. @throws (rejects) Error with `plugin/NAME: ` in front */
export async function startPlugin({ plugin, options }: ConfiguredPlugin, context: PluginContext): Promise<Running> {
  try {
    return toRunning(await plugin.start?.(options, context))
  } catch (error) {
    throw new Error(`plugin/${plugin.name}: ${describeError(error)}${describePlace(error)}`, { cause: error })
  }
}

/** @throws TypeError for what no plugin may give, which would leave it out of the chain without a word */
function toRunning(started: Handler | Running | undefined): Running {
  const running = typeof started === 'function' ? { handler: started } : (started ?? {})
  if (typeof running !== 'object') throw new TypeError('start returned neither a handler nor an object')
  for (const part of ['handler', 'metadata', 'passes', 'ready', 'listening', 'drain', 'stop'] as const) {
    if (!['function', 'undefined'].includes(typeof running[part])) throw new TypeError(`${part} is no function`)
  }
  return running
}
