/** Rules about the names in replies. */
import type { Regex } from 'corelet/plugin'
import { type Pattern, replaceByRegex } from './names.ts'
import { renameOwners, renameValues } from './records.ts'
import type { Draft, Response } from './rule.ts'

/** `answer name REGEX TO` or `answer value REGEX TO`. */
export interface AnswerRule {
  what: 'name' | 'value'
  regex: Regex
  to: string
}

/** What `answer` says in a name rule. */
export interface AnswerPart {
  auto: boolean
  rules: readonly AnswerRule[]
}

/** What becomes of replies; undefined when they stay as they are. @param original the name before the rule, `rewritten` that behind */
export function toResponse(
  { auto, rules }: AnswerPart,
  pattern: Pattern,
  to: string,
  original: string,
  rewritten: string,
): Response | undefined {
  if (!auto && rules.length === 0) return undefined
  const rename =
    pattern.kind === 'suffix'
      ? (name: string) => (name.endsWith(to) ? name.slice(0, name.length - to.length) + pattern.text : undefined)
      : (name: string) => renameBelow(name, rewritten, original)
  return (draft: Draft) => {
    for (const { what, regex, to: target } of rules.toReversed()) {
      const change = (name: string) => replaceByRegex(regex, name, target)
      if (what === 'name') renameOwners(draft, change)
      else renameValues(draft, change)
    }
    if (!auto) return
    renameOwners(draft, rename)
    renameValues(draft, rename)
  }
}

function renameBelow(name: string, from: string, to: string): string | undefined {
  if (name === from) return to
  return name.endsWith(`.${from}`) ? name.slice(0, name.length - from.length) + to : undefined
}
