/** The npm package: JavaScript, as Node strips no types below node_modules. Built, laid where npm would lay it, and run. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT } from './kit/sources.ts'

const run = promisify(execFile)
let folder: string
let installed: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'))
  installed = join(folder, 'node_modules/corelet')
  await mkdir(join(folder, 'node_modules'))
  await run(process.execPath, [join(ROOT, 'deploy/npm/build.ts'), installed])
  await symlink(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
})

after(() => rm(folder, { recursive: true, force: true }))

test('its command runs', async () => {
  const { version, bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const { stdout } = await run(process.execPath, [join(installed, bin.corelet), '-version'])
  assert.match(stdout, new RegExp(`^corelet-${version}\n`))
})

test('its command serves with workers', async () => {
  const { bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const child = spawn(process.execPath, [join(installed, bin.corelet), '-conf', 'stdin'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end('.:0 {\n  bind 127.0.0.1\n  multisocket 2\n  whoami\n}\n')
  for await (const chunk of child.stdout) {
    if (String(chunk).includes(', node v')) child.kill('SIGTERM')
  }
  assert.equal(child.exitCode ?? (await once(child, 'exit'))[0], 0)
})

test('its command checks a Corefile with every built-in plugin that a block can have', async () => {
  const corefile = join(folder, 'Corefile')
  const lines = [
    'bind 127.0.0.1',
    'cache',
    'errors',
    'forward . 192.0.2.1',
    'health',
    'log',
    'loop',
    'prometheus',
    'ready',
    'reload',
  ]
  await writeFile(corefile, `. {\n  ${lines.join('\n  ')}\n}\n`)
  const { bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const { stdout, stderr } = await run(process.execPath, [join(installed, bin.corelet), 'check', corefile])
  assert.equal(stderr, '')
  assert.doesNotMatch(stdout, /error/i)
})

test('a new plugin works where only the package is installed: its tests, its types, and npm create', async () => {
  const { bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  await run(process.execPath, [join(installed, bin.corelet), 'new', 'plugin', 'first', '-dir', folder])
  await cp(join(ROOT, 'deploy/npm/create-corelet-plugin'), join(folder, 'node_modules/create-corelet-plugin'), {
    recursive: true,
  })
  const create = join(folder, 'node_modules/create-corelet-plugin/index.js')
  await run(process.execPath, [create, 'second', '-dir', folder])
  await symlink(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'))
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  for (const name of ['first', 'second']) {
    const cwd = join(folder, name)
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap'], { cwd, env })
    assert.match(stdout, /^# fail 0$/m)
    assert.match(stdout, /^# pass [1-9]\d*$/m)
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit'], { cwd })
  }
})

test('create-corelet-plugin is of the same version', async () => {
  const manifest = async (path: string) => JSON.parse(await readFile(join(ROOT, path), 'utf8'))
  const { version } = await manifest('package.json')
  const create = await manifest('deploy/npm/create-corelet-plugin/package.json')
  assert.deepEqual([create.version, create.dependencies], [version, { corelet: version }])
})

test('a plugin of a stranger finds the API and its types', async () => {
  const plugin = join(folder, 'plugin.mjs')
  await writeFile(plugin, `import { definePlugin } from 'corelet/plugin'\nconsole.log(typeof definePlugin)\n`)
  const { stdout } = await run(process.execPath, [plugin])
  assert.equal(stdout, 'function\n')
  await readFile(join(installed, 'src/plugin/index.d.ts'))
})
