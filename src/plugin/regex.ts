/** Regular expressions of users. They have the RE2 syntax and run in linear time, whatever the pattern and the text. */
import { type Matcher, RE2JS, RE2JSException } from 're2js'
import { custom, type Value } from './values.ts'

/** Longest pattern in characters. */
export const MAX_PATTERN = 10_000

/** A pattern is no regular expression, or too long. The message says why, without the pattern. */
export class RegexError extends Error {
  override name = 'RegexError'
}

/** A compiled pattern. It is searched for anywhere in a text. */
export class Regex {
  /** The pattern as written. */
  readonly source: string
  /** Number of its groups, the whole not counted. */
  readonly groupCount: number
  /** Numbers of its named groups. */
  readonly names: Readonly<Record<string, number>>
  readonly #compiled: RE2JS

  /** @throws RegexError */
  constructor(source: string) {
    if (source.length > MAX_PATTERN) throw new RegexError(`pattern longer than ${MAX_PATTERN} characters`)
    try {
      this.#compiled = RE2JS.compile(source)
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error
      throw new RegexError(error.message.replace(/^error parsing regexp: /, '').replace(/: `.*$/s, ''))
    }
    this.source = source
    this.groupCount = this.#compiled.groupCount()
    this.names = { ...this.#compiled.namedGroups() }
  }

  test(text: string): boolean {
    return this.#compiled.matcher(text).find()
  }

  /** The first match: the whole and its groups, those that took no part empty; undefined when there is none. */
  match(text: string): string[] | undefined {
    const matcher: Matcher = this.#compiled.matcher(text)
    if (!matcher.find()) return undefined
    return Array.from({ length: this.groupCount + 1 }, (_, i) => matcher.group(i) ?? '')
  }
}

/** A regular expression. */
export function regex(name = 'REGEX'): Value<Regex> {
  return custom(name, 'regular expression', (token, report) => {
    if (token.text.length > MAX_PATTERN) return void report(token, 'regex-too-long', token.text.length)
    try {
      return new Regex(token.text)
    } catch (error) {
      if (!(error instanceof RegexError)) throw error
      return void report(token, 'bad-regex', token.text, error.message)
    }
  })
}
