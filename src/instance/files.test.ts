import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { globPaths, systemFiles } from './files.ts'

const root = mkdtempSync(join(tmpdir(), 'corelet-files-'))
after(() => rmSync(root, { recursive: true }))
for (const folder of ['a', 'b', 'b/c', 'x*y']) mkdirSync(join(root, folder))
for (const file of [
  'a/1.conf',
  'a/2.conf',
  'a/.hidden.conf',
  'a/10.conf',
  'a/Ä.conf',
  'b/1.conf',
  'b/c/1.conf',
  'x*y/1',
  'a/+(1)',
])
  writeFileSync(join(root, file), file)
symlinkSync(join(root, 'missing'), join(root, 'a/dangling'))
writeFileSync(join(root, 'octets'), Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff]))

const CASES: [pattern: string, found: string[] | undefined][] = [
  ['a/1.conf', ['a/1.conf']],
  ['a/missing', []],
  ['a/dangling', ['a/dangling']],
  ['a/*.conf', ['a/.hidden.conf', 'a/1.conf', 'a/10.conf', 'a/2.conf', 'a/Ä.conf']],
  ['a/?.conf', ['a/1.conf', 'a/2.conf', 'a/Ä.conf']],
  ['a/*', ['a/+(1)', 'a/.hidden.conf', 'a/1.conf', 'a/10.conf', 'a/2.conf', 'a/dangling', 'a/Ä.conf']],
  ['a/+(?)', ['a/+(1)']],
  ['*/1.conf', ['a/1.conf', 'b/1.conf']],
  ['*/*/1.conf', ['b/c/1.conf']],
  ['b*', ['b']],
  ['a/1*', ['a/1.conf', 'a/10.conf']],
  ['a/*1*.c*f', ['a/1.conf', 'a/10.conf']],
  ['a/**.conf*', ['a/.hidden.conf', 'a/1.conf', 'a/10.conf', 'a/2.conf', 'a/Ä.conf']],
  ['missing/*', []],
  ['a/1.conf/*', []],
  ['x\\*y/1', ['x*y/1']],
  ['x\\*y/?', ['x*y/1']],
  ['x\\*?', ['x*y']],
  ['a[', undefined],
  ['a\\', undefined],
  ['[a]/1.conf', undefined],
]
for (const [pattern, found] of CASES) {
  test(`glob ${pattern}`, () => {
    const paths = globPaths(`${root}/${pattern}`)
    assert.deepEqual(
      paths?.map((path) => relative(root, path)),
      found,
    )
  })
}

test('a pattern with many stars takes no time', () => {
  const folder = join(root, 'long')
  mkdirSync(folder)
  writeFileSync(join(folder, 'a'.repeat(200)), '')
  assert.deepEqual(globPaths(`${folder}/${'*a'.repeat(40)}*b`), [])
  assert.equal(globPaths(`${folder}/${'*a'.repeat(40)}*`)?.length, 1)
})

test('paths start at the folder of the file that names them', () => {
  assert.equal(systemFiles.resolve('/etc/corelet/Corefile', 'x/y.conf'), '/etc/corelet/x/y.conf')
  assert.equal(systemFiles.resolve('/etc/corelet/Corefile', '../x'), '/etc/x')
  assert.equal(systemFiles.resolve('/etc/corelet/Corefile', '/x'), '/x')
  assert.equal(systemFiles.resolve('/dev/stdin', 'x'), '/dev/x')
  assert.equal(systemFiles.resolve('Corefile', 'x'), join(process.cwd(), 'x'))
})

test('files are read as UTF-8; what is none is replaced', () => {
  assert.deepEqual(systemFiles.readFile(join(root, 'octets')), { text: '\ufeffa\ufffd' })
})

test('a named pipe is refused instead of waited for', () => {
  const pipe = join(root, 'pipe')
  execFileSync('mkfifo', [pipe])
  assert.deepEqual(systemFiles.readFile(pipe), { error: 'is a named pipe' })
  rmSync(pipe)
})

test('what the shell hands over as a descriptor is read', () => {
  const script = `import { systemFiles } from '${import.meta.dirname}/files.ts'; console.log(systemFiles.readFile('/dev/fd/0').text)`
  const args = ['--input-type=module', '-e', script]
  const { stdout } = spawnSync('bash', ['-c', `printf 'handed over' | "$0" "$@"`, process.execPath, ...args])
  assert.equal(String(stdout), 'handed over\n')
})

test('why a file can not be read', () => {
  assert.deepEqual(systemFiles.readFile(join(root, 'a')), { error: 'is a directory' })
  assert.deepEqual(systemFiles.readFile(join(root, 'a/dangling')), { error: 'no such file or directory' })
  assert.deepEqual(systemFiles.readFile(join(root, 'octets/x')), { error: 'not a directory' })
  assert.ok('error' in systemFiles.readFile('/dev/zero\0'))
  assert.deepEqual(systemFiles.readFile('/dev/zero'), { error: 'is larger than 16777216 bytes' })
  assert.deepEqual(systemFiles.readFile('/dev/null'), { text: '' })
})
