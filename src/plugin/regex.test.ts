import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_PATTERN, Regex, RegexError } from './regex.ts'

test('a pattern is searched for anywhere, and gives its groups', () => {
  const regex = new Regex('(?P<first>a+)(b)?')
  assert.deepEqual(regex.match('xaay'), ['aa', 'aa', ''])
  assert.deepEqual([regex.groupCount, regex.names], [2, { first: 1 }])
  assert.equal(regex.match('x'), undefined)
  assert.deepEqual([regex.test('xab'), regex.test('b')], [true, false])
})

test('what is no RE2 pattern is refused with the reason', () => {
  for (const pattern of ['(', 'a(?=b)', '(a)\\1', '[z-a]', 'a**'])
    assert.throws(() => new Regex(pattern), RegexError, pattern)
  assert.throws(() => new Regex('('), /^RegexError: missing closing \)$/)
  assert.throws(() => new Regex('a'.repeat(MAX_PATTERN + 1)), RegexError)
})
