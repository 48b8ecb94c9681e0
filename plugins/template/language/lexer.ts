import { TemplateError } from './errors.ts'

/** A piece of an action: what stands between `{{` and `}}`. */
export interface Token {
  kind: 'word' | 'field' | 'variable' | 'string' | 'number' | 'symbol'
  /** Words, fields without their dot, variables with their `$`, values of strings. */
  text: string
  /** No blank stands before it: `$x.Name` is one operand, `$x .Name` two. */
  glued: boolean
}

/** Literal text, or an action. */
export type Part = { text: string } | { tokens: Token[] }

const BLANK = /[ \t\r\n]+/y
const STRING = /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y
const CHARACTER = /'(?:[^'\\\n]|\\.)+'/y
const NUMBER = /[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?)/y
const FIELD = /\.[\p{L}_][\p{L}\p{N}_]*/uy
const VARIABLE = /\$[\p{L}\p{N}_]*/uy
const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy
const SYMBOL = /:=|[=|(),.]/y
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' }

/** What actions are made of, in the order in which it is tried. */
const PIECES: readonly { kind: Token['kind']; pattern: RegExp; read(text: string): string }[] = [
  { kind: 'string', pattern: STRING, read: (text) => (text[0] === '`' ? text.slice(1, -1) : unquote(text)) },
  { kind: 'number', pattern: CHARACTER, read: (text) => String(unquote(text).codePointAt(0)) },
  { kind: 'number', pattern: NUMBER, read: readNumber },
  { kind: 'field', pattern: FIELD, read: (text) => text.slice(1) },
  { kind: 'variable', pattern: VARIABLE, read: (text) => text },
  { kind: 'word', pattern: WORD, read: (text) => text },
  { kind: 'symbol', pattern: SYMBOL, read: (text) => text },
]

/** Splits a template. Blanks beside `{{-` and `-}}` are taken off the text, comments are left out. @throws TemplateError */
export function split(source: string): Part[] {
  const parts: Part[] = []
  let at = 0
  let trimNext = false
  for (;;) {
    const open = source.indexOf('{{', at)
    let text = source.slice(at, open < 0 ? undefined : open)
    if (trimNext) text = text.trimStart()
    const trims = open >= 0 && /^-[ \t\r\n]/.test(source.slice(open + 2, open + 4))
    if (trims) text = text.trimEnd()
    if (text !== '') parts.push({ text })
    if (open < 0) return parts
    const start = open + (trims ? 3 : 2)
    const comment = /^[ \t\r\n]*\/\*([\s\S]*?)\*\/([ \t\r\n]+-)?\}\}/.exec(source.slice(start))
    if (comment) {
      at = start + comment[0].length
      trimNext = comment[2] !== undefined
      continue
    }
    const action = readAction(source, start)
    parts.push({ tokens: action.tokens })
    at = action.end
    trimNext = action.trims
  }
}

function readAction(source: string, start: number): { tokens: Token[]; end: number; trims: boolean } {
  const tokens: Token[] = []
  let at = start
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(source)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  for (;;) {
    const blank = take(BLANK) !== undefined
    if (source.startsWith('}}', at)) return { tokens, end: at + 2, trims: false }
    if (blank && source.startsWith('-}}', at)) return { tokens, end: at + 3, trims: true }
    if (at >= source.length) throw new TemplateError('unclosed action')
    const known = PIECES.some(({ kind, pattern, read }) => {
      const found = take(pattern)
      if (found === undefined || found === '') return false
      tokens.push({ kind, text: read(found), glued: !blank && tokens.length > 0 })
      return true
    })
    if (!known) throw new TemplateError(`unexpected ${JSON.stringify(source[at])} in command`)
  }
}

function readNumber(text: string): string {
  const number = Number(text.replaceAll('_', ''))
  if (Number.isNaN(number)) throw new TemplateError(`bad number syntax: "${text}"`)
  return String(number)
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|[\s\S])/g, (_, escaped: string) => {
    if (escaped.length > 1) return String.fromCodePoint(Number.parseInt(escaped.slice(1), 16))
    return ESCAPES[escaped] ?? escaped
  })
}
