import type { Word } from './lexer.ts'

/** Whether a key may stand on the next line: there is none yet, or the last one ends in a comma. */
export function continuesKeys(keys: readonly Word[]): boolean {
  return keys.length === 0 || keys.findLast((key) => key.text !== '')?.text.endsWith(',') === true
}

/** The name of the snippet that the keys of a block declare: a single key in parentheses. */
export function snippetName(keys: readonly Word[]): string | undefined {
  const [key, more] = keys.filter(({ text }) => text !== '')
  return key && !more && /^\(.*\)$/s.test(key.text) ? key.text.slice(1, -1) : undefined
}
