/** Pods of the chart for real: arguments, files, users and capabilities as rendered, in networks with a kube-proxy and a DNS of the cluster. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { until } from '../../kit/agent.ts'
import { makeCertificate } from '../../kit/certificate.ts'
import { canContain } from '../../kit/container.ts'
import { canMakeNetns, type Netns } from '../../kit/netns.ts'
import { ROOT } from '../../kit/sources.ts'
import { ANSWERS, WHO } from '../../node/names.ts'
import { ADDRESSES } from '../../node/network.ts'
import { assertClean } from '../../node/remains.ts'
import { type Rig, type Setup, startRig } from '../../node/rig.ts'
import { API, KUBERNETES_SERVICE } from './api.ts'
import { CHART } from './chart.ts'
import { type Place, type Pod, startPod } from './pod.ts'
import type { ValueMap } from './values.ts'
import { findServer, listWorkloads, type PodSpec } from './workloads.ts'

const { ipv4, ipv6 } = ADDRESSES
/** A zone of the server's own, by which clients know who answers. */
const ZONES = {
  'agent.test': { upstream: 'none', plugins: { hosts: { options: { [ANSWERS.agent]: WHO, no_reverse: true } } } },
}

describe('pods', { skip: !canMakeNetns || !canContain() }, () => {
  let images: string
  let rig: Rig | undefined
  const pods: Pod[] = []
  let api: Place['api']
  const kills: (() => void)[] = []
  before(() => {
    images = mkdtempSync(join(tmpdir(), 'images-'))
    for (const options of [['--node'], []]) {
      const folder = join(images, options.length > 0 ? 'node' : 'server')
      execFileSync(process.execPath, [join(ROOT, 'deploy/image/assemble.ts'), '--base', ...options, folder], {
        stdio: 'pipe',
      })
    }
  })
  after(() => rmSync(images, { recursive: true, force: true }))
  afterEach(async () => {
    await Promise.all(pods.map((pod) => pod.kill()))
    pods.length = 0
    api = undefined
    for (const kill of kills.splice(0)) kill()
    await rig?.stop()
    rig = undefined
  })

  const place = (where: 'node' | 'pod', nameserver: string): Place => ({
    image: join(images, where === 'node' ? 'node' : 'server'),
    netns: rig![where],
    services: { 'corelet-upstream': ipv4.upstream },
    nameserver,
    ...(api && { api }),
  })

  /** Runs all containers of a hook, one after the other. @returns what those wrote that failed */
  async function runHook(hook: string, values: ValueMap, nameserver: string): Promise<string[]> {
    const { resources } = CHART.render({ zones: ZONES, ...values })
    const workloads = listWorkloads(resources).filter(({ resource }) =>
      resource.metadata.annotations?.['helm.sh/hook']?.includes(hook),
    )
    assert.ok(workloads.length > 0, hook)
    const failed: string[] = []
    for (const workload of workloads) {
      const where = place(workload.pod.hostNetwork ? 'node' : 'pod', nameserver)
      for (const container of workload.pod.containers) {
        const pod = startPod(workload, resources, where, container)
        pods.push(pod)
        if ((await pod.ended) !== 0) failed.push(`${workload.resource.metadata.name} ${container.name}: ${pod.output}`)
      }
    }
    return failed
  }

  /** Starts the pod that values make, on the node or in the network of a pod, and waits until it is ready. */
  async function start(where: 'node' | 'pod', values: ValueMap): Promise<{ pod: Pod; spec: PodSpec }> {
    const { resources } = CHART.render({ zones: ZONES, ...values })
    const workload = findServer(resources)
    const pod = startPod(workload, resources, place(where, ipv4.clusterDns))
    pods.push(pod)
    const { startupProbe, readinessProbe } = workload.pod.containers[0]!
    await pod.becomes((startupProbe ?? readinessProbe)!)
    return { pod, spec: workload.pod }
  }

  /** Starts an API server on the node. */
  async function startApi(node: Netns): Promise<void> {
    const { cert, key } = await makeCertificate(images, API.host)
    const child = node.start(process.execPath, [join(ROOT, 'test/deploy/helm/api.ts'), cert, key])
    kills.push(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    api = { ...API, ca: readFileSync(cert, 'utf8') }
  }

  const dig = async (from: Netns, address: string, ...words: string[]) =>
    (await from.exec('dig', [`@${address}`, '+short', '+tries=2', '+time=2', ...words])).stdout.trim()

  /** Names of the server, of the cluster and of the world, over both protocols. */
  async function assertAnswers(from: Netns, address: string): Promise<void> {
    for (const protocol of ['+notcp', '+tcp']) {
      const answers = [
        await dig(from, address, protocol, WHO),
        await dig(from, address, protocol, 'kubernetes.default.svc.cluster.local'),
        await dig(from, address, protocol, 'nothing.example', '+noshort', '+noall', '+comments'),
      ]
      assert.deepEqual(answers.slice(0, 2), [ANSWERS.agent, KUBERNETES_SERVICE], `${address} ${protocol}`)
      assert.match(answers[2]!, /status: NXDOMAIN/, `${address} ${protocol}`)
    }
  }

  async function assertMetrics(from: Netns, address: string, port: number): Promise<void> {
    const { stdout } = await from.exec('curl', ['-s', '-m', '5', `http://${address}:${port}/metrics`])
    assert.match(stdout, /^coredns_dns_requests_total\{/m)
  }

  const NODES: Record<string, { values: ValueMap; setup: Setup; served: readonly string[]; before?(rig: Rig): void }> =
    {
      'node-local with nftables, both families': {
        values: {
          mode: 'node-local',
          clusterDNS: { addresses: [ipv4.service, ipv6.service] },
          localAddresses: [ipv4.local, ipv6.local],
          agent: { interception: 'nftables' },
        },
        setup: { interception: 'nftables', proxy: 'nftables', families: ['ipv4', 'ipv6'] },
        served: [ipv4.service, ipv6.service, ipv4.local, ipv6.local],
      },
      'node-local, which finds out how': {
        values: { mode: 'node-local', clusterDNS: { addresses: [ipv4.service] } },
        setup: { interception: 'nftables', proxy: 'iptables', families: ['ipv4'] },
        served: [ipv4.service, ipv4.local],
      },
      'node-local with iptables of the kubelet, the newer kind': {
        values: { mode: 'node-local', clusterDNS: { addresses: [ipv4.service] }, agent: { interception: 'iptables' } },
        setup: { interception: 'iptables-nft', proxy: 'iptables', families: ['ipv4'] },
        served: [ipv4.service, ipv4.local],
      },
      'node-local with iptables of the kubelet, the older kind': {
        values: { mode: 'node-local', clusterDNS: { addresses: [ipv4.service] }, agent: { interception: 'iptables' } },
        setup: { interception: 'iptables-legacy', proxy: 'iptables', families: ['ipv4'] },
        served: [ipv4.service, ipv4.local],
      },
      'link-local': {
        values: { mode: 'link-local', clusterDNS: { addresses: [ipv4.service] } },
        setup: { interception: 'nftables', proxy: 'iptables', families: ['ipv4'] },
        served: [ipv4.local],
      },
      'existing-link': {
        values: {
          mode: 'existing-link',
          clusterDNS: { addresses: [ipv4.service] },
          localAddresses: [],
          link: { name: 'cbr0' },
        },
        setup: { interception: 'nftables', proxy: 'iptables', families: ['ipv4'] },
        served: [ipv4.service],
        before: ({ node }) => void node.run('ip', 'link', 'add', 'cbr0', 'up', 'type', 'bridge'),
      },
    }

  for (const [about, { values, setup, served, before: prepare }] of Object.entries(NODES)) {
    test(about, async () => {
      rig = await startRig(setup)
      prepare?.(rig)
      assert.deepEqual(await runHook('pre-install', values, ipv4.clusterDns), [])
      const { pod, spec } = await start('node', values)
      await until(() => /are led here/.test(pod.output), 'interception')
      for (const address of served) {
        await assertAnswers(rig.pod, address)
        await assertAnswers(rig.node, address)
      }
      assert.deepEqual(await runHook('test', values, served[0]!), [])
      assert.ok(await pod.probe(spec.containers[0]!.livenessProbe!))
      await assertMetrics(rig.node, '127.0.0.1', 9253)
      await assertMetrics(rig.node, '127.0.0.1', 9353)
      assert.equal(await pod.stop(), 0, pod.output)
      assertClean(rig)
      assert.equal(await rig.whoAnswers('pod', [ipv4.service]), 'cluster')
      assert.doesNotMatch(pod.output, /\[ERROR\]/)
      if (about === 'existing-link') assert.match(rig.node.run('ip', '-brief', 'link', 'show', 'cbr0'), /^cbr0/)
    })
  }

  test('node-local: the next pod of an update starts beside the last one, and stays when that ends', async () => {
    rig = await startRig({ interception: 'nftables', proxy: 'iptables', families: ['ipv4'] })
    const values: ValueMap = { mode: 'node-local', clusterDNS: { addresses: [ipv4.service] } }
    const first = await start('node', values)
    await until(() => /are led here/.test(first.pod.output), 'interception')
    const second = await start('node', values)
    assert.equal(await first.pod.stop(), 0, first.pod.output)
    await assertAnswers(rig.pod, ipv4.service)
    assert.equal(await rig.whoAnswers('pod', [ipv4.service]), 'agent')
    assert.ok(await second.pod.probe(second.spec.containers[0]!.startupProbe!))
    assert.equal(await second.pod.stop(), 0, second.pod.output)
    assertClean(rig)
  })

  const PODS: Record<string, { values: ValueMap; metrics: number }> = {
    cilium: { values: { mode: 'cilium' }, metrics: 9253 },
    'cluster, which asks the API': { values: { mode: 'cluster' }, metrics: 9153 },
    'cluster, before another DNS': { values: { mode: 'cluster', kubernetes: { enabled: false } }, metrics: 9153 },
  }

  test('a Corefile with an error is found before anything is installed, and tests fail where nothing answers', async () => {
    rig = await startRig({ interception: 'nftables', proxy: 'iptables', families: ['ipv4'] })
    const values: ValueMap = { mode: 'node-local', clusterDNS: { addresses: [ipv4.service] } }
    const [check] = await runHook(
      'pre-install',
      { ...values, corefile: '.:53 {\n    forwrad . 192.0.2.53\n}\n' },
      ipv4.clusterDns,
    )
    assert.match(check!, /corelet-check.*forwrad/s)
    const failed = await runHook('test', values, ipv4.service)
    assert.match(failed.join('\n'), /test-dns ask-0[\s\S]*test-status status/)
  })

  for (const [about, { values, metrics }] of Object.entries(PODS)) {
    test(`${about}, in the network of a pod, with nothing but its user`, async () => {
      rig = await startRig({ interception: 'nftables', proxy: 'iptables', families: ['ipv4', 'ipv6'] })
      if (about.endsWith('the API')) await startApi(rig.node)
      const { pod, spec } = await start('pod', values)
      for (const address of ['10.1.0.2', 'fd00:1::2']) await assertAnswers(rig.node, address)
      const { livenessProbe, readinessProbe } = spec.containers[0]!
      for (const probe of [livenessProbe!, readinessProbe!]) assert.ok(await pod.probe(probe))
      await assertMetrics(rig.node, '10.1.0.2', metrics)
      if (about === 'cilium') await assertMetrics(rig.node, '10.1.0.2', 9353)
      assert.equal(await pod.stop(), 0, pod.output)
      assert.doesNotMatch(pod.output, /\[ERROR\]/)
      assert.doesNotMatch(rig.pod.run('ip', '-brief', 'link'), /nodelocaldns/)
      assert.equal(rig.pod.run('nft', 'list', 'ruleset'), '')
    })
  }
})
