/** Words, comments and their places. Quirks are CoreDNS's: quotes only open at a word's start, `#` opens a comment anywhere. */

import type { Finding } from './diagnostics.ts'
import type { Position, Token } from './model.ts'

/** A word as the lexer found it. */
export interface Word extends Token {
  /** Text before environment variables are replaced; quotes are removed. */
  raw: string
  quoted: boolean
  /** No word stands before it on its logical line; a line break inside quotes does not begin a new one. */
  startsLine: boolean
}

export interface Comment {
  /** With the `#`, without the line break. */
  text: string
  position: Position
}

export interface Lexed {
  words: Word[]
  comments: Comment[]
  findings: Finding[]
}

/** White space as Go's unicode.IsSpace has it. */
const SPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** Splits the text of a file into words; variables are not replaced yet. */
export function lex(file: string, text: string): Lexed {
  const words: Word[] = []
  const comments: Comment[] = []
  const findings: Finding[] = []
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let line = 1
  let lineStart = 0
  let startsLine = true
  /** A comment right behind a word on this line. */
  let glued: Position | undefined
  const place = (from: number, length: number): Position => ({
    file,
    line,
    column: from - lineStart + 1,
    length,
    imports: [],
  })
  const push = (raw: string, quoted: boolean, position: Position) => {
    words.push({ text: raw, raw, quoted, startsLine, position })
    if (glued && !startsLine) findings.push({ position: glued, code: 'glued-comment', params: [] })
    glued = undefined
    startsLine = false
  }

  while (at < text.length) {
    const char = text[at]!
    if (char === '\n') {
      at++
      line++
      lineStart = at
      startsLine = true
    } else if (SPACE.test(char)) {
      at++
    } else if (char === '#') {
      const end = endOfLine(text, at)
      comments.push({ text: text.slice(at, end), position: place(at, end - at) })
      at = end
    } else if (char === '"') {
      const { raw, end, closed } = readQuoted(text, at)
      const position = place(at, end - at)
      if (!closed) findings.push({ position, code: 'unterminated-quote', params: [] })
      if (closed || raw !== '') push(raw, true, position)
      for (let i = at; i < end; i++) {
        if (text[i] !== '\n') continue
        line++
        lineStart = i + 1
      }
      at = end
    } else {
      const start = at
      while (at < text.length && text[at] !== '#' && (text[at] === '\r' || !SPACE.test(text[at]!))) at++
      const raw = text.slice(start, at).replaceAll('\r', '')
      push(raw, false, place(start, text.slice(start, at).trimEnd().length))
      if (text[at] === '#') at = skipGluedComment(at)
    }
  }
  return { words, comments, findings }

  /** CoreDNS forgets that it is in a comment at the first blank when a word stands right before the `#`. */
  function skipGluedComment(start: number): number {
    let end = start
    while (end < text.length && (text[end] === '\r' || !SPACE.test(text[end]!))) end++
    glued = place(start, end - start)
    comments.push({ text: text.slice(start, end), position: glued })
    return end
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

function readQuoted(text: string, start: number): { raw: string; end: number; closed: boolean } {
  let raw = ''
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!
    if (char === '"') return { raw, end: at + 1, closed: true }
    if (char !== '\\') raw += char
    else if (at + 1 < text.length) {
      at++
      raw += text[at] === '"' ? '"' : `\\${text[at]}`
    }
  }
  return { raw, end: text.length, closed: false }
}
