/** Writes deploy/kustomize, from the Helm chart, with `--write`; without, says whether it is up to date. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { MINIMAL, MODES, type Mode } from './deploy/helm/cases.ts'
import { CHART, type Resource } from './deploy/helm/chart.ts'
import { createPatch, toJson } from './deploy/helm/patches.ts'
import { findServer } from './deploy/helm/workloads.ts'
import { listFiles, ROOT, read } from './kit/sources.ts'

export const FOLDER = 'deploy/kustomize'
const WRITTEN = '# Written by test/generate-kustomize.ts from the Helm chart: change that, and write this anew.\n'

/** The mode whose objects are the base of the others on nodes. */
const BASE: Mode = 'node-local'

/** What the header of each overlay says that it is for. */
const ABOUT: Readonly<Record<Mode, string>> = {
  'node-local':
    'kube-proxy in mode iptables or nftables: the address of the DNS of the cluster is served on each node.',
  'link-local':
    "kube-proxy in mode ipvs: a local address is served on each node, and must be the kubelets' clusterDNS.",
  cilium:
    "Cilium in kube-proxy's place: pods of the DaemonSet get the queries of their node by a local redirect policy.",
  'existing-link': 'As node-local, with the address on a link that is there already.',
  cluster: 'A Deployment behind a Service of its own, in place of CoreDNS.',
}

/** Objects of a mode as they are without Helm: no hooks, no labels of its own, and the namespace is kustomize's. */
export function listObjects(mode: Mode): Resource[] {
  return CHART.render(MINIMAL[mode])
    .resources.filter(
      ({ metadata }) => !Object.keys(metadata.annotations ?? {}).some((key) => key.startsWith('helm.sh/')),
    )
    .map(({ metadata: { namespace: _, labels = {}, ...metadata }, ...rest }) => {
      const { 'helm.sh/chart': _chart, 'app.kubernetes.io/managed-by': _manager, ...kept } = labels
      return { ...rest, metadata: { ...metadata, labels: kept } } as Resource
    })
}

/** Texts of all files by their paths in the folder. */
export function generateKustomize(): Map<string, string> {
  const base = listObjects(BASE)
  const files = new Map([
    ...filesOf('base', base),
    ['base/kustomization.yaml', toKustomization('', base.map(fileOf), [])],
  ])
  for (const mode of MODES) {
    const folder = `overlays/${mode}`
    const objects = listObjects(mode)
    const isAgent = mode !== 'cluster'
    const { added, patches } = isAgent ? compare(base, objects) : { added: objects, patches: [] }
    for (const [path, text] of [...filesOf(folder, added), ...filesOf(folder, patches)]) files.set(path, text)
    const resources = [...(isAgent ? ['../../base'] : []), ...added.map(fileOf)]
    files.set(`${folder}/kustomization.yaml`, toKustomization(describe(mode, objects), resources, patches.map(fileOf)))
  }
  return files
}

/** What an overlay has that the base has not, and what it changes. */
function compare(base: readonly Resource[], objects: readonly Resource[]): { added: Resource[]; patches: Resource[] } {
  const find = (list: readonly Resource[], of: Resource) => list.find((each) => fileOf(each) === fileOf(of))
  const patches = base.flatMap((before): Resource[] => {
    const { apiVersion, kind, metadata } = before
    const now = find(objects, before)
    const patch = now ? createPatch(toJson(before), toJson(now)) : { $patch: 'delete' }
    if (Object.keys(patch).length === 0) return []
    const { metadata: changes = {}, ...rest } = patch as Partial<Resource>
    return [{ apiVersion, kind, metadata: { name: metadata.name, ...changes }, ...rest }]
  })
  return { added: objects.filter((each) => !find(base, each)), patches }
}

function filesOf(folder: string, objects: readonly Resource[]): [path: string, text: string][] {
  return objects.map((each) => [`${folder}/${fileOf(each)}`, WRITTEN + toYaml(each)])
}

/** `service-upstream.yaml`: the kind, and the name without the release's. */
function fileOf({ kind, metadata }: Resource): string {
  return `${[kind.toLowerCase(), ...metadata.name.split('-').slice(1)].join('-')}.yaml`
}

function toKustomization(about: string, resources: readonly string[], patches: readonly string[]): string {
  const head = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' }
  const patched = patches.length === 0 ? {} : { patches: patches.map((path) => ({ path })) }
  return WRITTEN + about + toYaml({ ...head, namespace: 'kube-system', resources, ...patched })
}

/** Flags whose value is another one in each cluster. */
const OWN: Readonly<Partial<Record<Mode, readonly string[]>>> = {
  'node-local': ['-localip'],
  'link-local': ['-upstreamsvc'],
  'existing-link': ['-localip', '-interfacename'],
}

/** What the overlay is for, and how to tell it what differs between clusters. */
function describe(mode: Mode, objects: readonly Resource[]): string {
  const { args = [] } = findServer(objects).pod.containers[0]!
  const flags = OWN[mode] ?? []
  const lines = [ABOUT[mode]]
  if (flags.length > 0) {
    lines.push(
      `The values of ${flags.join(' and ')} are examples. Put yours into a kustomization of your own that has this folder among its`,
      'resources:',
      '',
      'patches:',
      '  - target: { kind: DaemonSet, name: corelet }',
      '    patch: |-',
      ...flags.map((flag) => {
        const at = args.indexOf(flag) + 1
        return `      - { op: replace, path: /spec/template/spec/containers/0/args/${at}, value: ${JSON.stringify(args[at])} }`
      }),
    )
  }
  return `${lines.map((line) => `# ${line}`.trimEnd()).join('\n')}\n`
}

function toYaml(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
}

if (import.meta.main) {
  const files = generateKustomize()
  if (process.argv.includes('--write')) {
    rmSync(join(ROOT, FOLDER), { recursive: true, force: true })
    for (const [path, text] of files) {
      mkdirSync(dirname(join(ROOT, FOLDER, path)), { recursive: true })
      writeFileSync(join(ROOT, FOLDER, path), text)
    }
  } else {
    const present = listFiles(FOLDER).map((path) => path.slice(FOLDER.length + 1))
    const isCurrent =
      present.length === files.size && present.every((path) => files.get(path) === read(`${FOLDER}/${path}`))
    if (!isCurrent) {
      process.stderr.write(`${FOLDER} is out of date: node test/generate-kustomize.ts --write\n`)
      process.exitCode = 1
    }
  }
}
