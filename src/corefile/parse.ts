import { buildBlocks } from './build.ts'
import { createDiagnostic, type Finding, sortDiagnostics } from './diagnostics.ts'
import { replaceVariables, type Variables } from './environment.ts'
import { Expander } from './expand.ts'
import type { FileAccess } from './files.ts'
import { LANGUAGE_CODES } from './language-codes.ts'
import { lex, type Word } from './lexer.ts'
import type { Diagnostic, ServerBlock } from './model.ts'
import { closeForgottenBlocks } from './unclosed.ts'

export interface ParseOptions {
  read: FileAccess
  /** Environment variables. */
  env: Variables
  /** Known directives; without them every directive is taken. */
  directives?: readonly string[]
}

export interface ParsedCorefile {
  blocks: ServerBlock[]
  /** In the order of the text. Blocks are not to be used when one is an error. */
  diagnostics: Diagnostic[]
  /** The Corefile and all imported files, in the order they were read. */
  files: string[]
  /** Texts of the files, to show lines of them. */
  sources: ReadonlyMap<string, string>
}

/** Reads a Corefile with all that it imports. Never throws: every mistake is a diagnostic. */
export async function parseCorefile(
  source: { file: string; text: string },
  { read, env, directives }: ParseOptions,
): Promise<ParsedCorefile> {
  const { parseWords } = await import('./grammar.ts')
  const findings: Finding[] = []
  const report = (finding: Finding) => void findings.push(finding)
  const sources = new Map<string, string>()
  const lexed = new Map<string, readonly Word[] | string>()
  const lexFile = (file: string, text: string): readonly Word[] => {
    sources.set(file, text)
    const result = lex(file, text)
    result.findings.forEach(report)
    for (const word of result.words) {
      const expanded = replaceVariables(word.raw, env)
      if (expanded === undefined) report({ position: word.position, code: 'endless-variable', params: [word.raw] })
      else word.text = expanded
    }
    return closeForgottenBlocks(result.words, directives, report)
  }
  const wordsOf = (path: string): readonly Word[] | string => {
    let words = lexed.get(path)
    if (words === undefined) {
      const file = read.readFile(path)
      words = 'error' in file ? file.error : lexFile(path, file.text)
      lexed.set(path, words)
    }
    return words
  }
  const words = new Expander(source.file, lexFile(source.file, source.text), { read, wordsOf, report }).run()
  const blocks = buildBlocks(parseWords(words), words.at(-1), directives, report)
  const files = [...sources.keys()]
  const diagnostics = sortDiagnostics(
    findings.map((finding) => createDiagnostic(finding, LANGUAGE_CODES)),
    files,
  )
  return { blocks, diagnostics, files, sources }
}
