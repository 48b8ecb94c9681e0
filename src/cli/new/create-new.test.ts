import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { temporaryFolder } from '../../../test/kit/folder.ts'
import { killLeftovers, runCli } from '../../../test/kit/process.ts'

const folder = temporaryFolder('new')
afterEach(killLeftovers)

test('a folder with all that a plugin needs, and what to do with it', async () => {
  const { code, stdout, stderr } = await runCli(['new', 'plugin', 'rate-limit', '-dir', folder])
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(readdirSync(join(folder, 'rate-limit')).sort(), [
    'Corefile',
    'README.md',
    'index.ts',
    'package.json',
    'plugin.cfg',
    'rate-limit.test.ts',
    'tsconfig.json',
  ])
  assert.match(stdout, /corelet -conf \S+\/rate-limit\/Corefile -dns\.port 1053/)
  const again = await runCli(['new', 'plugin', 'rate-limit', '--dir', folder])
  assert.deepEqual([again.code, again.stdout], [1, ''])
  assert.match(again.stderr, /rate-limit is there already \[folder-exists\]\n {2}hint: /)
})

const WRONG: [args: string[], code: number, words: RegExp][] = [
  [['plugin', 'Rate'], 1, /'Rate' is no name of a plugin \[bad-plugin-name\]/],
  [['plugin', '../x'], 1, /\[bad-plugin-name\]/],
  [['plugin', 'x'.repeat(41)], 1, /\[bad-plugin-name\]/],
  [['plugin', 'cache'], 1, /'cache' is the name of a plugin of corelet or CoreDNS \[plugin-name-taken\]/],
  [['plugin', 'kubernetes'], 1, /\[plugin-name-taken\]/],
  [['plugin', 'mine', '-dir', '/no/such/folder'], 1, /ENOENT.* \[folder-not-written\]/],
  [['plugin'], 2, /^say what is to be made: plugin NAME\nUsage: /],
  [['zone', 'x'], 2, /^say what/],
  [['plugin', 'a', 'b'], 2, /^say what/],
  [['plugin', 'a', '--colour'], 2, /--colour/],
]
for (const [args, code, words] of WRONG) {
  test(`new ${args.join(' ').slice(0, 40)} ends with ${code}`, async () => {
    const result = await runCli(['new', ...args], { cwd: folder })
    assert.equal(result.code, code)
    assert.match(result.stderr, words)
  })
}

test('the Corefile of a new plugin has no mistake', async () => {
  await runCli(['new', 'plugin', 'mine'], { cwd: folder })
  const { code, stdout } = await runCli(['check', join(folder, 'mine/Corefile')])
  assert.deepEqual([code, stdout], [0, ''])
})
