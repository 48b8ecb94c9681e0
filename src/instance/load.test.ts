import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import project from 'corelet/package.json' with { type: 'json' }
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
  ['a range that is none', PLUGIN('mine', ", requires: 'new'"), /needs corelet new, and this is/],
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
    if (code === 'plugin-forbidden') options = { ...options, builtIns: { ...options.builtIns, only: true } }
    write('needs-another-version.ts', PLUGIN('mine', ", requires: '>=99'"))
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

test('a mistake of a plugin is named with its file and line, whenever it shows', async () => {
  const cases: [source: string, place: RegExp][] = [
    [`export {}\n\nthrow new Error('now')\n`, /now \(\S+\/mine\.ts:3\)$/],
    [`\nconst x: = 1\n`, / \(\S+\/mine\.ts:2\)$/],
    [`import { part } from './part.ts'`, /\(\S+\/part\.ts:2\)$/],
    [PLUGIN('mine', `,\nparse() {\nthrow new Error('a mistake') }`), /^a mistake \(\S+\/mine\.ts:4\)$/],
  ]
  write('plugin.cfg', 'mine:./mine.ts\n')
  write('part.ts', '\nexport const part = ;')
  for (const [source, place] of cases) {
    write('mine.ts', source)
    const { diagnostics } = await load('. {\n  mine\n}')
    assert.equal(diagnostics.length, 1)
    assert.match(diagnostics[0]!.message, place)
  }
})

test('limits stand behind the package, and guard plugins from outside alone', async () => {
  write('mine.ts', PLUGIN('mine'))
  write('plugin.cfg', 'whoami:whoami\nmine:./mine.ts timeout=2s breaker=5/30s # strict\n')
  const { blocks, diagnostics } = await load('. {\n  whoami\n  mine\n}')
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(
    blocks[0]!.plugins.map(({ limits }) => limits),
    [undefined, { timeout: 2000, breaker: { failures: 5, pause: 30_000 } }],
  )
  write('plugin.cfg', 'mine:./mine.ts\n')
  assert.deepEqual((await load('. {\n  mine\n}')).blocks[0]!.plugins[0]!.limits, { timeout: 5000 })
})

for (const option of [
  'timeout',
  'timeout=',
  'timeout=5',
  'timeout=-1s',
  'timeout=3/1s',
  'breaker=5',
  'breaker=0/1s',
  'breaker=5/0s',
  'retry=1s',
]) {
  test(`${option} is no option of a plugin list`, async () => {
    write('plugin.cfg', `whoami:whoami\nmine:./mine.ts ${option}\n`)
    const { diagnostics } = await load('. {\n  whoami\n}')
    assert.deepEqual(
      diagnostics.map(({ code, line, message }) => [code, line, message]),
      [['plugin-config-option', 2, `'${option}' is no option of a plugin list`]],
    )
  })
}

test("a package's peerDependencies say which corelet it needs, and are read again", async () => {
  mkdirSync(join(folder, 'node_modules/corelet-plugin-mine'), { recursive: true })
  const manifest = (range: string) =>
    write(
      'node_modules/corelet-plugin-mine/package.json',
      `{ "type": "module", "exports": "./index.ts", "peerDependencies": { "corelet": "${range}" } }`,
    )
  write('node_modules/corelet-plugin-mine/index.ts', `${PLUGIN('mine')}\nexport const typed: number = 1`)
  write('plugin.cfg', 'mine:corelet-plugin-mine\n')
  for (const range of ['^99.0.0', '<0.1 || 1.x']) {
    manifest(range)
    const { diagnostics } = await load('. {\n  mine\n}')
    assert.deepEqual(
      diagnostics.map(({ code, line, message }) => [code, line, message]),
      [['plugin-version', 1, `corelet-plugin-mine needs corelet ${range}, and this is ${project.version}`]],
    )
  }
  const { hash } = await examine('. {\n  mine\n}')
  for (const range of ['file:../corelet.tgz', 'workspace:*']) {
    manifest(range)
    assert.deepEqual((await load('. {\n  mine\n}')).diagnostics, [])
  }
  manifest('>=0.1')
  assert.notEqual((await examine('. {\n  mine\n}')).hash, hash)
  assert.deepEqual((await load('. {\n  mine\n}')).diagnostics, [])
})

test('a name that nothing stands for is found without being used, with a guess at what was meant', async () => {
  write('plugin.cfg', 'log:log\nwhoami:whoam\nnomad:nomad\nother:./missing.ts\nthing:some-thing\n')
  const { diagnostics } = await load('. {\n  log\n}')
  assert.deepEqual(
    diagnostics.map(({ code, line, hint }) => [code, line, hint]),
    [
      ['plugin-unknown', 2, 'did you mean whoami?'],
      ['plugin-unknown', 5, 'corelet -plugins lists the built-in ones; packages are looked up from here'],
    ],
  )
})

test('where plugins from outside are forbidden, the order can still be changed', async () => {
  options = { ...options, builtIns: { ...options.builtIns, only: true } }
  write('mine.ts', PLUGIN('mine'))
  write('plugin.cfg', 'log:log\nwhoami:whoami\nmine:./mine.ts\n')
  const { blocks, diagnostics } = await load('. {\n  whoami\n  log\n}')
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(
    blocks[0]!.plugins.map(({ plugin }) => plugin.name),
    ['log', 'whoami'],
  )
  assert.deepEqual(await findings('. {\n  mine\n}'), ['3:1 plugin-forbidden'])
})

test('the hash of a plugin does not depend on where it lies', async () => {
  const hashes = []
  for (const name of ['2026_a', '2026_b']) {
    mkdirSync(join(folder, name))
    write(`${name}/mine.ts`, PLUGIN('mine'))
    rmSync(join(folder, 'plugins'), { force: true })
    symlinkSync(name, join(folder, 'plugins'))
    write('plugin.cfg', 'mine:./plugins/mine.ts\n')
    hashes.push((await load('. {\n  mine\n}')).hash)
  }
  assert.equal(hashes[0], hashes[1])
})
