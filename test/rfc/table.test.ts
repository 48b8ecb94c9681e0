/** docs/reliability.md names tests by their titles: each must be there. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, read } from '../kit/sources.ts'

const rows = ['Rules of RFCs', 'Advisories']
  .flatMap((title) => read('docs/reliability.md').split(`\n## ${title}\n`)[1]?.split('\n## ', 1) ?? [])
  .flatMap((section) => section.split('\n'))
  .filter((line) => /^\| (?!RFC|advisory|-).*\]\(\.\.\//.test(line))

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
