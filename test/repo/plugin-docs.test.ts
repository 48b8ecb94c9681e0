/** docs/plugins.md against the code: its plugin runs, and no part of the API is left out. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { startServer, toLines } from 'corelet/plugin/testing'
import { listFences, read } from '../kit/sources.ts'

const PAGE = 'docs/plugins.md'

/** Names that a module exports, types among them. */
function exportsOf(path: string): string[] {
  const text = read(path)
  const declared = text.matchAll(/^export (?:abstract |async )*(?:function|class|const|interface|type) (\w+)/gm)
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names]) => names!.split(','))
  const starred = [...text.matchAll(/^export (?:type )?\* from '([^']+)'/gm)].flatMap(([, target]) =>
    exportsOf(posix.join(posix.dirname(path), target!)),
  )
  const names = listed.map((name) => name.trim().replace(/^type /, '')).filter((name) => name !== '')
  return [...[...declared].map(([, name]) => name!), ...names, ...starred]
}

for (const path of ['src/plugin/index.ts', 'src/testing/index.ts']) {
  test(`${PAGE} mentions all that ${path} exports`, () => {
    const names = exportsOf(path)
    assert.ok(names.length > 20)
    const code = [...read(PAGE).matchAll(/`[^`\n]+`/g)].map(([text]) => text).join(' ')
    const words = new Set(code.match(/\w+/g))
    assert.deepEqual(
      names.filter((name) => !words.has(name)),
      [],
    )
  })
}

test(`the plugin in ${PAGE} works`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plugin-docs-'))
  try {
    const [plugin] = listFences(PAGE, 'ts')
    const list = listFences(PAGE, '').find(({ text }) => text.includes('greet:./plugins/greet.ts'))
    await writeFile(join(folder, 'greet.ts'), plugin!.text)
    const lines = list!.text.split('\n').filter((line) => !line.startsWith('limit:'))
    await writeFile(join(folder, 'plugin.cfg'), lines.join('\n').replace('./plugins/', './'))
    await using server = await startServer('. {\n  greet {\n    name you\n  }\n}\n', { folder })
    assert.deepEqual(toLines((await server.query('x.test', 'TXT')).answers), ['x.test. 60 IN TXT "Hello, you!"'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
