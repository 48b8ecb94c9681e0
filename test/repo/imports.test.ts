import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Import, listImports, listProduction, targetOf } from '../kit/imports.ts'
import { listFiles, listSources, read } from '../kit/sources.ts'

/** Who may import whom; the table of ARCHITECTURE.md. A folder may always import itself. */
const ALLOWED: Record<string, readonly string[]> = {
  'src/dns': [],
  'src/corefile': ['src/dns'],
  'src/net': [],
  'src/plugin': ['src/dns', 'src/corefile', 'src/net'],
  'src/upstream': ['src/dns', 'src/net', 'src/plugin'],
  'src/expression': ['src/dns', 'src/plugin'],
  'src/forwarding': ['src/upstream', 'src/plugin'],
  'src/kubernetes': ['src/plugin'],
  'src/server': ['src/plugin', 'src/net', 'src/dns'],
  'src/observe': ['src/plugin', 'src/dns', 'src/net'],
  'src/instance': [
    'src/server',
    'src/observe',
    'src/corefile',
    'src/plugin',
    'src/dns',
    'src/net',
    'corelet/package.json',
  ],
  'src/agent': ['src/corefile', 'src/plugin', 'src/dns', 'src/net'],
  'src/supervisor': ['src/net'],
  'src/cli': [
    'src/supervisor',
    'src/agent',
    'src/instance',
    'src/server',
    'src/observe',
    'src/plugin',
    'src/corefile',
    'src/net',
    'src/dns',
    'plugins',
    'corelet/package.json',
  ],
  plugins: [
    'corelet/plugin',
    'corelet/package.json',
    'src/upstream',
    'src/forwarding',
    'src/expression',
    'src/kubernetes',
    'src/observe',
  ],
}

/** Folders that may only name the types of another one. */
const TYPES_ONLY = new Set(['src/plugin → src/net', 'src/upstream → src/plugin'])

/** Packages in production and the folders that may import them. */
const PACKAGES: Record<string, readonly string[]> = {
  chevrotain: ['src/corefile'],
  fastify: ['src/observe', 'src/server'],
  koffi: ['src/net'],
  pino: ['src/observe'],
  'prom-client': ['src/observe'],
  re2js: ['src/plugin'],
  yaml: ['src/kubernetes'],
}

/** What does input and output; the wire and the language do none. */
const INPUT_OUTPUT = /^node:(fs|dgram|http|http2|https|tls|child_process|worker_threads|dns)(\/|$)/

function layerOf(path: string): string {
  const [first, second] = path.split('/')
  return first === 'plugins' ? 'plugins' : `${first}/${second}`
}

const production = listProduction()
const imports = production.flatMap(listImports)

test('imports are found at all', () => {
  const found = (from: string, to: string) => imports.some((each) => each.from === from && each.to === to)
  assert.ok(found('src/plugin/query.ts', '../dns/name.ts'))
  assert.ok(found('plugins/order.ts', './whoami/index.ts'))
  assert.ok(found('plugins/whoami/index.ts', 'corelet/plugin'))
  assert.ok(production.includes('src/instance/files.ts') && !production.includes('src/testing/messages.ts'))
})

test('imports follow the layers', () => {
  const wrong = imports.flatMap((each) => {
    const { from, to, typesOnly } = each
    const target = to.startsWith('corelet/') ? to : layerOf(targetOf(each) ?? from)
    const layer = layerOf(from)
    const allowed = ALLOWED[layer]
    assert.ok(allowed, `${layer} has no line in the table`)
    if (target === layer) return []
    if (!allowed.includes(target)) return [`${from} imports ${to}`]
    return TYPES_ONLY.has(`${layer} → ${target}`) && !typesOnly ? [`${from} imports more than types from ${to}`] : []
  })
  assert.deepEqual(wrong, [])
})

test('no plugin imports another', () => {
  const folder = (path: string) => path.split('/')[1]
  const crosses = (each: Import) => {
    const target = targetOf(each) ?? each.from
    return each.from.startsWith('plugins/') && target.startsWith('plugins/') && folder(each.from) !== folder(target)
  }
  assert.deepEqual(
    imports.filter((each) => each.from !== 'plugins/order.ts' && crosses(each)),
    [],
  )
})

test('each package is imported where its job is', () => {
  const wrong = imports
    .filter(({ to }) => !/^(\.|node:|corelet\/)/.test(to))
    .filter(({ from, to }) => !PACKAGES[to]?.some((folder) => from.startsWith(`${folder}/`)))
    .map(({ from, to }) => `${from} imports ${to}`)
  assert.deepEqual(wrong, [])
})

test('the wire and the language do no input or output', () => {
  const wrong = imports.filter(({ from, to }) => /^src\/(dns|corefile)\//.test(from) && INPUT_OUTPUT.test(to))
  assert.deepEqual(wrong, [])
})

test('a Corefile is what loads chevrotain', () => {
  const early = new Set<string>()
  const visit = (path: string) => {
    if (early.has(path)) return
    early.add(path)
    const text = read(path)
    for (const each of listImports(path)) {
      const target = targetOf(each)
      if (target && !each.typesOnly && !text.includes(`import('${each.to}')`)) visit(target)
    }
  }
  for (const path of ['src/cli/main.ts', 'src/cli/run.ts', 'src/cli/check.ts']) visit(path)
  assert.ok(early.has('src/corefile/parse.ts'))
  const loading = [...early].filter((path) => listImports(path).some(({ to }) => to === 'chevrotain'))
  assert.deepEqual(loading, [])
})

test('imports name files with their extension', () => {
  assert.deepEqual(
    imports.filter(({ to }) => to.startsWith('.') && !/\.(ts|json)$/.test(to)),
    [],
  )
})

test('the published test kit needs no package that is only there for development', () => {
  const manifest = JSON.parse(read('package.json'))
  const packages = ['src/testing/', 'src/upstream/testing.ts']
    .flatMap((start) => listSources().filter((path) => path.startsWith(start)))
    .flatMap(listImports)
    .filter(({ to }) => !/^(\.|node:|corelet\/)/.test(to) && manifest.dependencies[to] === undefined)
  assert.deepEqual(packages, [])
})

test('a file that production does not use helps some test', () => {
  const helpers = listSources().filter((path) => !production.includes(path))
  const tests = ['src', 'plugins', 'test'].flatMap(listFiles).filter((path) => path.endsWith('.ts'))
  const used = new Set(tests.flatMap(listImports).map(targetOf))
  assert.deepEqual(
    helpers.filter((path) => !used.has(path)),
    [],
  )
})

test('ARCHITECTURE.md has the same table', () => {
  const rows = [...read('ARCHITECTURE.md').matchAll(/^\| `((?:src\/|plugins)[^`]*?)\/?` *\|[^|]*\|([^|]*)\|$/gm)]
  const table = Object.fromEntries(
    rows.map(([, folder, cell]) => [folder!, [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)]),
  )
  const short = (folder: string) => folder.replace(/^src\//, '')
  for (const [folder, allowed] of Object.entries(ALLOWED)) {
    if (folder === 'src/cli' || folder === 'src/testing') continue
    assert.deepEqual(new Set(table[folder]), new Set(allowed.map(short)), folder)
  }
})
