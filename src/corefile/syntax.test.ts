import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BlockNode, parseSyntax, type StatementNode } from './syntax.ts'

const words = (statement: StatementNode) => statement.parts.map((part) => part.words.map(({ raw }) => raw))

test('a tree keeps comments, positions, imports, snippets and variables as they are written', async () => {
  const tree = await parseSyntax(
    'Corefile',
    '# top\n(s) { log }\nimport a.conf b # why\n{$ZONE} { # zone\n  import s\n  cache {\n    # empty\n  }\n}\n}\n',
  )
  assert.deepEqual(
    tree.items.map((item) => item.kind),
    ['block', 'import', 'block', 'stray'],
  )
  const [, , block] = tree.items as BlockNode[]
  assert.equal(block!.keys[0]!.raw, '{$ZONE}')
  assert.deepEqual(block!.statements.map(words), [[['import', 's']], [['cache']]])
  assert.equal(block!.open!.position.line, 4)
  assert.equal(block!.close!.position.line, 9)
  const cache = block!.statements[1]!.parts[0]!
  assert.deepEqual([cache.open!.position.line, cache.statements, cache.close!.position.line], [6, [], 8])
  assert.deepEqual(
    tree.comments.map(({ text, position }) => [text, position.line, position.column]),
    [
      ['# top', 1, 1],
      ['# why', 3, 17],
      ['# zone', 4, 11],
      ['# empty', 7, 5],
    ],
  )
})

test('a file of directives is read as such', async () => {
  const tree = await parseSyntax('x.override', 'log\nforward . 127.0.0.1 {\n  policy random\n}\n', 'directives')
  assert.deepEqual(tree.statements.map(words), [[['log']], [['forward', '.', '127.0.0.1']]])
  assert.deepEqual(tree.items, [])
})

test('an unfinished file gives what there is of the tree', async () => {
  const tree = await parseSyntax('Corefile', '. {\n  whoami\n  log {\n    class')
  const block = tree.items[0] as BlockNode
  assert.deepEqual(block.statements.map(words), [[['whoami']], [['log']]])
  assert.deepEqual(block.statements[1]!.parts[0]!.statements.map(words), [[['class']]])
  assert.equal(block.close, undefined)
  assert.deepEqual(
    tree.unclosed.map(({ position }) => position.line),
    [1, 3],
  )
})
