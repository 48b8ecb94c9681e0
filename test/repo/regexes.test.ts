/** A pattern that users write must not hold up the process: patterns that are not constants run in linear time, in one place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listImports, listProduction } from '../kit/imports.ts'
import { read } from '../kit/sources.ts'

/** Where patterns of users are compiled. */
const HELPER = 'src/plugin/regex.ts'

/** White space and comments: nothing follows the repetition, so nothing is tried again. */
const NEVER_FAILS = 'src/expression/lexer.ts'

const production = listProduction()

test('re2js is imported in one place', () => {
  const importers = production.filter((path) => listImports(path).some(({ to }) => to === 're2js'))
  assert.deepEqual(importers, [HELPER])
})

test('no other pattern is made while the program runs', () => {
  const made = production.flatMap((path) =>
    [...read(path).matchAll(/\bRegExp\((?!\w+\.source\b).*/g)].map(([text]) => `${path}: ${text}`),
  )
  assert.deepEqual(made, [])
})

test('constant patterns repeat nothing that is repeated', () => {
  const literals = production.flatMap((path) =>
    [...read(path).matchAll(/(?<=[=(,:?&|!]\s*)\/((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/[dgimsuvy]*/g)].map(
      ([, source]) => [path, source!] as const,
    ),
  )
  assert.ok(literals.length > 20)
  assert.deepEqual(
    literals.filter(([path, source]) => !isLinear(source) && path !== NEVER_FAILS),
    [],
  )
})

/** Whether a pattern, by a cautious look, has no group with a repetition of unknown length that is repeated itself, such as `(a+)+`. */
function isLinear(source: string): boolean {
  const plain = source.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x')
  const open: boolean[] = []
  let inner = false
  for (let at = 0; at < plain.length; at++) {
    const repeats = /^(?:[*+]|\{\d*,\})/.test(plain.slice(at))
    if (plain[at] === '(') {
      open.push(inner)
      inner = false
    } else if (plain[at] === ')') {
      const repeated = /^(?:[*+]|\{\d*,\})/.test(plain.slice(at + 1))
      if (inner && repeated) return false
      inner = (open.pop() ?? false) || inner || repeated
    } else if (repeats) {
      inner = true
    }
  }
  return true
}
