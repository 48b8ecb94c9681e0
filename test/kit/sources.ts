/** The project's own files, for tests about them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { findFences } from 'corelet/plugin/testing'

export const ROOT = resolve(import.meta.dirname, '../..')

/** Paths of all files below `folder` of the project, relative to its root, sorted. */
export function listFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort()
}

/** Text of one of the project's files. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** The code of src/ and plugins/ without its tests; helpers of tests are among it. */
export function listSources(): string[] {
  return [...listFiles('src'), ...listFiles('plugins')].filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  )
}

/** Folders of plugins by name. */
export function listPlugins(): string[] {
  return readdirSync(join(ROOT, 'plugins'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

/** The fenced code blocks of a Markdown file that have the given language, with the line they begin on. */
export function listFences(path: string, language: string): { path: string; line: number; text: string }[] {
  return findFences(read(path), language).map((fence) => ({ path, ...fence }))
}
