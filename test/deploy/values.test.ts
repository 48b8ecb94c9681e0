/** What the pages say of the chart's values: each that they name is there, each example is accepted and makes objects. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { listFences, listFiles, read } from '../kit/sources.ts'
import { CHART } from './helm/chart.ts'
import { findMistakes } from './helm/schemas.ts'
import type { ValueMap } from './helm/values.ts'

const schema = JSON.parse(read('deploy/helm/corelet/values.schema.json')) as Schema
const pages = ['README.md', 'SECURITY.md', ...listFiles('docs').filter((path) => path.endsWith('.md'))]
/** Heading of a column with values. */
const COLUMN = 'value of the chart'

interface Schema {
  $ref?: string
  $defs?: Readonly<Record<string, Schema>>
  properties?: Readonly<Record<string, Schema>>
  additionalProperties?: Schema | boolean
  oneOf?: readonly Schema[]
  type?: string
}

/** Whether the chart takes a value there: `a.b.c`. What the schema leaves open takes anything. */
const exists = (path: string) => leadsOn(schema, path.split('.'))

function leadsOn(at: Schema, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true
  if (at.$ref) return leadsOn(schema.$defs![at.$ref.replace('#/$defs/', '')]!, [key, ...rest])
  if (at.oneOf) return at.oneOf.some((each) => leadsOn(each, [key, ...rest]))
  const next = at.properties?.[key] ?? at.additionalProperties
  if (typeof next === 'object') return leadsOn(next, rest)
  return at.type === 'object' && next !== false
}

test('values are told from what is none', () => {
  for (const path of ['mode', 'zones.cluster.cache.success', 'upstream.selector']) assert.ok(exists(path), path)
  for (const path of ['modes', 'zones.cluster.cache.succes', 'mode.x', 'upstream.selectors'])
    assert.equal(exists(path), false, path)
})

/** Values in tables of a page, by the column that has them. */
function listInTables(text: string): string[] {
  let column = -1
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('|')) column = -1
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    if (cells.includes(COLUMN)) column = cells.indexOf(COLUMN)
    if (column < 0) return []
    return [...(cells[column] ?? '').matchAll(/`([\w.-]+)(?:: [^`]*)?`/g)].map(([, path]) => path!)
  })
}

test('each value that a page names is one of the chart', () => {
  const tables = pages.map((path) => [path, listInTables(read(path))] as const)
  for (const [path, named] of tables) for (const value of named) assert.ok(exists(value), `${path}: ${value}`)
  const migrations = tables.filter(([path]) => path.startsWith('docs/migrate-'))
  for (const [path, named] of migrations) assert.ok(named.length > 3, `${path} has a table of values`)
  for (const path of [...pages, ...listFiles('deploy/install')])
    for (const [, value] of read(path).matchAll(/--set(?:-string|-json|-file)? '?([\w.-]+)=/g))
      assert.ok(exists(value!), `${path}: ${value}`)
})

test("every value of Giant Swarm's chart has its line", () => {
  const text = read('docs/migrate-giantswarm.md')
  const values = [
    ...['name', 'namespace', 'serviceType', 'image.registry', 'image.name', 'image.tag'],
    ...['updateStrategy.rollingUpdate.maxUnavailable', 'cluster.kubernetes.DNS.IP', 'cluster.kubernetes.LOCAL.IP'],
    ...['cluster.kubernetes.clusterDomain', 'ports.prometheus.nodecache', 'ports.prometheus.coredns', 'ports.liveness'],
    ...['upstreamService.servicePort', 'upstreamService.podPort', 'upstreamService.appName', 'resources.requests'],
    ...['configmap.cache.success', 'configmap.cache.denial', 'configmap.noAAAAResponse', 'configmap.log.enabled'],
    'ciliumNetworkPolicy.enabled',
  ]
  for (const value of values) assert.match(text, new RegExp(`^\\|[^|]*\`${value.replaceAll('.', '\\.')}\``, 'm'), value)
})

const examples = pages.flatMap((path) => listFences(path, 'yaml values'))

test('there are examples', () => assert.ok(examples.length >= 3))

for (const { path, line, text } of examples) {
  test(`the values in ${path}:${line} make objects of Kubernetes`, () => {
    const { resources } = CHART.render(parse(text, { version: '1.1' }) as ValueMap)
    assert.ok(resources.some(({ kind }) => kind === 'DaemonSet' || kind === 'Deployment'))
    for (const resource of resources) assert.deepEqual(findMistakes(resource), [])
  })
}
