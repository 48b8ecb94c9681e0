import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listFiles, listPlugins, ROOT, read } from '../kit/sources.ts'

const code = ['src', 'plugins', 'test'].flatMap(listFiles).filter((path) => path.endsWith('.ts'))

test('no file is longer than a reader likes', () => {
  const long = code
    .filter((path) => !path.startsWith('test/'))
    .map((path) => [path, read(path).split('\n').length] as const)
    .filter(([, lines]) => lines > 401)
  assert.deepEqual(long, [])
})

test('names of files are words joined by hyphens, those of plugins as in a Corefile', () => {
  const odd = code.filter(
    (path) => !/^(plugins\/[a-z0-9_-]+\/)?([a-z0-9-]+\/)*[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(path),
  )
  assert.deepEqual(odd, [])
})

test('nothing is left to do in the code', () => {
  const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].map((mark) => `\\b${mark}\\b`).join('|'))
  const left = [...code, ...listFiles('corefiles')].filter((path) => marks.test(read(path)))
  assert.deepEqual(left, [])
})

test('only plugins have a default export', () => {
  const wrong = code.filter(
    (path) => /^export default /m.test(read(path)) && !/^plugins\/[a-z0-9_-]+\/index\.ts$/.test(path),
  )
  assert.deepEqual(
    wrong.filter((path) => !path.startsWith('test/')),
    [],
  )
})

test('each plugin has its README, its code and its tests', () => {
  const files = listFiles('plugins')
  for (const name of listPlugins()) {
    for (const file of ['README.md', 'index.ts'])
      assert.ok(files.includes(`plugins/${name}/${file}`), `${name}: ${file}`)
    assert.ok(
      files.some((path) => path.startsWith(`plugins/${name}/`) && path.endsWith('.test.ts')),
      `${name}: tests`,
    )
  }
})

test('package.json pins what it depends on and names what exists', () => {
  const manifest = JSON.parse(read('package.json'))
  const lock = JSON.parse(read('package-lock.json'))
  for (const field of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries<string>(manifest[field] ?? {})) {
      assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is pinned`)
      assert.equal(lock.packages[`node_modules/${name}`]?.version, version, `${name} in package-lock.json`)
    }
  }
  assert.equal(manifest.type, 'module')
  assert.equal(manifest.license, 'Apache-2.0')
  assert.match(read('LICENSE'), /Apache License\s+Version 2\.0/)
  assert.deepEqual(Object.keys(manifest.exports).slice(0, 1), ['./plugin'])
  for (const path of [...Object.values<string>(manifest.exports), ...Object.values<string>(manifest.bin)]) {
    assert.ok(existsSync(join(ROOT, path)), path)
  }
  for (const script of ['start', 'test', 'lint', 'typecheck']) assert.ok(manifest.scripts[script], script)
  assert.ok(read('CHANGELOG.md').includes(`## ${manifest.version}`), 'CHANGELOG.md knows the version')
})

test('package-lock.json takes packages from no particular host', () => {
  const lock = JSON.parse(read('package-lock.json'))
  const bound = Object.values<{ resolved?: string }>(lock.packages).filter(({ resolved }) => resolved !== undefined)
  assert.deepEqual(bound, [])
})
