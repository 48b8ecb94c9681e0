/** What pods of the chart may do, in all modes and with values at their edges. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CASES, type Mode } from './cases.ts'
import { CHART, type Resource } from './chart.ts'
import { findServer, listConfigMaps, listWorkloads } from './workloads.ts'

const RENDERED = new Map(
  [...CASES].map(([about, { values, release }]) => [about, CHART.render(values, release).resources]),
)
const modeOf = (about: string) => CASES.get(about)!.values['mode'] as Mode
const isOnNode = (about: string) => !['cilium', 'cluster'].includes(modeOf(about))

/** All that serve, and all others. */
function forEach(check: (about: string, resources: readonly Resource[]) => void): void {
  for (const [about, resources] of RENDERED) check(about, resources)
}

describe('every pod', () => {
  const forEachContainer = (
    check: (where: string, container: ReturnType<typeof findServer>['pod']['containers'][0]) => void,
  ) =>
    forEach((about, resources) => {
      for (const { resource, pod } of listWorkloads(resources)) {
        for (const each of [...(pod.initContainers ?? []), ...pod.containers])
          check(`${about}: ${resource.kind} ${each.name}`, each)
      }
    })

  test('has no privileges, gets none, and can write to nothing but its volumes', () => {
    forEachContainer((where, { securityContext }) => {
      assert.notEqual(securityContext.privileged, true, where)
      assert.equal(securityContext.allowPrivilegeEscalation, false, where)
      assert.equal(securityContext.readOnlyRootFilesystem, true, where)
      assert.deepEqual(securityContext.capabilities.drop, ['ALL'], where)
    })
  })

  test('has the runtime filter its system calls', () => {
    forEach((about, resources) => {
      for (const { pod } of listWorkloads(resources)) {
        assert.equal(pod.securityContext.seccompProfile?.type, 'RuntimeDefault', about)
      }
    })
  })

  test('has no token of the API, but where the chart is given rules for it', () => {
    forEach((about, resources) => {
      const hasRules = resources.some(({ kind }) => kind === 'ClusterRole')
      for (const { resource, pod } of listWorkloads(resources)) {
        const needs = hasRules && ['DaemonSet', 'Deployment'].includes(resource.kind)
        assert.equal(pod.automountServiceAccountToken, needs, `${about}: ${resource.kind}`)
      }
    })
  })

  test('is nobody by number, where it is not on the network of the node', () => {
    forEach((about, resources) => {
      for (const { resource, pod } of listWorkloads(resources)) {
        if (pod.hostNetwork) continue
        assert.equal(pod.securityContext.runAsNonRoot, true, `${about}: ${resource.kind}`)
        assert.ok(Number.isInteger(pod.securityContext.runAsUser) && pod.securityContext.runAsUser! > 0, about)
      }
    })
  })

  test('mounts volumes that it has, and each of them', () => {
    forEach((about, resources) => {
      for (const { pod } of listWorkloads(resources)) {
        const mounted = [...(pod.initContainers ?? []), ...pod.containers].flatMap((each) => each.volumeMounts ?? [])
        const names = new Set(mounted.map(({ name }) => name))
        assert.deepEqual([...names].sort(), (pod.volumes ?? []).map(({ name }) => name).sort(), about)
        for (const { volumeMounts = [] } of pod.containers) {
          const paths = volumeMounts.map(({ mountPath }) => mountPath)
          assert.deepEqual(paths, [...new Set(paths)], about)
        }
      }
    })
  })

  test('mounts keys that ConfigMaps of the chart have', () => {
    const others = ['zones', 'plugins', 'coredns-custom', 'kube-dns', 'another']
    forEach((about, resources) => {
      const configMaps = new Map(
        resources
          .filter(({ kind }) => kind === 'ConfigMap')
          .map((each) => [each.metadata.name, each['data'] as object]),
      )
      for (const { pod } of listWorkloads(resources)) {
        for (const { name, optional, items = [] } of (pod.volumes ?? []).flatMap(listConfigMaps)) {
          const data = configMaps.get(name)
          if (!data) assert.ok(optional || others.includes(name), `${about}: ${name}`)
          else for (const { key } of items) assert.ok(key in data, `${about}: ${key} of ${name}`)
        }
      }
    })
  })

  test('reads the ServiceAccount that is there', () => {
    forEach((about, resources) => {
      const there = new Set(
        resources.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name),
      )
      const { pod } = findServer(resources)
      assert.ok(there.has(pod.serviceAccountName!) || pod.serviceAccountName === 'own', about)
    })
  })
})

describe('the server', () => {
  const forEachServer = (
    check: (about: string, server: ReturnType<typeof findServer>, resources: readonly Resource[]) => void,
  ) => forEach((about, resources) => check(about, findServer(resources), resources))

  test('has the capabilities that its mode needs', () => {
    forEachServer((about, { pod }) => {
      const added = pod.containers[0]!.securityContext.capabilities.add ?? []
      const agent = (CASES.get(about)!.values['agent'] ?? {}) as { interception?: string }
      const node = ['NET_ADMIN', 'NET_BIND_SERVICE', ...(agent.interception === 'nftables' ? [] : ['NET_RAW'])]
      assert.deepEqual(added.toSorted(), isOnNode(about) ? node : ['NET_BIND_SERVICE'], about)
    })
  })

  test('is on the network of the node in three modes, and asks the node who to ask', () => {
    forEachServer((about, { resource, pod }) => {
      assert.equal(pod.hostNetwork ?? false, isOnNode(about), about)
      assert.equal(pod.dnsPolicy, 'Default', about)
      assert.equal(resource.kind, modeOf(about) === 'cluster' ? 'Deployment' : 'DaemonSet')
    })
  })

  test('has no path of the node but the lock of iptables, and the resolv.conf that is given', () => {
    forEachServer((about, { pod }) => {
      const paths = (pod.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? [])
      const allowed = ['/run/xtables.lock', '/run/systemd/resolve/resolv.conf'].filter((path) => paths.includes(path))
      assert.deepEqual(paths, allowed, about)
      if (!about.includes('files of others')) assert.ok(!paths.includes('/run/systemd/resolve/resolv.conf'), about)
      if (!isOnNode(about)) assert.ok(!paths.includes('/run/xtables.lock'), about)
    })
  })

  test('has no port of the node, so that the next one can start beside it', () => {
    forEachServer((about, { resource, pod }) => {
      const [container] = pod.containers
      if (pod.hostNetwork) assert.equal(container!.ports, undefined, about)
      const { updateStrategy, strategy } = resource['spec'] as Record<string, { rollingUpdate: object }>
      if (!about.includes('updates by hand')) {
        assert.deepEqual((updateStrategy ?? strategy)!.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 }, about)
      }
    })
  })

  test('asks for processor time and memory, has a priority, and is probed', () => {
    forEachServer((about, { pod }) => {
      const [{ resources, startupProbe, readinessProbe, livenessProbe } = assert.fail()] = pod.containers
      if (!about.includes('no resources'))
        assert.ok(resources?.requests?.['cpu'] && resources.requests['memory'], about)
      const priority = modeOf(about) === 'cluster' ? 'system-cluster-critical' : 'system-node-critical'
      assert.equal(pod.priorityClassName, about.includes('much more') ? 'high' : priority, about)
      assert.ok(startupProbe ?? readinessProbe, about)
      assert.equal(livenessProbe !== undefined, !about.includes('no optional objects'), about)
    })
  })

  test('is probed at ports that it has', () => {
    forEachServer((about, { pod }) => {
      const [{ ports = [], startupProbe, readinessProbe, livenessProbe } = assert.fail()] = pod.containers
      for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe].filter((each) => each !== undefined)) {
        if (!httpGet) continue
        if (pod.hostNetwork) assert.ok(httpGet.host, `${about}: of the node`)
        else
          assert.ok(
            ports.some(({ name, containerPort }) => [name, containerPort].includes(httpGet.port as never)),
            `${about}: ${httpGet.port}`,
          )
      }
    })
  })
})

describe('objects find each other', () => {
  const matches = (labels: Record<string, string>, selector: Record<string, string>) =>
    Object.entries(selector).every(([key, value]) => labels[key] === value)

  test('selectors find the server, and no other pod of the chart', () => {
    forEach((about, resources) => {
      const { selector, labels } = findServer(resources)
      assert.ok(matches(labels, selector!), about)
      for (const other of listWorkloads(resources)) {
        assert.equal(matches(other.labels, selector!), other.labels === labels, `${about}: ${other.resource.kind}`)
      }
    })
  })

  /** Kinds with a selector for pods, and where it is. */
  const SELECTORS: Record<string, string> = {
    Service: 'selector',
    PodDisruptionBudget: 'selector.matchLabels',
    NetworkPolicy: 'podSelector.matchLabels',
    PodMonitor: 'selector.matchLabels',
    CiliumLocalRedirectPolicy: 'redirectBackend.localEndpointSelector.matchLabels',
  }
  const read = (from: unknown, path: string): unknown =>
    path.split('.').reduce<unknown>((of, name) => (of as Record<string, unknown> | undefined)?.[name], from)

  test('services, policies and monitors find the server, or the DNS of the cluster', () => {
    const found = new Set<string>()
    forEach((about, resources) => {
      const { labels, pod } = findServer(resources)
      for (const { kind, metadata, spec } of resources) {
        const path = SELECTORS[kind]
        if (!path) continue
        const selector = read(spec, path) as Record<string, string>
        if (metadata.name.endsWith('-upstream') || metadata.name === 'kube-dns-upstream') {
          assert.ok(!matches(labels, selector), `${about}: the way past the cache leads to it`)
          continue
        }
        assert.ok(Object.keys(selector).length > 0 && matches(labels, selector), `${about}: ${kind} ${metadata.name}`)
        found.add(kind)
        if (kind !== 'Service' || pod.hostNetwork) continue
        const names = pod.containers[0]!.ports!.flatMap(({ name, containerPort }) => [name, containerPort])
        for (const { port, targetPort = port } of (spec as { ports: { port: number; targetPort?: number | string }[] })
          .ports) {
          assert.ok(names.includes(targetPort), `${about}: port ${targetPort} of ${metadata.name}`)
        }
      }
    })
    assert.deepEqual([...found].sort(), Object.keys(SELECTORS).sort())
  })

  test('a ServiceMonitor finds the Service of the metrics by its labels and port', () => {
    let count = 0
    forEach((about, resources) => {
      for (const { kind, spec } of resources) {
        if (kind !== 'ServiceMonitor') continue
        count++
        const { selector, endpoints } = spec as {
          selector: { matchLabels: Record<string, string> }
          endpoints: { port: string }[]
        }
        const services = resources.filter(
          (each) => each.kind === 'Service' && matches(each.metadata.labels ?? {}, selector.matchLabels),
        )
        assert.equal(services.length, 1, about)
        const { ports } = services[0]!['spec'] as { ports: { name: string }[] }
        for (const { port } of endpoints)
          assert.ok(
            ports.some(({ name }) => name === port),
            `${about}: ${port}`,
          )
      }
    })
    assert.ok(count > 0)
  })
})
