import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText } from '../testing/directives.ts'
import { definePlugin } from './define.ts'
import { one, option, optional, rest } from './directive.ts'
import { text } from './values.ts'

const plugin = definePlugin({
  name: 'example',
  summary: 'has an option of each arity',
  directive: {
    args: [],
    options: {
      fixed: option('one word', [one(text('WORD'))]),
      open: option('one word or two', [one(text('WORD')), optional(text('WORD'))]),
      list: option('words', [rest(text('WORD'))]),
      flag: option('no words', []),
    },
  },
})

const CASES: [line: string, code: string | undefined, values?: unknown[]][] = [
  ['fixed a', undefined, ['a']],
  ['open a', undefined, ['a', '}']],
  ['open a b', 'wrong-argument-count'],
  ['list a', undefined, [['a', '}']]],
  ['flag', 'wrong-argument-count'],
]
for (const [line, code, values] of CASES) {
  test(`example { ${line} } reads the brace as CoreDNS does`, async () => {
    const { options, diagnostics } = await readText(plugin, `example { ${line} }`)
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    assert.deepEqual(errors[0]?.code, code)
    const read = options[0]?.options
    if (values) assert.deepEqual([...read!.fixed, ...read!.open, ...read!.list][0]!.values, values)
  })
}
