/** The real Helm, where it is on the machine: what it makes of a chart is what the renderer has to make of it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { KUBERNETES, RELEASE, type Release, type Resource, readResources } from './chart.ts'
import type { ValueMap } from './values.ts'

const program = process.env['HELM'] ?? 'helm'

/** Why tests with it are skipped; false where it is: in the path, or named by the variable HELM. */
export const noHelm = spawnSync(program, ['version']).status !== 0 && 'there is no helm in the path'

/** A chart in a folder of its own, for Helm to read. */
export interface HelmChart extends Disposable {
  /** @throws Error when Helm refuses it */
  render(values?: ValueMap, release?: Partial<Release>): Resource[]
  /** What `helm lint --strict` objects to. */
  lint(values: ValueMap): string
}

/** @param files texts by their paths in the chart */
export function createHelmChart(files: ReadonlyMap<string, string>): HelmChart {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'))
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return {
    render(values = {}, release = {}) {
      const { name, namespace, apis } = { ...RELEASE, ...release }
      const args = ['template', name, folder, '--namespace', namespace, '--kube-version', KUBERNETES.Version]
      const more = [...apis.flatMap((api) => ['--api-versions', api]), '--values', '-']
      const input = stringify(values, { version: '1.1' })
      const { status, stdout, stderr } = spawnSync(program, [...args, ...more], { input, encoding: 'utf8' })
      if (status !== 0) throw new Error(`helm refuses it: ${stderr}`)
      return readResources('helm', stdout)
    },
    lint(values) {
      const options = { input: stringify(values, { version: '1.1' }), encoding: 'utf8' } as const
      const { status, stdout, stderr } = spawnSync(program, ['lint', '--strict', folder, '--values', '-'], options)
      return status === 0 ? '' : stdout + stderr
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

/** @throws Error when they are not the same objects, in whatever order; hashes are not compared, as the same YAML may be written in several ways */
export function assertSameResources(actual: readonly Resource[], expected: readonly Resource[], about?: string): void {
  assert.deepEqual(sort(actual), sort(expected), about)
}

function sort(resources: readonly Resource[]): unknown[] {
  const keyOf = ({ kind, metadata }: Resource) => `${kind} ${metadata.namespace} ${metadata.name}`
  const text = JSON.stringify(resources.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b))))
  return JSON.parse(text.replace(/"[0-9a-f]{64}"/g, '"a hash"'))
}
