/** The manifest for sed stands beside the chart: what both do is the same, and where they differ it is on purpose. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { renderCorefile } from '../../src/agent/corefile-template.ts'
import { NO_KUBE_DNS } from '../../src/agent/kube-dns.ts'
import type { AgentOptions } from '../../src/agent/options.ts'
import { readRunFlags } from '../../src/cli/run-flags.ts'
import { loadText } from '../kit/load.ts'
import { read } from '../kit/sources.ts'
import { MINIMAL } from './helm/cases.ts'
import { CHART, type Resource, readResources } from './helm/chart.ts'
import { listFiles } from './helm/mounts.ts'
import { createPatch, type JsonMap, toJson } from './helm/patches.ts'
import { findMistakes } from './helm/schemas.ts'
import { findServer } from './helm/workloads.ts'

const PATH = 'deploy/manifests/node-local-dns.yaml'
const VARIABLES: Readonly<Record<string, string>> = {
  localdns: '169.254.20.10',
  domain: 'cluster.local',
  kubedns: '10.96.0.10',
}

/** What the sed commands in its comment make of it: for kube-proxy in mode iptables or nftables, and for ipvs. */
const [service, ipvs] = [...read(PATH).matchAll(/sed "([^"]+)"/g)].map(([, script = '']) => {
  const filled = script.replace(/\$(\w+)/g, (_, name) => VARIABLES[name]!)
  return readResources(PATH, execFileSync('sed', [filled], { input: read(PATH), encoding: 'utf8' }))
}) as [Resource[], Resource[]]

const CASES = [
  ['iptables and nftables', service, 'node-local'],
  ['ipvs', ipvs, 'link-local'],
] as const

/** What the chart makes with the names of the manifest. */
const render = (mode: 'node-local' | 'link-local') =>
  CHART.render({
    ...MINIMAL[mode],
    fullnameOverride: 'node-local-dns',
    upstream: { name: 'kube-dns-upstream' },
    check: { enabled: false },
  }).resources

/** What an agent is told, without where its files are, and the Corefile that it makes. */
function readAgent(resources: readonly Resource[]): { options: Partial<AgentOptions>; corefile: string } {
  const workload = findServer(resources)
  const [container = assert.fail()] = workload.pod.containers
  const flags = readRunFlags(container.args!)
  if (!('agent' in flags) || !flags.agent) assert.fail('no agent')
  const { template, corefile: _, kubeDnsFolder: _folder, upstreamService, ...options } = flags.agent
  const text = listFiles(workload.pod, container, resources).get(template)
  assert.ok(text !== undefined, template)
  const values = { upstreamServiceName: upstreamService, kubeDns: NO_KUBE_DNS, overrides: [], servers: [] }
  // in mode ipvs the manifest has the address in its Corefile, and the chart gives it to the agent
  const made = renderCorefile(template, text, { ...flags.agent, ...values, upstreamService: '10.96.0.10' })
  if ('diagnostic' in made) assert.fail(made.diagnostic.message)
  // the stock manifest gives a number of entries to one zone; of the others, which are 16 more when none is given, the chart has as many
  const caches = 'cache {\n        success 9984 30\n        denial 9984 30\n    }'
  return { options, corefile: made.text.replaceAll(/cache 30$/gm, caches) }
}

/** What a Corefile means, by zone: the options of plugins and what is listened on. */
async function readZones(text: string): Promise<unknown> {
  const { blocks, diagnostics } = await loadText(text, '/tmp')
  assert.deepEqual(diagnostics, [])
  const zones = blocks.map(({ zones, settings, plugins }) => {
    const options = plugins.map(({ plugin, options }) => [plugin.name, options] as const)
    // one of the blocks has it, and which one makes no difference
    return [
      zones.join(),
      { settings, options: Object.fromEntries(options.filter(([name]) => name !== 'health')) },
    ] as const
  })
  const withoutPlaces = JSON.stringify(Object.fromEntries(zones), (key, value) =>
    key === 'position' || key === 'token' ? undefined : value,
  )
  return JSON.parse(withoutPlaces)
}

for (const [about, manifest, mode] of CASES) {
  test(`its objects are Kubernetes' (${about})`, () => {
    assert.deepEqual(manifest.flatMap(findMistakes), [])
  })

  test(`its agent is told what that of the chart is (${about})`, () => {
    assert.deepEqual(readAgent(manifest).options, readAgent(render(mode)).options)
  })

  test(`its Corefile means what that of the chart does (${about})`, async () => {
    const [own, chart] = [readAgent(manifest), readAgent(render(mode))]
    assert.deepEqual(await readZones(own.corefile), await readZones(chart.corefile))
    for (const { corefile } of [own, chart])
      assert.equal(corefile.match(/^ +health 169\.254\.20\.10:8080$/gm)?.length, 1)
  })
}

/** Where the DaemonSet of the chart has something else, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'spec.minReadySeconds': 'the chart updates by surge',
  'spec.updateStrategy': 'the chart updates by surge, for which there must be no ports',
  'spec.template.metadata.annotations': 'names the container to kubectl',
  'spec.template.spec.automountServiceAccountToken': 'hardening that a manifest which must fit any node-cache has not',
  'spec.template.spec.enableServiceLinks': 'says what is so anyway',
  'spec.template.spec.terminationGracePeriodSeconds': 'time for the lock of iptables',
  'spec.template.spec.securityContext': 'hardening',
  'spec.template.spec.nodeSelector': 'nodes with Windows',
  'spec.template.spec.tolerations': 'the same in one line',
  'spec.template.spec.containers.name': 'scripts name the container of node-cache',
  'spec.template.spec.containers.args': 'files are in other folders, as the root is read-only',
  'spec.template.spec.containers.env': 'variables for the addresses of the node',
  'spec.template.spec.containers.imagePullPolicy': 'says what is so anyway',
  'spec.template.spec.containers.livenessProbe': 'is asked earlier, since the startup probe waits',
  'spec.template.spec.containers.ports': 'none, for the surge',
  'spec.template.spec.containers.securityContext': 'hardening',
  'spec.template.spec.containers.startupProbe': 'the update waits for the agent',
  'spec.template.spec.containers.volumeMounts': 'files are in other folders',
  'spec.template.spec.volumes': 'files are in other folders',
}

test('what else its DaemonSet has of its own is listed', () => {
  const [own = {}, chart = {}] = [service, render('node-local')].map((resources): JsonMap => {
    const { resource } = findServer(resources)
    const object = toJson(resource['spec'] as object)
    const { spec } = object['template'] as { spec: JsonMap }
    return {
      ...object,
      template: {
        ...(object['template'] as JsonMap),
        spec: { ...spec, containers: (spec['containers'] as JsonMap[])[0]! },
      },
    }
  })
  const listPaths = (patch: JsonMap, path: string): string[] =>
    Object.entries(patch).flatMap(([key, value]) => {
      const isPart = ['template', 'spec', 'metadata', 'containers'].includes(key)
      return isPart ? listPaths(value as JsonMap, `${path}.${key}`) : [`${path}.${key}`]
    })
  const paths = listPaths(createPatch(own, chart), 'spec').filter((path) => !/\.(labels|selector)$/.test(path))
  assert.deepEqual(paths.sort(), Object.keys(DIFFERENCES).sort())
})
