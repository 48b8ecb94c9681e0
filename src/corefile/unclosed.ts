/** Finds where a `}` was forgotten, so that one missing brace does not hide or invent other mistakes. */
import type { Finding } from './diagnostics.ts'
import type { Word } from './lexer.ts'

/**
 * In a file with more `{` than `}`: a line that begins in the first column, is no directive and opens a block begins a server block;
 * what is open before it was meant to be closed. CoreDNS refuses such a file: it is an unknown directive there.
 */
export function closeForgottenBlocks(
  words: readonly Word[],
  directives: readonly string[] | undefined,
  report: (finding: Finding) => void,
): readonly Word[] {
  if (!directives || balance(words) <= 0) return words
  const out: Word[] = []
  /** Braces that are open, outermost first. */
  let open: Word[] = []
  let inSnippet = false
  for (const [index, word] of words.entries()) {
    const begins = word.startsLine && word.position.column === 1 && !directives.includes(word.text)
    if (open.length > 0 && !inSnippet && begins && endOfLine(words, index).raw === '{' && word.raw !== '{') {
      const line = open.at(-1)!.position.line
      report({ position: word.position, code: 'unclosed-block', params: [word.text, line] })
      for (const _ of open) out.push({ ...word, text: '}', raw: '}', startsLine: true })
      open = []
    }
    if (word.raw === '{') {
      if (open.length === 0) inSnippet = /^\(.*\)$/s.test(words[index - 1]?.text ?? '')
      open.push(word)
    } else if (word.raw === '}') {
      open.pop()
    }
    out.push(word)
  }
  return out
}

function balance(words: readonly Word[]): number {
  return words.reduce((sum, { raw }) => sum + (raw === '{' ? 1 : raw === '}' ? -1 : 0), 0)
}

function endOfLine(words: readonly Word[], index: number): Word {
  while (words[index + 1]?.startsLine === false) index++
  return words[index]!
}
