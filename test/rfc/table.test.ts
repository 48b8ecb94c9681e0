/** docs/reliability.md names tests by their titles: each must be there. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, read } from '../kit/sources.ts'

const rows = read('docs/reliability.md')
  .split('\n')
  .filter((line) => /^\| (?!RFC|advisory|event|-).*\]\(\.\.\//.test(line))

test('the tables are there', () => assert.ok(rows.length > 50))

for (const row of rows) {
  const [, subject = '', rule = '', tests = ''] = row.split('|').map((cell) => cell.trim())
  test(`${subject}: ${rule}`, () => {
    const links = [...tests.matchAll(/\[([^\]]+)\]\(\.\.\/([^)]+)\)/g)]
    assert.ok(links.length > 0)
    for (const [, title, path] of links) {
      assert.ok(existsSync(join(ROOT, path!)), path)
      assert.ok(read(path!).includes(title!), `${path} has no ${title}`)
    }
  })
}
