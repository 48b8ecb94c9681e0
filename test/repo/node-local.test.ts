import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AGENT_FLAGS } from '../../src/cli/agent-flags.ts'
import { ROOT, read } from '../kit/sources.ts'

const page = read('docs/node-local.md')

test('the table of docs/node-local.md has every flag of the agent', () => {
  const rows = [...page.matchAll(/^\| `-([\w-]+)` \|/gm)].map(([, name]) => name)
  assert.deepEqual(rows.toSorted(), Object.keys(AGENT_FLAGS).toSorted())
})

test('each line of the checklists that is ticked names a test, and each other one says why it is not', () => {
  const lines = page.match(/^- \[[ x]\] .*$/gm) ?? []
  assert.ok(lines.length > 25)
  for (const line of lines) {
    if (line.startsWith('- [x]')) assert.match(line, /`[\w/-]+\.test\.ts`/, line)
    else assert.match(line, /: \S/, line)
  }
})

test('files that docs/node-local.md names are there', () => {
  const paths = [...page.matchAll(/`((?:src|test|plugins|deploy)\/[\w/.-]+)`/g)].map(([, path]) => path!)
  assert.ok(paths.length > 20)
  for (const path of paths) assert.ok(existsSync(join(ROOT, path)), path)
})

test('links within docs/node-local.md lead to a heading', () => {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, text]) => text!.toLowerCase().replaceAll(' ', '-'))
  for (const [, anchor] of page.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(headings.includes(anchor!), anchor)
})
