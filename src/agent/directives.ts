/** What the agent has to know of a Corefile: a look at its words. What it imports is not looked into. */
import { lex, type Word } from '../corefile/lexer.ts'

/** The words of each line that begins with `name`, braces left out. */
export function findDirectives(words: readonly Word[], name: string): Word[][] {
  const found: Word[][] = []
  let line: Word[] | undefined
  for (const word of words) {
    if (word.startsLine) {
      line = word.text === name && !word.quoted ? [] : undefined
      if (line) found.push(line)
    }
    if (word.text !== '{' && word.text !== '}') line?.push(word)
  }
  return found
}

/** What the `forward` lines lead to, each once: addresses, URLs and files, in their order. */
export function listUpstreams(corefile: string): string[] {
  const lines = findDirectives(lex('', corefile).words, 'forward')
  return [...new Set(lines.flatMap(([, , ...upstreams]) => upstreams.map(({ text }) => text)))]
}

/** Whether a directive is used. */
export function usesDirective(corefile: string, name: string): boolean {
  return findDirectives(lex('', corefile).words, name).length > 0
}
