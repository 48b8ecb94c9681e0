import { ExpressionError } from './errors.ts'

export type TokenKind = 'number' | 'string' | 'name' | 'operator' | 'end'

export interface Token {
  kind: TokenKind
  /** Value of a string, name or operator; digits of a number without `_`. */
  text: string
  /** Index in the text. */
  at: number
}

/** Operators and brackets, the longest first. */
const OPERATORS = /\?\?|\?\.|\?:|\*\*|\.\.|==|!=|<=|>=|&&|\|\||[-+*/%^<>!?:.,;|=#()[\]{}]/y
const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y
const NUMBER = /0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?/y
const NAME = /[\p{L}_$][\p{L}\p{N}_]*/uy
const POINTER = /#(index|acc)?/y
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v', '\\': '\\' }

/** Splits an expression into tokens; the last one is `end`. @throws ExpressionError */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const push = (kind: TokenKind, value: string, start: number) => void tokens.push({ kind, text: value, at: start })
  for (;;) {
    take(SPACE)
    const start = at
    const char = text[at]
    if (char === undefined) break
    if (char === '"' || char === "'" || char === '`') {
      const read = char === '`' ? readRaw(text, at) : readQuoted(text, at)
      at = read.end
      push('string', read.value, start)
    } else if (/\d/.test(char) || (char === '.' && /\d/.test(text[at + 1] ?? ''))) {
      push('number', readNumber(text, take), start)
    } else if (char === '#') {
      push('name', take(POINTER)!, start)
    } else {
      const name = take(NAME)
      if (name !== undefined) push('name', name, start)
      else {
        const operator = take(OPERATORS)
        if (operator === undefined) throw new ExpressionError(`unrecognized character: ${char}`, at)
        push('operator', operator, start)
      }
    }
  }
  push('end', '', at)
  return tokens

  /** `1..3` is a range, not the number `1.`. */
  function readNumber(whole: string, takeNext: typeof take): string {
    const start = at
    const range = /^\d[\d_]*(?=\.\.)/.exec(whole.slice(at, at + 32))?.[0]
    if (range !== undefined) at += range.length
    else takeNext(NUMBER)
    const digits = whole.slice(start, at).replaceAll('_', '')
    if (/[\p{L}\p{N}_]/u.test(whole[at] ?? '') || Number.isNaN(Number(digits))) {
      throw new ExpressionError(`bad number syntax: "${whole.slice(start, at + 1)}"`, start)
    }
    return digits
  }
}

function readRaw(text: string, start: number): { value: string; end: number } {
  const end = text.indexOf('`', start + 1)
  if (end < 0) throw new ExpressionError('literal not terminated', start)
  return { value: text.slice(start + 1, end), end: end + 1 }
}

function readQuoted(text: string, start: number): { value: string; end: number } {
  const quote = text[start]!
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!
    if (char === quote) return { value, end: at + 1 }
    if (char !== '\\') {
      value += char
      continue
    }
    const escaped = text[++at]
    const hex = /^(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\})/.exec(text.slice(at, at + 9))
    if (hex) {
      const code = Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16)
      if (code > 0x10ffff) throw new ExpressionError('invalid escape', at)
      value += String.fromCodePoint(code)
      at += hex[0].length - 1
    } else if (escaped !== undefined && Object.hasOwn(ESCAPES, escaped)) {
      value += ESCAPES[escaped]
    } else if (escaped === '"' || escaped === "'" || escaped === '`') {
      value += escaped
    } else {
      throw new ExpressionError(`unable to unescape string: \\${escaped ?? ''}`, at)
    }
  }
  throw new ExpressionError('literal not terminated', start)
}
