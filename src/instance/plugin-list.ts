import type { Finding } from '../corefile/diagnostics.ts'
import type { Position } from '../corefile/model.ts'

/** Name of the file beside the Corefile that lists the plugins to use. */
export const PLUGIN_LIST = 'plugin.cfg'

/** A line `name:package`. */
export interface PluginLine {
  name: string
  package: string
  position: Position
}

/** Reads a plugin list in CoreDNS's form: a line `name:package` for each, in the order of the chain; `#` begins a comment. */
export function parsePluginList(file: string, text: string): { lines: PluginLine[]; findings: Finding[] } {
  const lines: PluginLine[] = []
  const findings: Finding[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/(^|\s)#.*/, '').trim()
    if (content === '') continue
    const position = { file, line: index + 1, column: line.indexOf(content) + 1, length: content.length, imports: [] }
    const [, name, source] = /^([^\s:]+)\s*:\s*(\S+)$/.exec(content) ?? []
    if (!name || !source) {
      findings.push({ position, code: 'plugin-config-line', params: [content] })
      continue
    }
    const first = lines.find((each) => each.name === name)
    if (first) findings.push({ position, code: 'plugin-listed-twice', params: [name, first.position.line] })
    else lines.push({ name, package: source, position })
  }
  return { lines, findings }
}
