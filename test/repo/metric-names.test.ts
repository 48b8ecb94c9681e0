import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listProduction } from '../kit/imports.ts'
import { listFiles, listPlugins, read } from '../kit/sources.ts'

/** Names in the code. One put together from parts (`coredns_cache_${name}_total`) has `*` for each part. */
function inCode(paths: readonly string[]): Set<string> {
  const names = paths.flatMap((path) => read(path).match(/\bcore(?:dns|let)_(\w|\$\{[^}]*\})+/g) ?? [])
  return new Set(names.map((name) => name.replace(/\$\{[^}]*\}/g, '*')))
}

function inReadme(name: string): Set<string> {
  return inPage(`plugins/${name}/README.md`)
}

function inPage(path: string): Set<string> {
  return new Set(read(path).match(/\bcore(?:dns|let)_\w+/g) ?? [])
}

/** Whether `name` is one of `names`, or fits one that has `*`. */
function isAmong(name: string, names: ReadonlySet<string>): boolean {
  if (names.has(name)) return true
  return [...names].some((each) => each.includes('*') && new RegExp(`^${each.replaceAll('*', '\\w+')}$`).test(name))
}

/** Those of `names` that no name in `documented` is or fits. */
function undocumented(names: ReadonlySet<string>, documented: ReadonlySet<string>): string[] {
  return [...names].filter((name) => ![...documented].some((each) => isAmong(each, new Set([name]))))
}

const sources = listProduction()
const registered = inCode(sources)

test('every metric that a README names is registered in the code', () => {
  for (const name of listPlugins()) {
    const unknown = [...inReadme(name)].filter(
      (metric) => !isAmong(metric.replace(/_(bucket|sum|count)$/, ''), registered),
    )
    assert.deepEqual(unknown, [], `plugins/${name}/README.md`)
  }
})

test("every metric that a plugin's code names is in its README", () => {
  for (const name of listPlugins()) {
    const documented = inReadme(name)
    const missing = undocumented(inCode(sources.filter((path) => path.startsWith(`plugins/${name}/`))), documented)
    assert.deepEqual(missing, [], `plugins/${name}`)
  }
})

test('every metric of the shared kits is in some README or page', () => {
  const pages = listFiles('docs').filter((path) => path.endsWith('.md'))
  const documented = new Set([
    ...listPlugins().flatMap((name) => [...inReadme(name)]),
    ...pages.flatMap((path) => [...inPage(path)]),
  ])
  const missing = undocumented(inCode(sources.filter((path) => path.startsWith('src/'))), documented)
  assert.deepEqual(missing, [])
})

test('names follow the conventions of Prometheus', () => {
  const text = sources.map(read).join('\n')
  const names = (kind: string) =>
    [...text.matchAll(new RegExp(`\\b${kind}\\(\\s*['\`](core(?:dns|let)_[^'\`]*)`, 'g'))].map(([, name]) => name!)
  for (const name of registered) assert.match(name, /^core(?:dns|let)_[a-z0-9*]+(_[a-z0-9*]+)+$/)
  for (const name of names('counter')) assert.match(name, /(_total|\})$/)
  for (const name of names('histogram')) assert.match(name, /(_seconds|_bytes|\})$/)
  for (const name of names('gauge')) assert.doesNotMatch(name, /_total$/)
  assert.ok(names('gauge').length > 1)
})
