/** Who imports whom in the project. */
import { existsSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { listSources, ROOT, read } from './sources.ts'

export interface Import {
  from: string
  /** As written: a path, a package, `node:…`. */
  to: string
  typesOnly: boolean
}

/** Files that nobody has to import: the program, the API, the plugins. */
const ENTRIES = ['src/cli/main.ts', 'src/plugin/index.ts', 'plugins/order.ts']

/** The imports of a file: static, dynamic, and re-exports. */
export function listImports(path: string): Import[] {
  const text = read(path)
  const found: Import[] = []
  for (const [, types, to] of text.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'/gm)) {
    found.push({ from: path, to: to!, typesOnly: types !== undefined })
  }
  for (const [, to] of text.matchAll(/\bimport\(\s*'([^']+)'/g)) found.push({ from: path, to: to!, typesOnly: false })
  for (const [, to] of text.matchAll(/^import\s+'([^']+)'/gm)) found.push({ from: path, to: to!, typesOnly: false })
  return found
}

/** The project's file that an import leads to, undefined for packages. */
export function targetOf({ from, to }: Import): string | undefined {
  if (to === 'corelet/plugin') return 'src/plugin/index.ts'
  if (to === 'corelet/plugin/testing') return 'src/testing/index.ts'
  return to.startsWith('.') ? posix.join(dirname(from), to) : undefined
}

/** Files that run in production: what the entries lead to. The others in src/ and plugins/ help tests. */
export function listProduction(): string[] {
  const seen = new Set<string>()
  const visit = (path: string) => {
    if (seen.has(path) || !existsSync(join(ROOT, path))) return
    seen.add(path)
    for (const each of listImports(path)) {
      const target = targetOf(each)
      if (target) visit(target)
    }
  }
  for (const path of ENTRIES) visit(path)
  return listSources().filter((path) => seen.has(path))
}
