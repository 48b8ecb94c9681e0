import assert from 'node:assert/strict'
import { noFiles } from '../corefile/files.ts'
import type { Diagnostic } from '../corefile/model.ts'
import { parseCorefile } from '../corefile/parse.ts'
import type { AnyPlugin } from '../plugin/define.ts'
import { readUses } from '../plugin/read.ts'

/** Reads a directive from text as the server would. The text stands in a block `. { … }`, from its second line on. */
export async function readText<Options>(
  plugin: AnyPlugin<Options>,
  text: string,
  zones: readonly string[] = ['.'],
): Promise<{ options: Options[]; diagnostics: Diagnostic[] }> {
  const { blocks, diagnostics } = await parseCorefile(
    { file: 'Corefile', text: `. {\n${text}\n}\n` },
    { read: noFiles, env: {} },
  )
  const uses = blocks[0]?.directives.filter((directive) => directive.name.text === plugin.name) ?? []
  const read = readUses(plugin, uses, zones)
  return { options: read.options, diagnostics: [...diagnostics, ...read.diagnostics] }
}

/**
 * A line of a table for {@link checkDirectives}: a directive, each finding as `LINE:COLUMN CODE`, with `: ` and the beginning of its message where
 * that matters, and the options of each instance where they matter.
 */
export type DirectiveCase = readonly [text: string, ...expected: (string | object)[]]

/**
 * Reads directives as {@link readText} does and holds against each line what comes out. A line that names no options still tells whether there are some:
 * not beside an error, unless that is a second use of a plugin.
 * @throws (rejects) AssertionError that shows all lines as they should be beside what they are
 */
export async function checkDirectives<Options>(
  plugin: AnyPlugin<Options>,
  cases: readonly DirectiveCase[],
  zones?: readonly string[],
): Promise<void> {
  const seen: (readonly unknown[])[] = []
  for (const [text, ...expected] of cases) {
    const { options, diagnostics } = await readText(plugin, text, zones)
    const findings = diagnostics.map((found, i) => describeFinding(found, expected[i]))
    const givesOptions = diagnostics.every(({ severity, code }) => severity !== 'error' || code === 'once-per-block')
    if (expected.some((each) => typeof each !== 'string')) seen.push([text, ...findings, ...options])
    else if (givesOptions === options.length > 0) seen.push([text, ...findings])
    else seen.push([text, ...findings, `${options.length} times options`])
  }
  assert.deepEqual(seen, cases)
}

/** A finding with as much of its message as is expected, with all of it when that is wrong. */
function describeFinding({ line, column, code, message }: Diagnostic, expected: unknown): string {
  const place = `${line}:${column} ${code}`
  const whole = `${place}: ${message}`
  if (typeof expected !== 'string') return whole
  return expected === place || (expected.startsWith(`${place}: `) && whole.startsWith(expected)) ? expected : whole
}
