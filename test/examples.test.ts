/** The plugins in docs/plugins/examples: each is tested where only corelet is installed, as the plugins of others are. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { pluginFiles } from '../src/cli/new/plugin-files.ts'
import { listFiles, ROOT, read } from './kit/sources.ts'

const run = promisify(execFile)
const EXAMPLES = 'docs/plugins/examples'
const names = [...new Set(listFiles(EXAMPLES).map((path) => path.split('/')[3]!))]
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules/corelet'))
})
after(() => rm(folder, { recursive: true, force: true }))

test('there are some', () => assert.ok(names.length >= 4))

for (const name of names) {
  test(`the tests of ${name} pass`, async () => {
    const cwd = join(folder, name)
    await cp(join(ROOT, EXAMPLES, name), cwd, { recursive: true })
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
    const args = ['--test', '--test-reporter=tap', '--test-timeout=60000']
    const { stdout } = await run(process.execPath, args, { cwd, env }).catch((error) => error)
    assert.match(stdout, /^# fail 0$/m, stdout)
    assert.match(stdout, /^# pass [1-9]\d*$/m, stdout)
  })

  test(`${name} is a folder as corelet new plugin makes it`, () => {
    const made = pluginFiles(name)
    const own = listFiles(`${EXAMPLES}/${name}`).map((path) => path.split('/').slice(4).join('/'))
    for (const path of made.keys()) assert.ok(own.includes(path), path)
    const textOf = (path: string) => read(`${EXAMPLES}/${name}/${path}`)
    const manifest = (text: string) => ({ ...JSON.parse(text), description: '', files: [] })
    assert.deepEqual(manifest(textOf('package.json')), manifest(made.get('package.json')!))
    assert.equal(textOf('tsconfig.json'), made.get('tsconfig.json'))
    const sections = (text: string) => [...text.matchAll(/^## .*/gm)].map(([heading]) => heading)
    assert.deepEqual([...sections(textOf('README.md')), '## Use'], sections(made.get('README.md')!))
    const published: string[] = JSON.parse(textOf('package.json')).files
    const code = own.filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    assert.deepEqual(published.toSorted(), [...code, 'README.md'].sort())
  })
}
