import { createDiagnostic } from '../corefile/diagnostics.ts'
import { type Key, readKeys } from '../corefile/keys.ts'
import { checkListeners } from '../corefile/listeners.ts'
import type { Diagnostic, Directive, Position, ServerBlock, Token } from '../corefile/model.ts'
import { toCanonicalAddress } from '../dns/address.ts'
import { defaultSettings } from '../plugin/block-settings.ts'
import type { AnyPlugin, BlockSettings, Report } from '../plugin/index.ts'
import { readUses, toDiagnostic } from '../plugin/read.ts'
import { isServed } from '../server/listener.ts'
import { describeError, describePlace } from './describe-error.ts'
import type { PluginLimits } from './guard.ts'
import { INSTANCE_CODES } from './instance-codes.ts'
import type { PluginCatalog } from './plugin-catalog.ts'

/** A server block whose plugins can be started. */
export interface ConfiguredBlock {
  keys: readonly Key[]
  /** Zones of the keys, doubles removed. */
  zones: readonly string[]
  settings: BlockSettings
  /** In the order of the chain. */
  plugins: readonly ConfiguredPlugin[]
}

export interface ConfiguredPlugin {
  /** Its place in the order of the chain. */
  rank: number
  plugin: AnyPlugin
  options: unknown
  /** All that the block says to it. */
  directives: readonly Directive[]
  /** What guards against it, when it comes from outside. */
  limits?: PluginLimits
}

interface Draft extends ConfiguredBlock {
  source: ServerBlock
  plugins: ConfiguredPlugin[]
}

/** Imports the plugins that the blocks use, reads their directives and settles what the blocks listen on. */
export async function configureBlocks(
  blocks: readonly ServerBlock[],
  catalog: PluginCatalog,
  { dnsPort, interfaces }: { dnsPort: number; interfaces(): Map<string, string[]> },
): Promise<{ blocks: ConfiguredBlock[]; diagnostics: Diagnostic[] }> {
  const diagnostics: Diagnostic[] = []
  const drafts = blocks.map((source): Draft => {
    const read = readKeys(source.keys, dnsPort)
    diagnostics.push(...read.diagnostics, ...checkTransports(read.keys))
    const zones = [...new Set(read.keys.flatMap((key) => key.zones))]
    return { source, keys: read.keys, zones, settings: defaultSettings(), plugins: [] }
  })
  const used = new Set(blocks.flatMap(({ directives }) => directives.map(({ name }) => name.text)))
  for (const [rank, name] of [...new Set([...catalog.names, ...catalog.directives])].entries()) {
    if (!used.has(name)) continue
    const plugin = await catalog.load(name)
    for (const draft of drafts) {
      const uses = draft.source.directives.filter((directive) => directive.name.text === name)
      if (uses.length === 0) continue
      if ('code' in plugin) {
        diagnostics.push(diagnose(plugin.position ?? uses[0]!.name.position, plugin.code, plugin.params))
      } else {
        const place = { rank, limits: catalog.limitsOf(name) }
        diagnostics.push(...configurePlugin(plugin, place, uses, draft, interfaces))
      }
    }
  }
  for (const { settings } of drafts) settings.bind = settings.bind?.map(toCanonicalAddress)
  const listening = drafts.map(({ keys, settings, source }) => ({
    keys,
    addresses: settings.bind,
    hasView: source.directives.some(({ name }) => name.text === 'view'),
  }))
  diagnostics.push(...checkListeners(listening))
  return { blocks: drafts, diagnostics }
}

/** Reads the uses of a plugin in a block, and lets it change the block's settings. */
function configurePlugin(
  plugin: AnyPlugin,
  { rank, limits }: { rank: number; limits: PluginLimits | undefined },
  uses: readonly Directive[],
  draft: Draft,
  interfaces: () => Map<string, string[]>,
): Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  const report: Report = (token: Token, code, ...params) =>
    diagnostics.push(toDiagnostic(plugin.name, plugin.errors ?? {}, token, code, params))
  const keys = draft.keys.map(({ token, transport }) => ({ text: token.text, transport }))
  try {
    const read = readUses(plugin, uses, draft.zones)
    diagnostics.push(...read.diagnostics)
    for (const options of read.options) {
      plugin.configure?.(options, draft.settings, { interfaces, keys, report })
      draft.plugins.push({ rank, plugin, options, directives: uses, ...(limits && { limits }) })
    }
  } catch (error) {
    const params = [plugin.name, describeError(error) + describePlace(error)]
    diagnostics.push({ ...diagnose(uses[0]!.name.position, 'plugin-threw', params), plugin: plugin.name })
  }
  return diagnostics
}

function checkTransports(keys: readonly Key[]): Diagnostic[] {
  return keys
    .filter(({ transport }) => !isServed(transport))
    .map(({ transport, token }) => diagnose(token.position, 'no-transport', [transport]))
}

function diagnose(
  position: Position,
  code: keyof typeof INSTANCE_CODES | string,
  params: readonly string[],
): Diagnostic {
  return createDiagnostic({ position, code, params }, INSTANCE_CODES)
}
