import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lex } from './lexer.ts'

const texts = (source: string) => lex('Corefile', source).words.map(({ text }) => text)

const WORDS: [name: string, source: string, words: string[]][] = [
  ['nothing', '', []],
  ['a byte order mark is skipped once', '\ufeffa \ufeffb', ['a', '\ufeffb']],
  ['every Unicode blank separates', 'a\u00a0b\u2003c\u0085d\u2028e\tf\u3000g', ['a', 'b', 'c', 'd', 'e', 'f', 'g']],
  ['a zero width blank does not', 'a\u200bb', ['a\u200bb']],
  ['CR is dropped without separating', 'a\rb\r\nc', ['ab', 'c']],
  ['CR in quotes is kept', '"a\r\nb"', ['a\r\nb']],
  ['quotes keep blanks', '"a b" c', ['a b', 'c']],
  ['a quote within a word is literal', 'a"b c"', ['a"b', 'c"']],
  ['the closing quote ends the word', '"a"b', ['a', 'b']],
  ['only escaped quotes are unescaped', String.raw`"a\"b\\c\nd"`, [String.raw`a"b\\c\nd`]],
  ['a backslash outside quotes is ordinary', String.raw`a\"b \ c`, [String.raw`a\"b`, '\\', 'c']],
  ['the empty word', '"" a', ['', 'a']],
  ['single quotes and backticks are ordinary', "'a b' `c`", ["'a", "b'", '`c`']],
  ['an unterminated quote takes the rest', 'a "b\nc', ['a', 'b\nc']],
  ['an unterminated quote without text is dropped', 'a "', ['a']],
  ['a backslash at the very end of it too', 'a "b\\', ['a', 'b']],
  ['comments', '# a\nb # c\n#d', ['b']],
  ['a quote in a comment is part of it', 'a # "b\nc', ['a', 'c']],
  ['a # in quotes is text', '"a # b"', ['a # b']],
  ['a glued comment ends at the blank', 'a#b c d', ['a', 'c', 'd']],
  ['a glued comment at the end of the line', 'a#b\nc', ['a', 'c']],
  ['a glued comment opens no quote', 'a#"x y" z', ['a', 'y"', 'z']],
  ['braces glued to words are words', '.{ log{ }}', ['.{', 'log{', '}}']],
]
for (const [name, source, words] of WORDS) test(`words: ${name}`, () => assert.deepEqual(texts(source), words))

test('positions count UTF-16 units from 1', () => {
  const { words, comments } = lex('f', '\ufeffa "b\nc" d # e\n  😀x y\n')
  const places = words.map(({ text, position, startsLine }) => [
    text,
    position.line,
    position.column,
    position.length,
    startsLine,
  ])
  assert.deepEqual(places, [
    ['a', 1, 2, 1, true],
    ['b\nc', 1, 4, 5, false],
    ['d', 2, 4, 1, false],
    ['😀x', 3, 3, 3, true],
    ['y', 3, 7, 1, false],
  ])
  assert.deepEqual(comments, [{ text: '# e', position: { file: 'f', line: 2, column: 6, length: 3, imports: [] } }])
})

test('words that a glued comment lets through are warned of, others are not', () => {
  const codes = (source: string) => lex('f', source).findings.map(({ code, position }) => [code, position.column])
  assert.deepEqual(codes('a#b c d#e f\n'), [
    ['glued-comment', 2],
    ['glued-comment', 8],
  ])
  assert.deepEqual(codes('a#b\nc #d e\n'), [])
  assert.deepEqual(codes('a#b # c\nd'), [])
})

test('comments keep their text, glued ones end at the blank', () => {
  const { comments } = lex('f', '# one\na#two three # four\r\n')
  assert.deepEqual(
    comments.map(({ text }) => text),
    ['# one', '#two', '# four\r'],
  )
})
