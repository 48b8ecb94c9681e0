/** For tests of the language. */
import { posix } from 'node:path'
import type { FileAccess } from './files.ts'
import type { Diagnostic, Directive, Line, ServerBlock } from './model.ts'
import { type ParsedCorefile, parseCorefile } from './parse.ts'

/** Files in memory below `/etc/corelet`, where the Corefile is. */
function memoryFiles(files: Record<string, string>): FileAccess {
  const texts = new Map(Object.entries(files).map(([path, text]) => [posix.resolve('/etc/corelet', path), text]))
  const isFolder = (path: string) => [...texts.keys()].some((each) => each.startsWith(`${path}/`))
  return {
    resolve: (from, path) => posix.resolve(posix.dirname(posix.resolve('/etc/corelet', from)), path),
    readFile(path) {
      const text = texts.get(path)
      if (text !== undefined) return { text }
      return { error: isFolder(path) ? 'is a directory' : 'no such file or directory' }
    },
    glob(pattern) {
      if (pattern.includes('[')) return undefined
      if (!/[*?]/.test(pattern)) return texts.has(pattern) || isFolder(pattern) ? [pattern] : []
      const source = pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*').replaceAll('?', '[^/]')
      return [...texts.keys()].filter((path) => new RegExp(`^${source}$`).test(path)).sort()
    },
  }
}

/** Known directives of the tests. */
const DIRECTIVES = ['bind', 'cache', 'errors', 'forward', 'health', 'hosts', 'log', 'view', 'whoami']

/** Parses a Corefile called `Corefile`. */
export function parseText(
  text: string,
  files: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<ParsedCorefile> {
  return parseCorefile({ file: 'Corefile', text }, { read: memoryFiles(files), env, directives: DIRECTIVES })
}

/** Server blocks as text, a word with blanks or braces in it as JSON. */
export function showBlocks(blocks: readonly ServerBlock[]): string {
  return blocks
    .map(({ keys, directives }) => `${keys.map(showWord).join(' ')} {\n${showLines(directives, '  ')}}\n`)
    .join('')
}

function showLines(lines: readonly (Directive | Line)[], indent: string): string {
  return lines
    .map(({ name, args, block }) => {
      const words = [name, ...args].map(showWord).join(' ')
      return `${indent}${words}${block ? ` {\n${showLines(block, `${indent}  `)}${indent}}` : ''}\n`
    })
    .join('')
}

function showWord({ text }: { text: string }): string {
  return /^[^\s"{}]+$/u.test(text) ? text : JSON.stringify(text)
}

/** Diagnostics as text, one a line. */
export function showDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(({ file, line, column, length, imports, severity, code, message }) => {
      const chain = imports.map((site) => ` < ${site.file}:${site.line}`).join('')
      return `${file}:${line}:${column}+${length}${chain} ${severity} ${code}: ${message}\n`
    })
    .join('')
}
