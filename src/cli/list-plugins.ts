import { join, resolve } from 'node:path'
import { createDiagnostic } from '../corefile/diagnostics.ts'
import { renderText } from '../corefile/render.ts'
import { systemFiles } from '../instance/files.ts'
import { INSTANCE_CODES } from '../instance/instance-codes.ts'
import { readPluginList } from '../instance/load.ts'
import { ModuleLoader } from '../instance/module-loader.ts'
import { type BuiltIns, checkPluginList, isFromOutside } from '../instance/plugin-catalog.ts'
import { PLUGIN_LIST } from '../instance/plugin-list.ts'

/**
 * What `-plugins` prints: the names of all plugins that a Corefile may use, sorted, those from outside with their package; and what is wrong
 * with the plugin list.
 * @param corefile that the plugin list would lie beside
 */
export function listPlugins(corefile: string, builtIns: BuiltIns): { names: string[]; problems: string } {
  const path = join(resolve(corefile), '..', PLUGIN_LIST)
  const { lines, text = '', findings } = readPluginList(path, systemFiles)
  if (!lines && findings.length === 0) return { names: builtIns.order.map(([name]) => name).sort(), problems: '' }
  const all = [...findings, ...checkPluginList(lines ?? [], builtIns, new ModuleLoader())]
  const diagnostics = all.map((finding) => createDiagnostic(finding, INSTANCE_CODES))
  const names = (lines ?? []).map((line) =>
    isFromOutside(line, builtIns) ? `${line.name} (${line.package})` : line.name,
  )
  return { names: names.sort(), problems: renderText(diagnostics, new Map([[path, text]])) }
}
