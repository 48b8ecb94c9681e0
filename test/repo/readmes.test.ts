import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { order } from '../../plugins/order.ts'
import type { AnyPlugin } from '../../src/plugin/define.ts'
import { loadText, showDiagnostics } from '../kit/load.ts'
import { listFences, listFiles, listPlugins, ROOT, read } from '../kit/sources.ts'

const SECTIONS = ['Name', 'Description', 'Syntax', 'Metrics', 'Ready', 'Examples', 'Differences from CoreDNS']

const readmes = listPlugins().map((name) => `plugins/${name}/README.md`)
const docs = existsSync(join(ROOT, 'docs')) ? listFiles('docs').filter((path) => path.endsWith('.md')) : []
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...docs,
  ...readmes,
].filter((path) => existsSync(join(ROOT, path)))

for (const name of listPlugins()) {
  test(`plugins/${name}/README.md has the sections of a manual page`, () => {
    const text = read(`plugins/${name}/README.md`).replace(/^```[\s\S]*?^```$/gm, '')
    assert.ok(text.startsWith(`# ${name}\n`))
    const sections = [...text.matchAll(/^## (.*)$/gm)].map(([, section]) => section)
    assert.deepEqual(sections, SECTIONS)
    assert.match(text, new RegExp(`## Name\\n\\n[*_]${name}[*_] - .*\\.\\n`), 'the name, a dash and a sentence')
    for (const section of SECTIONS.filter((each) => each !== 'Syntax' && each !== 'Examples')) {
      assert.match(text, new RegExp(`## ${section}\\n\\n\\s*[^#\\s]`), `${section} says something`)
    }
  })

  test(`plugins/${name}/README.md explains every option`, async () => {
    const load = order.find(([each]) => each === name)![1]
    const { directive } = (await load()).default as AnyPlugin
    const heading = read(`plugins/${name}/README.md`).split('\n').indexOf('## Syntax')
    const syntax = listFences(`plugins/${name}/README.md`, '').find(({ line }) => line > heading)
    assert.ok(syntax, 'a plain fence behind the heading')
    assert.ok(syntax.text.startsWith(name))
    const text = read(`plugins/${name}/README.md`)
    for (const option of Object.keys(directive.options ?? {})) {
      assert.match(syntax.text, new RegExp(`^\\s+\\[?${option}\\b`, 'm'), `${option} in the syntax`)
      assert.ok(text.includes(`\`${option}`), `${option} in the text`)
    }
  })

  test(`plugins/${name}/README.md has a whole Corefile as an example`, () => {
    assert.ok(listFences(`plugins/${name}/README.md`, 'corefile').length > 0)
  })
}

for (const { path, line, text } of documents.flatMap((path) => listFences(path, 'corefile'))) {
  test(`the Corefile in ${path}:${line} loads`, async () => {
    assert.deepEqual(showDiagnostics(await loadText(text, folderOf(path))), [])
  })
}

/** Where the Corefiles of a document lie: beside it when it has a plugin list. */
function folderOf(path: string): string {
  const folder = join(ROOT, dirname(path))
  return existsSync(join(folder, 'plugin.cfg')) ? folder : ROOT
}

test('links between documents lead somewhere', () => {
  for (const path of documents) {
    for (const [, target] of read(path).matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(path), target!)), `${path} links to ${target}`)
    }
  }
})

test('the table of README.md lists every plugin', () => {
  const rows = [...read('README.md').matchAll(/^\| \[([\w-]+)\]\(plugins\/([\w-]+)\/README\.md\) *\|/gm)]
  assert.deepEqual(
    rows.map(([, name]) => name),
    listPlugins(),
  )
  for (const [, name, folder] of rows) assert.equal(name, folder)
})
