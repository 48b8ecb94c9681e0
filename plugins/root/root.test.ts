import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { checkDirectives, startPlugin, startServer } from 'corelet/plugin/testing'
import { temporaryFolder } from '../../test/kit/folder.ts'
import root from './index.ts'

const folder = temporaryFolder('root')
before(async () => {
  await writeFile(join(folder, 'hosts'), '192.0.2.7 seven.example\n')
})

test('the directive takes a folder; the last one counts', async () => {
  await checkDirectives(root, [
    ['root /etc/dns', { path: '/etc/dns' }],
    ['root /a\nroot /b', { path: '/b' }],
    ['root', '2:1 wrong-argument-count'],
    ['root /a /b', '2:9 wrong-argument-count'],
    ['root /a {\n  x\n}', '3:3 unknown-property'],
  ])
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
