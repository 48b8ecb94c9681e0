import type { ExpandScope } from './expand.ts'
import type { Word } from './lexer.ts'

/** The absolute paths that an import's pattern stands for; empty when it was reported. */
export function findImports(pattern: Word, scope: Pick<ExpandScope, 'read' | 'report'>): readonly string[] {
  const report = (code: string, ...params: string[]) => {
    scope.report({ position: pattern.position, code, params })
    return []
  }
  const glob = scope.read.resolve(pattern.position.file, pattern.text)
  if (count(glob, '*') > 1 || count(glob, '?') > 1 || (glob.includes('[') && glob.includes(']'))) {
    return report('import-wildcards', glob)
  }
  const paths = scope.read.glob(glob)
  if (!paths) return report('import-bad-pattern', pattern.text)
  if (paths.length > 0) return paths
  return /[*?[\]]/.test(glob)
    ? report('import-nothing', pattern.text)
    : report('import-not-found', pattern.text, `looked for ${glob}`)
}

function count(text: string, char: string): number {
  return text.split(char).length - 1
}
