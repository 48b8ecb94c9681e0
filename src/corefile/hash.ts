import { createHash } from 'node:crypto'
import type { Directive, Line, ServerBlock, Token } from './model.ts'

/**
 * SHA-512, hexadecimal, of the words of a configuration with their files and lines: an added blank line changes it, another comment
 * does not.
 */
export function hashCorefile(blocks: readonly ServerBlock[]): string {
  return digest(blocks.map(({ keys, directives }) => [keys.map(describe), describeLines(directives, describe)]))
}

/** SHA-512, hexadecimal, of the words of directives, wherever they stand. */
export function hashDirectives(directives: readonly Directive[]): string {
  return digest(describeLines(directives, ({ text }) => text))
}

function digest(words: unknown): string {
  return createHash('sha512').update(JSON.stringify(words)).digest('hex')
}

function describeLines(lines: readonly Line[], describe: (token: Token) => unknown): unknown[] {
  return lines.map(({ name, args, block }) => [
    describe(name),
    args.map(describe),
    block ? describeLines(block, describe) : null,
  ])
}

function describe({ text, position }: Token): unknown[] {
  return [position.file, position.line, text]
}
