import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replaceVariables } from './environment.ts'

const ENV = {
  A: 'one',
  B: '{$A}',
  C: '{%A%}',
  D: '{$E}{$A}',
  E: '{$A}',
  SELF: '{$SELF}',
  GROWS: 'x{$GROWS}',
  PING: '{$PONG}',
  PONG: '{$PING}',
  BOMB: '{$BOMB1}'.repeat(100),
  BOMB1: '{$BOMB2}'.repeat(100),
  BOMB2: '{$BOMB3}'.repeat(100),
  BOMB3: 'x'.repeat(100),
}

const CASES: [word: string, expected: string | undefined][] = [
  ['plain', 'plain'],
  ['{$A}', 'one'],
  ['{%A%}', 'one'],
  ['a{$A}b{%A%}c', 'aonebonec'],
  ['{$UNSET}', ''],
  ['{$__proto__}{$toString}', ''],
  ['{$}', '{$}'],
  ['{%%}', '{%%}'],
  ['{%}', '{%}'],
  ['{$A', '{$A'],
  ['{%A', '{%A'],
  ['{$}{$A}', '{$}{$A}'],
  ['{%%}{%A%}{$A}', '{%%}{%A%}one'],
  ['{$A}{$A}', 'oneone'],
  ['{$B}', 'one'],
  ['{$C}', '{%A%}'],
  ['{%B%}', 'one'],
  ['{$D}', 'oneone'],
  ['{{$A}}', '{one}'],
  ['{{ $A }}', '{{ $A }}'],
  ['{$SELF}', undefined],
  ['{$GROWS}', undefined],
  ['{$PING}', undefined],
  ['{$BOMB}', undefined],
]
for (const [word, expected] of CASES)
  test(`variables of ${word}`, () => assert.equal(replaceVariables(word, ENV), expected))
