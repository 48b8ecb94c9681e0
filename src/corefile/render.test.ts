import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Diagnostic } from './model.ts'
import { renderHeadline, renderJson, renderText } from './render.ts'
import { parseText } from './testing.ts'

test('text begins as in CoreDNS, then shows the line', async () => {
  const { diagnostics, sources } = await parseText('(s) {\n\tlogg all # x\n}\n. {\n  import s\n', {})
  assert.equal(
    renderText(diagnostics, sources),
    [
      "Corefile:2 - Error during parsing: Unknown directive 'logg'",
      '  --> Corefile:2:2 [unknown-directive]',
      '  2 | \tlogg all # x',
      '    | \t^~~~',
      '  imported by Corefile:5:3 (import s)',
      '  hint: did you mean log?',
      '',
      "Corefile:2 - Syntax error: Unexpected token 'all', expecting '}'",
      '  --> Corefile:2:7 [missing-brace]',
      '  2 | \tlogg all # x',
      '    | \t     ^~~',
      '  imported by Corefile:5:3 (import s)',
      '  hint: the { on line 4 is not closed',
      '',
    ].join('\n'),
  )
})

const DIAGNOSTIC: Diagnostic = {
  code: 'cache/bad-ttl',
  severity: 'error',
  message: 'cache TTL can not be zero or negative: 0',
  plugin: 'cache',
  file: 'Corefile',
  line: 3,
  column: 9,
  length: 1,
  imports: [{ file: 'Corefile', line: 1, column: 1, pattern: 'x' }],
}

test('a diagnostic of a plugin has its name in front', () => {
  assert.equal(
    renderHeadline(DIAGNOSTIC),
    'plugin/cache: Corefile:3 - Error during parsing: cache TTL can not be zero or negative: 0',
  )
})

test('a warning says so', () => {
  assert.equal(
    renderHeadline({ ...DIAGNOSTIC, severity: 'warning', message: 'odd' }),
    'plugin/cache: Corefile:3 - Warning: odd',
  )
})

test('JSON has the same keys in the same order', () => {
  const { code, ...rest } = DIAGNOSTIC
  assert.equal(renderJson([{ ...rest, hint: 'h', code }]), renderJson([{ ...DIAGNOSTIC, hint: 'h' }]))
  assert.deepEqual(JSON.parse(renderJson([DIAGNOSTIC])), { diagnostics: [DIAGNOSTIC] })
  assert.deepEqual(Object.keys(JSON.parse(renderJson([DIAGNOSTIC])).diagnostics[0]), [
    'code',
    'severity',
    'message',
    'plugin',
    'file',
    'line',
    'column',
    'length',
    'imports',
  ])
  assert.equal(renderJson([]), '{\n  "diagnostics": []\n}\n')
})

test('nothing to say is nothing', () => assert.equal(renderText([], new Map()), ''))

test('long lines are cut around the word, which may end beyond its line', async () => {
  const { diagnostics, sources } = await parseText(`. {\n  log ${'a '.repeat(300)}\n  log "open${'\nx'.repeat(300)}`)
  for (const line of renderText(diagnostics, sources).split('\n')) {
    if (line.startsWith('  ') && line.includes(' | ')) assert.ok(line.length < 140, line)
  }
  const far = { ...DIAGNOSTIC, line: 2, column: 401, length: 1 }
  const [, , shown, marked] = renderText([far], new Map([['Corefile', `\n${'b'.repeat(400)}c`]])).split('\n')
  assert.equal(shown![marked!.indexOf('^')], 'c')
})

test('lines may end in CRLF', async () => {
  const { diagnostics, sources } = await parseText('. {\r\n  logg\r\n}\r\n')
  assert.match(renderText(diagnostics, sources), /^ {2}2 \| {3}logg$/m)
})

test('control characters do not reach the terminal', async () => {
  const { diagnostics, sources } = await parseText('. {\n  \x1b[31mred\x07 "a\nb"\n}\n')
  assert.doesNotMatch(renderText(diagnostics, sources), /[\x00-\x08\x0b-\x1f]/)
})
