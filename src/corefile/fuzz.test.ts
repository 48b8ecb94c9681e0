import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashCorefile } from './hash.ts'
import { readKeys } from './keys.ts'
import { checkListeners } from './listeners.ts'
import { renderJson, renderText } from './render.ts'
import { parseSyntax } from './syntax.ts'
import { parseText } from './testing.ts'

const PIECES = [
  '{', '}', '{ ', '} ', '\n', '\n', ' ', '\t', '\r', '"', '\\', '#', ',', ', ', '.', '.:53', 'example.org', 'a,', '10.0.0.0/8',
  'log', 'log ', 'forward . ', 'cache ', 'import ', 'import s\n', 'import x\n', 'import *\n', '(s)', '(s) {\n', '{$A}', '{%B%}', '{$',
  '%}', '\u00a0', '\ufeff', 'tls://', '::', '😀',
] // biome-ignore format: a list
const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((all) => all.join(''))
const anyText = fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 200 }))

test('any text gives blocks or diagnostics that can be shown', async () => {
  await fc.assert(
    fc.asyncProperty(anyText, anyText, anyText, async (text, file, value) => {
      const { blocks, diagnostics, sources } = await parseText(text, { x: file }, { A: value, B: '{$A}' })
      const listening = blocks.map((block) => ({ ...readKeys(block.keys, 53), addresses: undefined, hasView: false }))
      const all = [...diagnostics, ...listening.flatMap((each) => each.diagnostics), ...checkListeners(listening)]
      for (const { file: name, line, column, length, message } of all) {
        const lines = sources.get(name)!.split('\n')
        assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${message}`)
        assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1, `column ${column} of ${message}`)
        assert.ok(length >= 0)
        assert.doesNotMatch(message, /undefined/)
      }
      renderText(all, sources)
      renderJson(all)
      hashCorefile(blocks)
    }),
    { numRuns: 1500 },
  )
})

test('the tree of any text has all its words and knows the braces that are open', async () => {
  await fc.assert(
    fc.asyncProperty(anyText, fc.constantFrom('blocks' as const, 'directives' as const), async (text, holds) => {
      const tree = await parseSyntax('Corefile', text, holds)
      const seen = new Set<unknown>()
      JSON.stringify({ ...tree, words: [] }, (_, value) => {
        if (value && typeof value === 'object' && 'raw' in value) seen.add(value)
        return value
      })
      assert.equal(seen.size, tree.words.length)
      const depth = tree.words.reduce((sum, { raw }) => Math.max(0, sum + (raw === '{' ? 1 : raw === '}' ? -1 : 0)), 0)
      assert.equal(tree.unclosed.length, depth)
    }),
    { numRuns: 1000 },
  )
})

const word = fc.stringMatching(/^[a-z0-9./:-]{1,8}$/).filter((text) => text !== 'import')
const line = fc.array(word, { minLength: 1, maxLength: 3 })
const directive = fc.tuple(
  fc.constantFrom('log', 'cache', 'forward'),
  line,
  fc.option(fc.array(line, { maxLength: 3 })),
)
const corefile = fc.array(fc.tuple(line, fc.array(directive, { maxLength: 4 })), { maxLength: 4 })

test('a well-formed Corefile reads as what was written', async () => {
  await fc.assert(
    fc.asyncProperty(corefile, async (written) => {
      const text = written
        .map(([keys, directives]) => {
          const lines = directives.map(
            ([name, args, block]) =>
              `  ${name} ${args.join(' ')}${block ? ` {\n${block.map((each) => `    ${each.join(' ')}\n`).join('')}  }` : ''}\n`,
          )
          return `${keys.join(', ')} {\n${lines.join('')}}\n`
        })
        .join('\n')
      const { blocks, diagnostics } = await parseText(text)
      assert.deepEqual(diagnostics, [])
      const read = blocks.map(({ keys, directives }) => [
        keys.map((key) => key.text),
        directives.map(({ name, args, block }) => [
          name.text,
          args.map((arg) => arg.text),
          block?.map((each) => [each.name.text, ...each.args.map((arg) => arg.text)]) ?? null,
        ]),
      ])
      assert.deepEqual(read, written)
    }),
    { numRuns: 300 },
  )
})
