import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listPlugins, listSources, read } from '../kit/sources.ts'

const inCode = (paths: readonly string[]) => new Set(paths.flatMap((path) => read(path).match(/\bcoredns_\w+/g) ?? []))
const inReadme = (name: string) => new Set(read(`plugins/${name}/README.md`).match(/\bcoredns_\w+/g) ?? [])

const sources = listSources()
const registered = inCode(sources)

test('every metric that a README names is registered in the code', () => {
  for (const name of listPlugins()) {
    const unknown = [...inReadme(name)].filter((metric) => !registered.has(metric.replace(/_(bucket|sum|count)$/, '')))
    assert.deepEqual(unknown, [], `plugins/${name}/README.md`)
  }
})

test("every metric that a plugin's code names is in its README", () => {
  for (const name of listPlugins()) {
    const documented = inReadme(name)
    const missing = [...inCode(sources.filter((path) => path.startsWith(`plugins/${name}/`)))].filter(
      (metric) => !documented.has(metric),
    )
    assert.deepEqual(missing, [], `plugins/${name}`)
  }
})

test('every metric of the shared kits is in some README', () => {
  const documented = new Set(listPlugins().flatMap((name) => [...inReadme(name)]))
  const missing = [...inCode(sources.filter((path) => path.startsWith('src/')))].filter(
    (metric) => !documented.has(metric),
  )
  assert.deepEqual(missing, [])
})

test('names follow the conventions of Prometheus', () => {
  const text = sources.map(read).join('\n')
  const names = (kind: string) =>
    [...text.matchAll(new RegExp(`\\b${kind}\\(\\s*'(coredns_[^']*)'`, 'g'))].map(([, name]) => name!)
  for (const name of registered) assert.match(name, /^coredns_[a-z0-9]+(_[a-z0-9]+)+$/)
  for (const name of names('counter')) assert.match(name, /_total$/)
  for (const name of names('histogram')) assert.match(name, /_(seconds|bytes)$/)
  for (const name of names('gauge')) assert.doesNotMatch(name, /_total$/)
  assert.ok(names('gauge').length > 1)
})
