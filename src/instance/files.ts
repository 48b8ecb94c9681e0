import { closeSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { FileAccess } from '../corefile/files.ts'

/** Largest file that is read as part of a configuration, in octets. */
const MAX_FILE = 16 * 1024 * 1024

/** Paths of the process's own descriptors: `-conf <(…)`. */
const HANDED_OVER = /^\/(dev|proc\/(self|\d+))\/(fd\/|stdin$)/

/** The files of the machine. Octets that are not UTF-8 become U+FFFD. */
export const systemFiles: FileAccess = {
  resolve: (from, path) => resolve(dirname(resolve(from)), path),
  readFile(path) {
    try {
      const stat = statSync(path)
      if (stat.isDirectory()) return { error: 'is a directory' }
      // opening it would wait for a writer, and nothing else would go on; what the shell hands over as a descriptor has one
      if (stat.isFIFO() && !HANDED_OVER.test(resolve(path))) return { error: 'is a named pipe' }
      const content = readUpTo(path, MAX_FILE)
      return content ? { text: content.toString('utf8') } : { error: `is larger than ${MAX_FILE} bytes` }
    } catch (error) {
      return { error: describe(error) }
    }
  },
  glob: globPaths,
}

/** What a file holds; undefined when that is more than `limit` octets. Devices and pipes do not tell their size. */
function readUpTo(path: string, limit: number): Buffer | undefined {
  const file = openSync(path, 'r')
  try {
    const pieces: Buffer[] = []
    let length = 0
    for (;;) {
      const piece = Buffer.allocUnsafe(65_536)
      const read = readSync(file, piece)
      if (read === 0) return Buffer.concat(pieces, length)
      length += read
      if (length > limit) return undefined
      pieces.push(piece.subarray(0, read))
    }
  } finally {
    closeSync(file)
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ELOOP: 'too many levels of symbolic links',
  ENOTDIR: 'not a directory',
}

function describe(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return REASONS[code] ?? message
}

/**
 * The paths that match a pattern, sorted within each folder, as Go's filepath.Glob finds them: `*` and `?` match dot files too and never
 * a slash; errors of the file system count as "nothing there". undefined when the pattern is malformed.
 */
export function globPaths(pattern: string): string[] | undefined {
  if (!isWellFormed(pattern)) return undefined
  return expand(pattern)
}

function expand(pattern: string): string[] {
  if (!hasMeta(pattern)) return exists(pattern) ? [pattern] : []
  const slash = pattern.lastIndexOf('/')
  const folder = slash < 0 ? '.' : slash === 0 ? '/' : pattern.slice(0, slash)
  const parts = toParts(pattern.slice(slash + 1))
  const folders = hasMeta(folder) ? expand(folder) : [folder]
  return folders.flatMap((each) =>
    namesIn(each)
      .filter((name) => matches(parts, [...name]))
      .map((name) => join(each, name)),
  )
}

function hasMeta(pattern: string): boolean {
  return /[*?[\\]/.test(pattern)
}

function exists(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

/** Names in a folder in the order of their octets; none when it can't be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .map((name) => Buffer.from(name))
      .sort(Buffer.compare)
      .map(String)
  } catch {
    return []
  }
}

/**
 * A pattern of Go's filepath.Match: `*`, `?`, and `\` before any character. Classes in brackets never get here: `import` refuses them, and
 * half of one is malformed.
 */
function isWellFormed(pattern: string): boolean {
  return /^(?:[^\\[]|\\.)*$/s.test(pattern)
}

/** `*` for any text, `?` for one character, or a character itself. */
type Part = { wildcard: '*' | '?' } | { character: string }

function toParts(pattern: string): Part[] {
  return [...pattern.matchAll(/\\(.)|([*?])|(.)/gsu)].map(([, escaped, wildcard, plain]) =>
    wildcard ? { wildcard: wildcard as '*' | '?' } : { character: (escaped ?? plain)! },
  )
}

/** Only the last `*` can need another try: the time is at most the product of both lengths. */
function matches(parts: readonly Part[], characters: readonly string[]): boolean {
  let star = -1
  let tried = 0
  let part = 0
  for (let at = 0; at < characters.length; ) {
    const next = parts[part]
    if (next && 'wildcard' in next && next.wildcard === '*') {
      star = part++
      tried = at
    } else if (next && ('wildcard' in next || next.character === characters[at])) {
      part++
      at++
    } else if (star >= 0) {
      part = star + 1
      at = ++tried
    } else {
      return false
    }
  }
  return parts.slice(part).every((left) => 'wildcard' in left && left.wildcard === '*')
}
