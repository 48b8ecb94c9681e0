import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { defaultCorefile } from './default-corefile.ts'
import { noFiles } from './files.ts'
import { parseCorefile } from './parse.ts'
import { parseText, showBlocks } from './testing.ts'

test('one run reports five different mistakes, each where it is', async () => {
  const text = [
    'example.org, {',
    '  whoamy',
    '}',
    '',
    '. {',
    '  import missing.conf',
    '  log',
    '  {',
    '  }',
    '  cache { success 1 }',
    '  errors }',
  ].join('\n')
  const { diagnostics } = await parseText(text)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  assert.deepEqual(
    errors.map(({ code, line, column, length }) => [code, line, column, length]),
    [
      ['extra-comma', 1, 14, 1],
      ['unknown-directive', 2, 3, 6],
      ['import-not-found', 6, 10, 12],
      ['brace-on-new-line', 8, 3, 1],
      ['unexpected-brace', 11, 10, 1],
    ],
  )
})

test('an unknown directive is compared with the known ones', async () => {
  const { diagnostics } = await parseText('. {\n  forwrad .\n  zzzzzzzz\n}\n')
  assert.deepEqual(
    diagnostics.map(({ hint }) => hint),
    ['did you mean forward?', 'corelet -plugins lists the known ones'],
  )
})

test('without a list of directives each is taken', async () => {
  const { blocks, diagnostics } = await parseCorefile(
    { file: 'Corefile', text: '. {\n  anything\n}\n' },
    { read: noFiles, env: {} },
  )
  assert.equal(blocks[0]!.directives[0]!.name.text, 'anything')
  assert.deepEqual(diagnostics, [])
})

test('words know their file, line, and the imports that led there', async () => {
  const { blocks, files, sources } = await parseText('(s) {\n  import deep/one\n}\n. {\n  import s\n}\n', {
    'deep/one': '\nimport two\n',
    'deep/two': '  log "a b"\n',
  })
  assert.deepEqual(blocks[0]!.directives[0]!.args[0], {
    text: 'a b',
    position: {
      file: '/etc/corelet/deep/two',
      line: 1,
      column: 7,
      length: 5,
      imports: [
        { file: 'Corefile', line: 5, column: 3, pattern: 's' },
        { file: 'Corefile', line: 2, column: 3, pattern: 'deep/one' },
        { file: '/etc/corelet/deep/one', line: 2, column: 1, pattern: 'two' },
      ],
    },
  })
  assert.deepEqual(files, ['Corefile', '/etc/corelet/deep/one', '/etc/corelet/deep/two'])
  assert.equal(sources.get('/etc/corelet/deep/two'), '  log "a b"\n')
})

test('a file that is imported often is read once and listed once', async () => {
  const { blocks, files } = await parseText('a {\n import x\n}\nb {\n import x\n}\n', { x: 'log' })
  assert.equal(blocks.length, 2)
  assert.deepEqual(files, ['Corefile', '/etc/corelet/x'])
})

test('a snippet may have the name of the file that it is in', async () => {
  const { blocks, diagnostics } = await parseText('import x\n', { x: '(x) {\n  a.org {\n  }\n}\nimport x\n' })
  assert.equal(showBlocks(blocks), 'a.org {\n}\n')
  assert.deepEqual(diagnostics, [])
})

test('each use of a snippet is a line of its own, however it is written', async () => {
  const { blocks } = await parseText('(l) { log }\n(s) { import l\n errors }\n. {\n whoami\n import s\n cache\n}\n')
  assert.equal(showBlocks(blocks), '. {\n  whoami\n  log\n  errors\n  cache\n}\n')
})

test('imports that double each other end at the limits', async () => {
  const snippets = Array.from({ length: 20 }, (_, i) => `(s${i}) {\n  import s${i + 1}\n  import s${i + 1}\n}\n`)
  const { diagnostics } = await parseText(`${snippets.join('')}(s20) {\n}\n. {\n  import s0\n}\n`)
  assert.deepEqual(
    diagnostics.map(({ message }) => message),
    ['maximum snippet import depth (10000) exceeded'],
  )
})

test('files that double each other end at the limits', async () => {
  const files = Array.from({ length: 17 }, (_, i) => [`f${i}`, `import f${i + 1}\nimport f${i + 1}\n`])
  const { blocks, diagnostics } = await parseText('. {\n  import f0\n  log\n}\n', {
    ...Object.fromEntries(files),
    f17: '',
  })
  assert.deepEqual(
    diagnostics.map(({ message }) => message),
    ['maximum file import depth (100000) exceeded'],
  )
  assert.equal(showBlocks(blocks), '. {\n  log\n}\n')
})

test('imports can not fill the memory with words', async () => {
  const text = `(s) {\n  log ${'x '.repeat(10_000)}\n}\n. {\n${'  import s\n'.repeat(60)}  whoami\n}\n`
  const { blocks, diagnostics } = await parseText(text)
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message),
    ['maximum word import depth (500000) exceeded'],
  )
  assert.equal(blocks[0]!.directives.at(-1)!.name.text, 'whoami')
})

test('files of a pattern may import each other, and are listed in the order they are read', async () => {
  const { blocks, diagnostics, files } = await parseText('. {\n  import conf/*\n}\n', {
    'conf/a': 'log\nimport c\n',
    'conf/b': 'errors',
    'conf/c': 'whoami',
  })
  assert.equal(showBlocks(blocks), '. {\n  log\n  whoami\n  errors\n  whoami\n}\n')
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['repeated-import'],
  )
  assert.deepEqual(files, ['Corefile', '/etc/corelet/conf/a', '/etc/corelet/conf/b', '/etc/corelet/conf/c'])
})

test('deep chains of snippets stay cheap', async () => {
  const snippets = Array.from({ length: 5000 }, (_, i) => `(s${i}) {\n  import s${i + 1}\n}\n`)
  const { blocks } = await parseText(`${snippets.join('')}(s5000) {\n  log\n}\n. {\n  import s0\n}\n`)
  const { name } = blocks[0]!.directives[0]!
  assert.equal(name.text, 'log')
  assert.equal(name.position.imports.length, 50)
})

test('long files of words are read in linear time', async () => {
  const lines = ['a#b '.repeat(50_000), 'log "" '.repeat(50_000), '} { '.repeat(50_000), '""\n'.repeat(50_000)]
  for (const line of lines) await parseText(`. {\n  log ${line}\n}\na.org,\n${line}`)
})

test('the default Corefile has the port that it is given', async () => {
  const { blocks, diagnostics } = await parseText(defaultCorefile(1053))
  assert.equal(showBlocks(blocks), '.:1053 {\n  whoami\n  log\n}\n')
  assert.deepEqual(diagnostics, [])
})

test('chevrotain is loaded when a Corefile is parsed and not before', () => {
  const script = `
    const { registerHooks } = await import('node:module')
    const seen = []
    registerHooks({ resolve(specifier, context, next) { seen.push(specifier); return next(specifier, context) } })
    const { parseCorefile } = await import('${new URL('parse.ts', import.meta.url)}')
    const before = seen.includes('chevrotain')
    const read = { resolve: (from, path) => path }
    await parseCorefile({ file: 'Corefile', text: '' }, { read, env: {} })
    console.log(before, seen.includes('chevrotain'))`
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  assert.equal(out, 'false true\n')
})
