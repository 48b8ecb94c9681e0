/** deploy/kustomize is what the chart makes: nobody has to look whether the two say the same. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { FOLDER, generateKustomize, listObjects } from '../generate-kustomize.ts'
import { listFiles, ROOT, read } from '../kit/sources.ts'
import { MODES } from './helm/cases.ts'
import { type Resource, readResources } from './helm/chart.ts'
import { assertSameResources } from './helm/helm.ts'
import { applyPatch, sortLists, toJson } from './helm/patches.ts'

interface Kustomization {
  namespace: string
  resources: string[]
  patches?: { path: string }[]
}

const program = process.env['KUSTOMIZE'] ?? 'kustomize'
const noKustomize = spawnSync(program, ['version']).status !== 0 && 'there is no kustomize in the path'

test('it is what `node test/generate-kustomize.ts --write` writes', () => {
  const files = generateKustomize()
  assert.deepEqual(listFiles(FOLDER), [...files.keys()].map((path) => `${FOLDER}/${path}`).sort())
  for (const [path, text] of files)
    assert.equal(read(`${FOLDER}/${path}`), text, `${path}: node test/generate-kustomize.ts --write`)
})

/** All objects of a folder, put together as kustomize does it. */
function build(folder: string): Resource[] {
  const { resources, patches = [] } = parse(read(`${folder}/kustomization.yaml`)) as Kustomization
  const objects = resources.flatMap((path) =>
    path.endsWith('.yaml') ? load(`${folder}/${path}`) : build(join(folder, path)),
  )
  for (const patch of patches.flatMap(({ path }) => load(`${folder}/${path}`))) {
    const index = objects.findIndex(
      ({ kind, metadata }) => kind === patch.kind && metadata.name === patch.metadata.name,
    )
    assert.ok(index >= 0, `${folder}: ${patch.kind} ${patch.metadata.name}`)
    if (patch['$patch'] === 'delete') objects.splice(index, 1)
    else objects[index] = applyPatch(toJson(objects[index]!), toJson(patch)) as unknown as Resource
  }
  return objects
}
const load = (path: string) => readResources(path, read(path))

const assertSame = (actual: readonly Resource[], expected: readonly Resource[]) => {
  const sort = (list: readonly Resource[]) => list.map((each) => sortLists(toJson(each)) as unknown as Resource)
  assertSameResources(sort(actual), sort(expected))
}

for (const mode of MODES) {
  describe(mode, () => {
    const folder = `${FOLDER}/overlays/${mode}`

    test('the overlay makes the objects of the chart', () => {
      assertSame(build(folder), listObjects(mode))
    })

    test('kustomize thinks so, too', { skip: noKustomize }, () => {
      const { status, stdout, stderr } = spawnSync(program, ['build', join(ROOT, folder)], { encoding: 'utf8' })
      assert.equal(status, 0, stderr)
      const expected = listObjects(mode).map(({ kind, metadata, ...rest }) => ({
        ...rest,
        kind,
        metadata: kind.startsWith('ClusterRole') ? metadata : { ...metadata, namespace: 'kube-system' },
      }))
      assertSame(readResources('kustomize', stdout), expected as Resource[])
    })

    test('each of its files is used, and what differs between clusters is where the first lines say', () => {
      const text = read(`${folder}/kustomization.yaml`)
      const { resources, patches = [] } = parse(text) as Kustomization
      const used = [...resources, ...patches.map(({ path }) => path)].filter((path) => path.endsWith('.yaml'))
      const there = listFiles(folder).map((path) => path.slice(folder.length + 1))
      assert.deepEqual([...used, 'kustomization.yaml'].sort(), there)
      for (const [, path, value] of text.matchAll(/path: (\S+), value: (".*?") /g)) {
        const found = path!
          .split('/')
          .slice(1)
          .reduce<unknown>(
            (of, key) => (of as Record<string, unknown>)[key],
            listObjects(mode).find(({ kind }) => kind === 'DaemonSet'),
          )
        assert.equal(found, JSON.parse(value!))
      }
    })
  })
}
