import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readText, startPlugin, startServer } from 'corelet/plugin/testing'
import root from './index.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'root-'))
  await writeFile(join(folder, 'hosts'), '192.0.2.7 seven.example\n')
})
after(() => rm(folder, { recursive: true }))

test('the directive takes a folder; the last one counts', async () => {
  const cases: [text: string, codes: [code: string, line: number, column: number][], path?: string][] = [
    ['root /etc/dns', [], '/etc/dns'],
    ['root /a\nroot /b', [], '/b'],
    ['root', [['wrong-argument-count', 2, 1]]],
    ['root /a /b', [['wrong-argument-count', 2, 9]]],
    ['root /a {\n  x\n}', [['unknown-property', 3, 3]]],
  ]
  for (const [text, codes, path] of cases) {
    const { options, diagnostics } = await readText(root, text)
    assert.deepEqual(
      diagnostics.map(({ code, line, column }) => [code, line, column]),
      codes,
      text,
    )
    assert.deepEqual(options, path === undefined ? [] : [{ path }])
  }
})

test('a folder that is there is taken without a word, one that is not with a warning', async () => {
  const good = await startPlugin(root, `root ${folder}`)
  assert.deepEqual([good.settings.root, good.context.lines, good.running.handler], [folder, [], undefined])
  const missing = await startPlugin(root, `root ${folder}/none`)
  assert.deepEqual(missing.context.lines, [`[WARNING] plugin/root: Root path does not exist: ${folder}/none`])
})

test('one that can not be looked at is an error', async () => {
  await assert.rejects(startPlugin(root, `root ${folder}/hosts/below`), /unable to access root path '.*\/hosts\/below'/)
})

test('paths of other plugins start there, wherever the directive stands', async () => {
  const server = await startServer(`. {\nhosts hosts\nroot ${folder}\n}`)
  try {
    assert.deepEqual(
      (await server.query('seven.example', 'A')).answers.map(({ data }) => data),
      ['192.0.2.7'],
    )
  } finally {
    await server.stop()
  }
})
