/** docs/policies.md is what the chart does: which standard each mode meets, and why not a stricter one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read } from '../kit/sources.ts'
import { MINIMAL, MODES, type Mode } from './helm/cases.ts'
import { CHART } from './helm/chart.ts'
import type { ValueMap } from './helm/values.ts'
import { findServer, type PodSpec } from './helm/workloads.ts'

const page = read('docs/policies.md')

const podOf = (values: ValueMap) => findServer(CHART.render(values).resources).pod

/** What the restricted Pod Security Standard objects to, by the rules of Kyverno that do. */
function objections({ hostNetwork, securityContext: pod, volumes = [], containers }: PodSpec): string[] {
  const added = containers.flatMap(({ securityContext }) => securityContext.capabilities.add ?? [])
  const beyond = added.some((name) => name !== 'NET_BIND_SERVICE')
  const root = pod.runAsNonRoot !== true || containers.some(({ securityContext }) => securityContext.runAsUser === 0)
  const hostPath = volumes.some((volume) => volume.hostPath !== undefined)
  const rules: [rule: string, objects: boolean][] = [
    ['host-namespaces', hostNetwork === true],
    ['adding-capabilities', beyond],
    ['host-path', hostPath],
    ['adding-capabilities-strict', beyond],
    ['run-as-non-root', root],
    ['run-as-non-root-user', root],
    ['restricted-volumes', hostPath],
    ['require-drop-all', containers.some((each) => each.securityContext.capabilities.drop[0] !== 'ALL')],
    ['privilege-escalation', containers.some((each) => each.securityContext.allowPrivilegeEscalation)],
    ['check-seccomp-strict', pod.seccompProfile?.type !== 'RuntimeDefault'],
    ['host-ports-none', hostNetwork === true && containers.some(({ ports = [] }) => ports.length > 0)],
  ]
  return rules.filter(([, objects]) => objects).map(([rule]) => rule)
}

const rows = [...page.matchAll(/^\| (baseline|restricted) \| ([\w-]+) \| ([\w-]+) \|/gm)]
const documented = rows.map(([, , , rule]) => rule!)

const isRestricted = (mode: Mode) => mode === 'cilium' || mode === 'cluster'

for (const mode of MODES) {
  test(`mode ${mode} asks of policies what the page says`, () => {
    const pod = podOf(MINIMAL[mode])
    // the plain manifest alone has ports on the node
    const expected = isRestricted(mode) ? [] : documented.filter((rule) => rule !== 'host-ports-none')
    assert.deepEqual(objections(pod), expected)
    assert.equal(pod.automountServiceAccountToken, mode === 'cluster', 'a token for the API')
    for (const { hostPath } of pod.volumes ?? [])
      if (hostPath) assert.equal(hostPath.path, '/run/xtables.lock', 'the only path of the node')
  })
}

test('without iptables nothing of the node is mounted, and NET_RAW is not needed', () => {
  const pod = podOf({ ...MINIMAL['node-local'], agent: { interception: 'nftables' } })
  assert.ok(!(pod.volumes ?? []).some(({ hostPath }) => hostPath))
  assert.deepEqual(pod.containers[0]?.securityContext.capabilities.add, ['NET_ADMIN', 'NET_BIND_SERVICE'])
})

test('the exceptions of the chart are those of the page', () => {
  const { exceptions } = CHART.values['kyverno'] as unknown as {
    exceptions: { policyName: string; ruleNames: string[] }[]
  }
  assert.ok(exceptions.length > 0)
  for (const { policyName, ruleNames } of exceptions) {
    const rules = rows.filter(([, , policy]) => policy === policyName).map(([, , , rule]) => rule)
    for (const rule of ruleNames) assert.ok(rules.includes(rule.replace(/^autogen-/, '')), `${policyName}: ${rule}`)
  }
})
