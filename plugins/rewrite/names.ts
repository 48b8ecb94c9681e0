/** How names are compared and changed: exactly, by their beginning, end or middle, or by a regular expression. */
import type { Regex } from 'corelet/plugin'

export const MATCHES = ['exact', 'prefix', 'suffix', 'substring', 'regex'] as const

export type MatchKind = (typeof MATCHES)[number]

/** What a name must look like. `text` is the pattern but for `regex`, which has it compiled. */
export type Pattern = { kind: Exclude<MatchKind, 'regex'>; text: string } | { kind: 'regex'; regex: Regex }

export function matches(pattern: Pattern, name: string): boolean {
  switch (pattern.kind) {
    case 'exact':
      return name === pattern.text
    case 'prefix':
      return name.startsWith(pattern.text)
    case 'suffix':
      return name.endsWith(pattern.text)
    case 'substring':
      return name.includes(pattern.text)
    case 'regex':
      return pattern.regex.test(name)
  }
}

/** The name with what matched replaced by `to`; undefined when nothing matched. */
export function replaceName(pattern: Pattern, name: string, to: string): string | undefined {
  if (pattern.kind === 'regex') return replaceByRegex(pattern.regex, name, to)
  if (!matches(pattern, name)) return undefined
  switch (pattern.kind) {
    case 'exact':
      return to
    case 'prefix':
      return to + name.slice(pattern.text.length)
    case 'suffix':
      return name.slice(0, name.length - pattern.text.length) + to
    case 'substring':
      return name.replaceAll(pattern.text, () => to)
  }
}

/** `to` with `{0}`, `{1}` … replaced by the whole match and its groups; undefined when nothing matched. */
export function replaceByRegex(regex: Regex, text: string, to: string): string | undefined {
  const groups = regex.match(text)
  return groups && to.replace(/\{(\d{1,3})\}/g, (reference, number: string) => groups[Number(number)] ?? reference)
}
