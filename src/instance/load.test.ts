import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { definePlugin, one, text } from '../plugin/index.ts'
import { systemFiles } from './files.ts'
import { INSTANCE_CODES } from './instance-codes.ts'
import { examineConfiguration, type LoadOptions, loadConfiguration } from './load.ts'
import { ModuleLoader } from './module-loader.ts'

let folder: string
let options: LoadOptions

const whoami = definePlugin({ name: 'whoami', summary: 'answers', directive: { args: [] } })
const log = definePlugin({ name: 'log', summary: 'logs', directive: { args: [] } })
const named = definePlugin({
  name: 'named',
  summary: 'has a name',
  directive: { args: [one(text('NAME'))] },
  parse: ([use]) => use!.values[0],
  configure(name, settings) {
    if (name === 'bad') throw new Error('a bad name')
    settings.root = name
  },
})

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-'))
  options = {
    files: systemFiles,
    env: {},
    dnsPort: 1053,
    builtIns: {
      order: [whoami, named, log].map((plugin) => [plugin.name, async () => ({ default: plugin })] as const),
      missing: ['nomad'],
    },
    loader: new ModuleLoader(),
    interfaces: () => new Map(),
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const load = (text: string) => loadConfiguration({ file: join(folder, 'Corefile'), text }, options)
const examine = (text: string) => examineConfiguration({ file: join(folder, 'Corefile'), text }, options)
const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

async function findings(text: string): Promise<string[]> {
  return (await load(text)).diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`)
}

test('plugins are in the order of the chain, settings are applied, keys read', async () => {
  const { blocks, diagnostics } = await load('a.test b.test:54 a.test {\n  log\n  named x\n  whoami\n}\n')
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['already-defined'],
  )
  const [block] = blocks
  assert.deepEqual(
    block!.plugins.map(({ plugin }) => plugin.name),
    ['whoami', 'named', 'log'],
  )
  assert.equal(block!.settings.root, 'x')
  assert.deepEqual(block!.zones, ['a.test.', 'b.test.'])
  assert.deepEqual(
    block!.keys.map(({ port }) => port),
    [1053, 54, 1053],
  )
})

test('all mistakes are found in one run', async () => {
  const text = 'a..b {\n  whomi\n  whoami x\n}\n. {\n  named bad\n  nomad\n  log\n  log\n}\n. {\n  named\n}\n'
  assert.deepEqual(await findings(text), [
    '1:1 key-bad-zone',
    '2:3 unknown-directive',
    '3:10 wrong-argument-count',
    '6:3 plugin-threw',
    '7:3 no-action',
    '9:3 once-per-block',
    '11:1 already-defined',
    '12:3 wrong-argument-count',
  ])
})

for (const empty of ['', '# nothing\n', '(snippet) {\n  log\n}\n']) {
  test(`${JSON.stringify(empty)} is the default configuration`, async () => {
    const { blocks, diagnostics, sources } = await load(empty)
    assert.deepEqual(
      diagnostics.map((each) => [each.code, each.severity, sources.get(each.file)]),
      [['no-server-block', 'warning', empty]],
    )
    assert.deepEqual(
      blocks.map(({ zones, plugins }) => [zones, plugins.map(({ plugin }) => plugin.name)]),
      [[['.'], ['whoami', 'log']]],
    )
  })
}

test('the hash is that of the words and their lines, and the same when only examined', async () => {
  const hashes = []
  for (const text of ['. {\n  log\n}', '. {\n  log # why\n}', '. {\n\n  log\n}', '. {\n  named x\n}']) {
    const { hash } = await load(text)
    assert.equal((await examine(text)).hash, hash)
    hashes.push(hash)
  }
  assert.equal(hashes[0], hashes[1])
  assert.equal(new Set(hashes).size, 3)
})

const PLUGIN = (name: string, rest = '') =>
  `import { definePlugin } from 'corelet/plugin'
   export default definePlugin({ name: '${name}', summary: 's', directive: { args: [] } ${rest} })`

test('a plugin list gives the order and adds plugins', async () => {
  write('mine.ts', PLUGIN('mine'))
  write(
    'plugin.cfg',
    '# ours\nlog:log # first\n\nmine:./mine.ts\nwhoami : whoami\nremote:github.com/a/b\nnomad:nomad\n',
  )
  const { blocks, diagnostics, files } = await load('. {\n  whoami\n  mine\n  log\n}')
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(
    blocks[0]!.plugins.map(({ plugin }) => plugin.name),
    ['log', 'mine', 'whoami'],
  )
  assert.deepEqual(
    files,
    ['Corefile', 'plugin.cfg', 'mine.ts'].map((file) => join(folder, file)),
  )
  assert.deepEqual(await findings('. {\n  remote\n}\nb {\n  named x\n}\nc {\n  nomad\n}'), [
    '2:3 no-action',
    '5:3 no-action',
    '8:3 no-action',
  ])
})

test("a listed plugin's own files belong to the hash, and are read anew when they changed", async () => {
  const corefile = '. {\n  mine\n}'
  write('part.ts', 'export const part = 1')
  write('mine.ts', `export { part } from './part.ts'\n${PLUGIN('mine')}`)
  write('plugin.cfg', 'mine:./mine.ts\n')
  const first = await load(corefile)
  assert.equal((await examine(corefile)).hash, first.hash)
  assert.ok(first.files.includes(join(folder, 'part.ts')))
  const again = await load(corefile)
  assert.equal(again.blocks[0]!.plugins[0]!.plugin, first.blocks[0]!.plugins[0]!.plugin)
  write('part.ts', 'export const part = 2')
  assert.notEqual((await examine(corefile)).hash, first.hash)
  const changed = await load(corefile)
  assert.notEqual(changed.blocks[0]!.plugins[0]!.plugin, first.blocks[0]!.plugins[0]!.plugin)
  assert.equal((await examine(corefile)).hash, changed.hash)
})

test('a plugin that failed to load is tried again when it is there', async () => {
  write('plugin.cfg', 'mine:./mine.ts\n')
  const failed = await load('. {\n  mine\n}')
  assert.deepEqual(
    failed.diagnostics.map(({ code }) => code),
    ['plugin-not-loaded'],
  )
  write('mine.ts', PLUGIN('mine'))
  assert.notEqual((await examine('. {\n  mine\n}')).hash, failed.hash)
  assert.deepEqual((await load('. {\n  mine\n}')).diagnostics, [])
})

const shapes: [title: string, source: string, message: RegExp][] = [
  ['no default export', 'export const x = 1', /it has no default export/],
  ['a function', 'export default () => {}', /no object/],
  ['no name', "export default { summary: '', directive: { args: [] } }", /it has no name/],
  ['no directive', "export default { name: 'mine', summary: '' }", /its directive has no args/],
  ['a start that is no function', PLUGIN('mine', ', start: 1'), /its start is no function/],
  ['an unknown repeat', PLUGIN('mine', ", repeat: 'often'"), /its repeat is unknown/],
  ['another name', PLUGIN('yours'), /is the plugin 'yours', not 'mine'/],
  ['a mistake', 'export default {', /cannot be loaded from \.\/mine\.ts/],
  ['an exception', "throw new Error('not today')", /not today/],
]
for (const [title, source, message] of shapes) {
  test(`a plugin with ${title} is refused at its line in the list`, async () => {
    write('mine.ts', source)
    write('plugin.cfg', 'log:log\nmine:./mine.ts\n')
    const { diagnostics } = await load('. {\n  mine\n}')
    assert.equal(diagnostics.length, 1)
    assert.match(diagnostics[0]!.message, message)
    assert.deepEqual([diagnostics[0]!.file, diagnostics[0]!.line], [join(folder, 'plugin.cfg'), 2])
  })
}

for (const [code, entry] of Object.entries(INSTANCE_CODES)) {
  test(`the example of ${code} produces it and nothing else`, async () => {
    if (code === 'plugin-config-unreadable') {
      const { files } = options
      options = {
        ...options,
        files: {
          ...files,
          readFile: (path) => (path.endsWith('.cfg') ? { error: 'permission denied' } : files.readFile(path)),
        },
      }
    }
    write('throws-in-parse.ts', PLUGIN('mine', ", parse() { throw new Error('a mistake') }"))
    if ('pluginConfig' in entry && entry.pluginConfig !== undefined) write('plugin.cfg', entry.pluginConfig)
    const { diagnostics } = await load(entry.example)
    assert.deepEqual(
      diagnostics.map((each) => each.code),
      [code],
    )
    assert.doesNotMatch(diagnostics[0]!.message + diagnostics[0]!.hint, /undefined|\{\d\}/)
  })
}

test('a plugin whose parse gives nothing and says nothing is refused', async () => {
  write('mine.ts', PLUGIN('mine', ', parse() {}'))
  write('plugin.cfg', 'mine:./mine.ts\n')
  const { diagnostics } = await load('. {\n  mine\n}')
  assert.deepEqual(
    diagnostics.map(({ code, plugin, message }) => [code, plugin, message]),
    [['plugin-threw', 'mine', 'parse returned nothing and reported nothing']],
  )
})
