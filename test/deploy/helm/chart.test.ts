/** Objects of the chart, in all modes and with values at their edges. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { CASES, MINIMAL } from './cases.ts'
import { CHART, RELEASE, readChart, readResources } from './chart.ts'
import { assertSameResources, createHelmChart, type HelmChart, noHelm } from './helm.ts'
import { findMistakes } from './schemas.ts'

describe('objects are as the schemas of Kubernetes say, and the same when written and read again', () => {
  for (const [about, { values, release }] of CASES) {
    test(about, () => {
      const { resources } = CHART.render(values, release)
      const mistakes = resources.flatMap((each) =>
        findMistakes(each).map((why) => `${each.kind} ${each.metadata.name}: ${why}`),
      )
      assert.deepEqual(mistakes, [])
      for (const each of resources)
        assert.deepEqual(readResources('again', stringify(each, { version: '1.1' })), [each])
    })
  }
})

describe('objects are those that Helm makes', { skip: noHelm }, () => {
  let helm: HelmChart
  before(() => {
    helm = createHelmChart(readChart())
  })
  after(() => helm[Symbol.dispose]())
  for (const [about, { values, release }] of CASES) {
    test(about, () => assertSameResources(CHART.render(values, release).resources, helm.render(values, release)))
  }
  for (const [mode, values] of Object.entries(MINIMAL)) {
    test(`${mode}: helm lint has nothing to say`, () => assert.equal(helm.lint(values), ''))
  }
})

test('names are unique, short enough for labels, and in the namespace of the release', () => {
  const wide = new Set(['ClusterRole', 'ClusterRoleBinding', 'Namespace'])
  for (const [about, { values, release }] of CASES) {
    const { resources } = CHART.render(values, release)
    const { namespace } = { ...RELEASE, ...release }
    for (const { kind, metadata } of resources) {
      assert.match(metadata.name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, `${about}: ${kind}`)
      if (wide.has(kind)) assert.equal(metadata.namespace, undefined, `${about}: ${kind}`)
      else
        assert.ok([namespace, 'monitoring'].includes(metadata.namespace!), `${about}: ${kind} in ${metadata.namespace}`)
      for (const [key, label] of Object.entries(metadata.labels ?? {})) {
        assert.match(label, /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/, `${about}: ${key}`)
      }
    }
    const names = resources.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`)
    assert.deepEqual(names, [...new Set(names)], about)
  }
})

test('notes tell each mode how to look and how to go back', () => {
  for (const [mode, values] of Object.entries(MINIMAL)) {
    const { notes } = CHART.render(values)
    assert.match(notes, /helm test/, mode)
    assert.match(notes, /helm uninstall/, mode)
    assert.doesNotMatch(notes, /<nil>|map\[|%!/, mode)
  }
})
