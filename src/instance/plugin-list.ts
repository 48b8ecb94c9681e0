import type { Finding } from '../corefile/diagnostics.ts'
import type { Position } from '../corefile/model.ts'
import { parseDuration } from '../plugin/duration.ts'
import { DEFAULT_LIMITS, type PluginLimits } from './guard.ts'

/** Name of the file beside the Corefile that lists the plugins to use. */
export const PLUGIN_LIST = 'plugin.cfg'

/** A line `name:package`, with options behind it when the plugin comes from outside. */
export interface PluginLine {
  name: string
  package: string
  limits: PluginLimits
  /** Whether options say what the limits are. */
  isLimited: boolean
  position: Position
}

/**
 * Reads a plugin list in CoreDNS's form: a line `name:package` for each, in the order of the chain; `#` begins a comment. Behind the package
 * of a plugin from outside may stand `timeout=DURATION` and `breaker=FAILURES/DURATION`.
 */
export function parsePluginList(file: string, text: string): { lines: PluginLine[]; findings: Finding[] } {
  const lines: PluginLine[] = []
  const findings: Finding[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/(^|\s)#.*/, '').trim()
    if (content === '') continue
    const position = { file, line: index + 1, column: line.indexOf(content) + 1, length: content.length, imports: [] }
    const [, name, source, words = ''] = /^([^\s:]+)\s*:\s*(\S+)(?:\s+(\S.*))?$/.exec(content) ?? []
    if (!name || !source) {
      findings.push({ position, code: 'plugin-config-line', params: [content] })
      continue
    }
    const limits = { ...DEFAULT_LIMITS }
    const options = words.split(/\s+/).filter((word) => word !== '')
    for (const word of options) {
      if (!readOption(word, limits)) findings.push({ position, code: 'plugin-config-option', params: [word] })
    }
    const first = lines.find((each) => each.name === name)
    if (first) findings.push({ position, code: 'plugin-listed-twice', params: [name, first.position.line] })
    else lines.push({ name, package: source, limits, isLimited: options.length > 0, position })
  }
  return { lines, findings }
}

/** Reads an option into the limits. @returns false when it is none */
function readOption(word: string, limits: PluginLimits): boolean {
  const [, name, count, time = ''] = /^(timeout|breaker)=(?:(\d{1,6})\/)?(\S+)$/.exec(word) ?? []
  const milliseconds = parseDuration(time)
  if (typeof milliseconds !== 'number' || milliseconds < 0) return false
  if (name === 'timeout' && count === undefined) {
    limits.timeout = milliseconds
    return true
  }
  if (name !== 'breaker' || !Number(count) || milliseconds === 0) return false
  limits.breaker = { failures: Number(count), pause: milliseconds }
  return true
}
