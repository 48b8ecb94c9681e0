import { keyOf } from 'corelet/plugin'

/** Names that a list may have; what stands behind them is left out. */
export const MOST_NAMES = 2_000_000

/** Listing the root would deny everything. */
const ROOT = keyOf('.')

/**
 * The names of a list as keys. A line is a name, a line of a hosts file (`0.0.0.0 name`) or of an ad blocker (`||name^`); `#` and `!` begin
 * comments. What is none of these is left out.
 */
export function readNames(list: string): { names: Set<string>; unread: number } {
  const names = new Set<string>()
  let unread = 0
  for (const line of list.split('\n')) {
    const content = line.replace(/[#!].*/, '').trim()
    if (content === '' || names.size >= MOST_NAMES) continue
    const words = content.split(/\s+/, 3)
    const word = (words.length === 1 ? words[0] : words[1]) ?? ''
    try {
      const key = keyOf(word.replace(/^\|\|/, '').replace(/\^$/, ''))
      if (key !== ROOT) names.add(key)
    } catch {
      unread++
    }
  }
  return { names, unread }
}

/** Whether a name, or one that it is below, is among `names`. A key is the name's labels, each with its length in front. */
export function isListed(key: string, names: ReadonlySet<string>): boolean {
  for (let rest = key; rest !== ''; rest = rest.slice(1 + rest.charCodeAt(0))) if (names.has(rest)) return true
  return false
}
