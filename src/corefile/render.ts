/** Diagnostics for people and for programs. */
import type { Diagnostic } from './model.ts'

/** Widest piece of a source line that is shown, in UTF-16 units. */
const MAX_WIDTH = 120

/**
 * The line that CoreDNS would begin with: `Corefile:3 - Error during parsing: Unknown directive 'x'`, with `plugin/NAME: ` in front when it
 * is about a plugin's directive.
 */
export function renderHeadline({ file, line, message, plugin, severity }: Diagnostic): string {
  const owner = plugin === undefined ? '' : `plugin/${plugin}: `
  const kind =
    severity === 'warning' ? 'Warning: ' : message.startsWith('Syntax error:') ? '' : 'Error during parsing: '
  return escapeControls(`${owner}${file}:${line} - ${kind}${message}`)
}

/**
 * All diagnostics as text, a blank line between them; empty without any. Ends in a line break.
 * @param sources texts of the files
 */
export function renderText(diagnostics: readonly Diagnostic[], sources: ReadonlyMap<string, string>): string {
  const lines = new Map([...sources].map(([file, text]) => [file, text.split('\n')]))
  return diagnostics.map((each) => renderDiagnostic(each, lines.get(each.file)?.[each.line - 1])).join('\n')
}

/** All diagnostics as JSON, `{ "diagnostics": [...] }`, with the keys always in the same order. Ends in a line break. */
export function renderJson(diagnostics: readonly Diagnostic[]): string {
  const entries = diagnostics.map(({ code, severity, message, hint, plugin, file, line, column, length, imports }) => ({
    code,
    severity,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(plugin === undefined ? {} : { plugin }),
    file,
    line,
    column,
    length,
    imports: imports.map((site) => ({
      file: site.file,
      line: site.line,
      column: site.column,
      pattern: site.pattern,
    })),
  }))
  return `${JSON.stringify({ diagnostics: entries }, undefined, 2)}\n`
}

/** The headline, the line with a caret below the word, the imports that led to it, hint and code. */
function renderDiagnostic(diagnostic: Diagnostic, text: string | undefined): string {
  const { file, line, column, hint, code, imports } = diagnostic
  const out = [renderHeadline(diagnostic), `  --> ${file}:${line}:${column} [${code}]`]
  if (text !== undefined) out.push(...renderSource(text.replace(/\r$/, ''), diagnostic))
  for (const site of imports.toReversed()) {
    out.push(`  imported by ${site.file}:${site.line}:${site.column} (import ${site.pattern})`)
  }
  if (hint) out.push(`  hint: ${hint}`)
  return `${out.map(escapeControls).join('\n')}\n`
}

function renderSource(text: string, { line, column, length }: Diagnostic): string[] {
  const start = column - 1
  const from = start + length > MAX_WIDTH ? Math.max(0, start - MAX_WIDTH / 4) : 0
  const shown = text.slice(from, from + MAX_WIDTH)
  const before = text.slice(from, start)
  const marked = Math.max(1, Math.min(length, shown.length - before.length))
  const number = String(line)
  const blank = ' '.repeat(number.length)
  return [`  ${number} | ${shown}`, `  ${blank} | ${before.replace(/[^\t]/g, ' ')}^${'~'.repeat(marked - 1)}`]
}

/** Control characters other than tabs would change the terminal; they are shown as their symbols. */
function escapeControls(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, (char) =>
    char < ' ' ? String.fromCharCode(0x2400 + char.charCodeAt(0)) : '\ufffd',
  )
}
