import type { Finding } from './diagnostics.ts'
import type { FileAccess } from './files.ts'
import type { Word } from './lexer.ts'

/** Where imports are looked for. */
export interface ImportScope {
  read: FileAccess
  report(finding: Finding): void
}

/** The absolute paths that an import's pattern stands for; empty when it was reported. */
export function findImports(pattern: Word, { read, report: tell }: ImportScope): readonly string[] {
  const report = (code: string, ...params: string[]) => {
    tell({ position: pattern.position, code, params })
    return []
  }
  const glob = read.resolve(pattern.position.file, pattern.text)
  if (count(glob, '*') > 1 || count(glob, '?') > 1 || (glob.includes('[') && glob.includes(']'))) {
    return report('import-wildcards', glob)
  }
  const paths = read.glob(glob)
  if (!paths) return report('import-bad-pattern', pattern.text)
  if (paths.length > 0) return paths
  return /[*?[\]]/.test(glob)
    ? report('import-nothing', pattern.text)
    : report('import-not-found', pattern.text, `looked for ${glob}`)
}

function count(text: string, char: string): number {
  return text.split(char).length - 1
}
