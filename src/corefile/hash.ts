import { createHash } from 'node:crypto'
import type { Line, ServerBlock, Token } from './model.ts'

/**
 * SHA-512, hexadecimal, of the words of a configuration with their files and lines: an added blank line changes it, another comment
 * does not.
 */
export function hashCorefile(blocks: readonly ServerBlock[]): string {
  const words = blocks.map(({ keys, directives }) => [keys.map(describe), describeLines(directives)])
  return createHash('sha512').update(JSON.stringify(words)).digest('hex')
}

function describeLines(lines: readonly Line[]): unknown[] {
  return lines.map(({ name, args, block }) => [describe(name), args.map(describe), block ? describeLines(block) : null])
}

function describe({ text, position }: Token): unknown[] {
  return [position.file, position.line, text]
}
