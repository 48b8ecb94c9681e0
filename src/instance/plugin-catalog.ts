import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import manifest from 'corelet/package.json' with { type: 'json' }
import type { Finding } from '../corefile/diagnostics.ts'
import type { Position } from '../corefile/model.ts'
import { nearest } from '../corefile/nearest.ts'
import type { AnyPlugin } from '../plugin/index.ts'
import { describeError, describePlace } from './describe-error.ts'
import type { PluginLimits } from './guard.ts'
import type { ModuleLoader } from './module-loader.ts'
import type { PluginLine } from './plugin-list.ts'
import { isInRange } from './version-range.ts'

/** A name in the order of the chain, and how to import what it stands for. */
export type BuiltIn = readonly [name: string, load: () => Promise<{ default: unknown }>]

/** Plugins that come with corelet, and names of CoreDNS's plugins that it doesn't have. */
export interface BuiltIns {
  order: readonly BuiltIn[]
  missing: readonly string[]
  /** Plugins from outside are forbidden. */
  only?: boolean
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
  /** What guards against a plugin from outside; undefined for a built-in one. */
  limitsOf(name: string): PluginLimits | undefined
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
    limitsOf: () => undefined,
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
export function listedCatalog(lines: readonly PluginLine[], builtIns: BuiltIns, loader: ModuleLoader): PluginCatalog {
  const { order, missing } = builtIns
  const names = lines.map(({ name }) => name)
  const files = new Map<string, string>()

  async function load(name: string): Promise<AnyPlugin | Unavailable> {
    const line = lines.find((each) => each.name === name)
    if (!line) return { code: 'no-action', params: [name, 'the plugin list does not name it'] }
    const builtIn = toBuiltIn(line, builtIns)
    if (builtIn !== undefined) return named(name, (await loadBuiltIn(order, builtIn)) as AnyPlugin, line)
    if (missing.includes(packageOf(line))) {
      return { code: 'no-action', params: [name, 'corelet does not have this plugin'] }
    }
    if (/^[^/@]+\.[^/]+\//.test(line.package) && !line.package.startsWith('.')) {
      const hint = `${line.package} is a Go package; corelet takes npm packages and paths`
      return { code: 'no-action', params: [name, hint] }
    }
    const { position } = line
    if (builtIns.only) return { code: 'plugin-forbidden', params: [name, line.package], position }
    return loadFromOutside(line)
  }

  async function loadFromOutside(line: PluginLine): Promise<AnyPlugin | Unavailable> {
    const { name, position } = line
    const specifier = specifierOf(line)
    try {
      const { default: plugin } = await loader.load(specifier, position.file)
      const problem = describeProblem(plugin)
      if (problem) return { code: 'not-a-plugin', params: [name, line.package, problem], position }
      const needed = findUnmet(plugin as AnyPlugin, loader.filesOf(specifier, position.file).keys())
      if (needed !== undefined) {
        return { code: 'plugin-version', params: [name, line.package, needed, manifest.version], position }
      }
      return named(name, plugin as AnyPlugin, line)
    } catch (error) {
      const params = [name, line.package, firstLine(error), describePlace(error)]
      return { code: 'plugin-not-loaded', params, position }
    } finally {
      for (const [path, digest] of loader.filesOf(specifier, position.file)) files.set(path, digest)
    }
  }

  const limitsOf = (name: string) => {
    const line = lines.find((each) => each.name === name)
    return line && isFromOutside(line, builtIns) ? line.limits : undefined
  }
  return {
    names,
    directives: [...names, ...order.map(([name]) => name), ...missing],
    load,
    limitsOf,
    files: () => files,
  }
}

/** What is wrong with a plugin list that no Corefile has to use to show it. */
export function checkPluginList(lines: readonly PluginLine[], builtIns: BuiltIns, loader: ModuleLoader): Finding[] {
  const { order, missing } = builtIns
  return lines.flatMap((line): Finding[] => {
    const { name, position, isLimited } = line
    if (!isFromOutside(line, builtIns))
      return isLimited ? [{ position, code: 'plugin-config-limits', params: [name] }] : []
    const isWord = /^[\w-]+$/.test(line.package)
    if (!isWord || missing.includes(packageOf(line)) || loader.finds(line.package, position.file)) return []
    const close = nearest(
      line.package,
      order.map(([each]) => each),
    )
    const hint = close
      ? `did you mean ${close}?`
      : 'corelet -plugins lists the built-in ones; packages are looked up from here'
    return [{ position, code: 'plugin-unknown', params: [line.package, hint] }]
  })
}

/** Whether a line names a plugin that is not corelet's own. */
export function isFromOutside(line: PluginLine, builtIns: BuiltIns): boolean {
  return toBuiltIn(line, builtIns) === undefined
}

/** The built-in plugin that a line stands for; undefined for one from outside. */
function toBuiltIn(line: PluginLine, { order }: BuiltIns): string | undefined {
  const name = packageOf(line)
  return order.some(([each]) => each === name) ? name : undefined
}

function packageOf(line: PluginLine): string {
  return PACKAGES[line.package] ?? line.package
}

/**
 * The range of versions of corelet that a plugin needs and does not get; undefined when all is well. What a package.json names by other means,
 * such as `file:` or `workspace:`, is whatever was installed.
 */
function findUnmet({ requires }: AnyPlugin, files: Iterable<string>): string | undefined {
  const { version } = manifest
  if (requires !== undefined && !isInRange(version, requires)) return requires
  for (const path of files) {
    if (!path.endsWith('/package.json')) continue
    const { peerDependencies } = JSON.parse(readFileSync(path, 'utf8')) as { peerDependencies?: Record<string, string> }
    const range = peerDependencies?.['corelet']
    if (range !== undefined && isInRange(version, range) === false) return range
  }
  return undefined
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
  const { directive, repeat, requires } = plugin
  if (!['undefined', 'string'].includes(typeof requires)) return 'its requires is no text'
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
