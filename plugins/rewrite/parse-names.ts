import { fromText, type ParseScope, Regex, RegexError, TextError, type Token } from 'corelet/plugin'
import { MATCHES, type MatchKind, type Pattern } from './names.ts'

type Report = ParseScope['report']

/** `absolute` gives what is no regular expression its final dot, and is left out for true. */
interface NameForm {
  absolute?: boolean
}

export function isMatch(word: string): boolean {
  return (MATCHES as readonly string[]).includes(word.toLowerCase())
}

/** Reads what names are compared with. @param kind one of {@link MATCHES} */
export function readPattern(
  kind: string,
  token: Token,
  report: Report,
  { absolute = true }: NameForm = {},
): Pattern | undefined {
  if (kind === 'regex') {
    const regex = readRegex(token, report)
    return regex && { kind, regex }
  }
  const text = toName(token, absolute, kind === 'exact', report)
  return text === undefined ? undefined : { kind: kind as Exclude<MatchKind, 'regex'>, text }
}

/** Reads what a name is replaced by. */
export function readTarget(
  pattern: Pattern,
  token: Token,
  report: Report,
  { absolute = true }: NameForm = {},
): string | undefined {
  if (pattern.kind !== 'regex') return toName(token, absolute, pattern.kind === 'exact', report)
  if (!checkGroups(token, pattern.regex, report)) return undefined
  return toAbsolute(token.text.toLowerCase())
}

export function readRegex(token: Token, report: Report): Regex | undefined {
  try {
    return new Regex(token.text)
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    return void report(token, 'invalid-pattern', token.text, error.message)
  }
}

/** Whether the pattern has as many groups as the replacement refers to. */
export function checkGroups(token: Token, regex: Regex, report: Report): boolean {
  const used = new Set([...token.text.matchAll(/\{(\d{1,3})\}/g)].map(([, number]) => Number(number)))
  const count = [...used].filter((number) => number <= 100).length
  if (count <= regex.groupCount) return true
  report(token, 'too-many-groups', token.text, regex.source)
  return false
}

/** Lower case, as patterns have it. Only whole names can be checked. */
function toName(token: Token, absolute: boolean, whole: boolean, report: Report): string | undefined {
  const name = absolute ? toAbsolute(token.text.toLowerCase()) : token.text.toLowerCase()
  try {
    if (whole) fromText(name)
    return name
  } catch (error) {
    if (!(error instanceof TextError)) throw error
    return void report(token, 'bad-name', token.text, error.message)
  }
}

export function toAbsolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}
