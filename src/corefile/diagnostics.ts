import { type Codes, fill } from './codes.ts'
import type { Diagnostic, Position } from './model.ts'

/** A mistake before its text is made: where, which code, what fills the template. */
export interface Finding {
  position: Position
  code: string
  params: readonly (string | number)[]
  /** Overrides the severity of the code. */
  severity?: 'error' | 'warning'
}

/**
 * Makes a diagnostic from a code of `codes`. With `plugin` the diagnostic belongs to that plugin's directive; a code of the plugin's own
 * table (`own`) gets the plugin's name in front.
 * @throws Error when the code is in neither table
 */
export function createDiagnostic(
  finding: Finding,
  codes: Codes,
  plugin?: { name: string; own?: Codes | undefined },
): Diagnostic {
  const isOwn = plugin?.own !== undefined && Object.hasOwn(plugin.own, finding.code)
  const table = isOwn ? plugin.own! : codes
  if (!Object.hasOwn(table, finding.code)) throw new Error(`no diagnostic has the code ${finding.code}`)
  const { message, hint, severity } = table[finding.code]!
  const text = fill(hint, finding.params)
  const { file, line, column, length, imports } = finding.position
  return {
    code: isOwn ? `${plugin!.name}/${finding.code}` : finding.code,
    severity: finding.severity ?? severity ?? 'error',
    message: fill(message, finding.params),
    ...(text === '' ? {} : { hint: text }),
    ...(plugin ? { plugin: plugin.name } : {}),
    file,
    line,
    column,
    length,
    imports,
  }
}

/** Diagnostics in the order of the text, each once: files in the order they were read, then line and column. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const seen = new Set<string>()
  const rank = new Map(files.map((file, index) => [file, index]))
  return diagnostics
    .filter((each) => {
      const identity = JSON.stringify([each.file, each.line, each.column, each.code, each.message])
      if (seen.has(identity)) return false
      seen.add(identity)
      return true
    })
    .sort((a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.line - b.line || a.column - b.column || 0)
}
