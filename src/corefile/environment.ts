/** Environment variables in words: `{$NAME}` and `{%NAME%}`. */

/** Replacements and UTF-16 units that a word may grow to; what goes beyond refers to itself. */
const MAX_REPLACEMENTS = 1000
const MAX_LENGTH = 262_144

export type Variables = Record<string, string | undefined>

/**
 * Replaces the variables of a word, `{%…%}` first; unset ones are empty. A value may hold further references of the same form.
 * @returns undefined when replacing does not end, which hangs CoreDNS
 */
export function replaceVariables(word: string, env: Variables): string | undefined {
  if (!word.includes('{')) return word
  const once = replaceForm(word, '{%', '%}', env)
  return once === undefined ? undefined : replaceForm(once, '{$', '}', env)
}

function replaceForm(word: string, open: string, close: string, env: Variables): string | undefined {
  for (let count = 0; count < MAX_REPLACEMENTS; count++) {
    const start = word.indexOf(open)
    if (start < 0) return word
    const end = word.indexOf(close, start)
    if (end <= start + open.length) return word
    const name = word.slice(start + open.length, end)
    const value = Object.hasOwn(env, name) ? (env[name] ?? '') : ''
    const pieces = word.split(word.slice(start, end + close.length))
    if (word.length + (pieces.length - 1) * value.length > MAX_LENGTH) return undefined
    word = pieces.join(value)
  }
  return undefined
}
