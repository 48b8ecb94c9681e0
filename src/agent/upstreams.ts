import { lex } from '../corefile/lexer.ts'

/** What the `forward` lines of a Corefile lead to, each once: addresses, URLs and files, in their order. Imported files are not looked into. */
export function listUpstreams(corefile: string): string[] {
  const upstreams = new Set<string>()
  /** Words since `forward`; undefined on other lines. */
  let at: number | undefined
  for (const { text, startsLine } of lex('', corefile).words) {
    if (startsLine) at = text === 'forward' ? 0 : undefined
    else if (at !== undefined && text !== '{' && ++at > 1) upstreams.add(text)
  }
  return [...upstreams]
}
