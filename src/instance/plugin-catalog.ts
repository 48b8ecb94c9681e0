import { resolve } from 'node:path'
import type { Position } from '../corefile/model.ts'
import type { AnyPlugin } from '../plugin/index.ts'
import { describeError } from './describe-error.ts'
import type { ModuleLoader } from './module-loader.ts'
import type { PluginLine } from './plugin-list.ts'

/** A name in the order of the chain, and how to import what it stands for. */
export type BuiltIn = readonly [name: string, load: () => Promise<{ default: unknown }>]

/** Plugins that come with corelet, and names of CoreDNS's plugins that it doesn't have. */
export interface BuiltIns {
  order: readonly BuiltIn[]
  missing: readonly string[]
}

/** Why there is no plugin: a diagnostic, at the directive unless it has a position of its own. */
export interface Unavailable {
  code: string
  params: readonly string[]
  position?: Position
}

/** The plugins that a Corefile may use. */
export interface PluginCatalog {
  /** In the order of the chain. */
  readonly names: readonly string[]
  /** Directives that are known, whether or not there is a plugin for them. */
  readonly directives: readonly string[]
  /** Imports a plugin. */
  load(name: string): Promise<AnyPlugin | Unavailable>
  /** Files of the plugins loaded so far that are not part of corelet, with digests of their contents. */
  files(): ReadonlyMap<string, string>
}

/** The plugins of corelet, in its order. */
export function builtInCatalog({ order, missing }: BuiltIns): PluginCatalog {
  const names = order.map(([name]) => name)
  return {
    names,
    directives: [...names, ...missing],
    load: (name) => loadBuiltIn(order, name),
    files: () => new Map(),
  }
}

async function loadBuiltIn(order: readonly BuiltIn[], name: string): Promise<AnyPlugin | Unavailable> {
  const load = order.find(([each]) => each === name)?.[1]
  if (!load) return { code: 'no-action', params: [name, 'corelet does not have this plugin'] }
  return (await load()).default as AnyPlugin
}

/** Packages of CoreDNS's own list that are named otherwise than the plugin. */
const PACKAGES: Record<string, string> = { metrics: 'prometheus' }

/** The plugins of a plugin list, in its order. One loader serves all lists, so that modules that did not change are kept. */
export function listedCatalog(
  lines: readonly PluginLine[],
  { order, missing }: BuiltIns,
  loader: ModuleLoader,
): PluginCatalog {
  const names = lines.map(({ name }) => name)
  const files = new Map<string, string>()

  async function load(name: string): Promise<AnyPlugin | Unavailable> {
    const line = lines.find((each) => each.name === name)
    if (!line) return { code: 'no-action', params: [name, 'the plugin list does not name it'] }
    const { position } = line
    const builtIn = PACKAGES[line.package] ?? line.package
    if (order.some(([each]) => each === builtIn)) {
      return named(name, (await loadBuiltIn(order, builtIn)) as AnyPlugin, line)
    }
    if (missing.includes(builtIn)) return { code: 'no-action', params: [name, 'corelet does not have this plugin'] }
    if (/^[^/@]+\.[^/]+\//.test(line.package) && !line.package.startsWith('.')) {
      const hint = `${line.package} is a Go package; corelet takes npm packages and paths`
      return { code: 'no-action', params: [name, hint] }
    }
    const specifier = specifierOf(line)
    try {
      const exports = await loader.load(specifier, position.file)
      const problem = describeProblem(exports['default'])
      if (problem) return { code: 'not-a-plugin', params: [name, line.package, problem], position }
      return named(name, exports['default'] as AnyPlugin, line)
    } catch (error) {
      return { code: 'plugin-not-loaded', params: [name, line.package, firstLine(error)], position }
    } finally {
      for (const [path, digest] of loader.filesOf(specifier, position.file)) files.set(path, digest)
    }
  }

  return { names, directives: [...names, ...order.map(([name]) => name), ...missing], load, files: () => files }
}

/** What to import for a line: an absolute path, or the name of a package. */
export function specifierOf({ package: source, position }: PluginLine): string {
  return /^\.{0,2}\//.test(source) ? resolve(position.file, '..', source) : source
}

function named(name: string, plugin: AnyPlugin, line: PluginLine): AnyPlugin | Unavailable {
  if (plugin.name === name) return plugin
  return { code: 'plugin-misnamed', params: [name, line.package, plugin.name], position: line.position }
}

/** What keeps a value from being a plugin; undefined when nothing does. */
function describeProblem(value: unknown): string | undefined {
  if (value === undefined) return 'it has no default export'
  if (typeof value !== 'object' || value === null) return 'its default export is no object'
  const plugin = value as Record<string, unknown>
  for (const key of ['name', 'summary']) if (typeof plugin[key] !== 'string') return `it has no ${key}`
  const { directive, repeat } = plugin
  if (typeof directive !== 'object' || directive === null || !Array.isArray((directive as { args?: unknown }).args)) {
    return 'its directive has no args'
  }
  for (const key of ['parse', 'configure', 'start']) {
    if (!['undefined', 'function'].includes(typeof plugin[key])) return `its ${key} is no function`
  }
  if (repeat !== undefined && !['once', 'last', 'merge', 'each'].includes(String(repeat)))
    return 'its repeat is unknown'
  return undefined
}

function firstLine(error: unknown): string {
  return describeError(error).split('\n')[0]!
}
