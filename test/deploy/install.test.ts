import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Answers, runWithKubectl } from '../kit/kubectl.ts'
import { listFiles, ROOT } from '../kit/sources.ts'
import { CILIUM, CLUSTERS } from './clusters.ts'

const INSTALL = join(ROOT, 'deploy/install/install.sh')
const UNINSTALL = join(ROOT, 'deploy/install/uninstall.sh')

/** As much of the stock manifest as has variables. */
const TEMPLATE = `kind: ConfigMap
data:
  Corefile: |
    __PILLAR__DNS__DOMAIN__:53 {
        bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
        forward . __PILLAR__CLUSTER__DNS__
        health __PILLAR__LOCAL__DNS__:8080
    }
---
kind: DaemonSet
spec:
  containers:
    - name: node-cache
      image: other:1
      args: [ "-localip", "__PILLAR__LOCAL__DNS__,__PILLAR__DNS__SERVER__", "-conf", "/etc/Corefile" ]
`
const folder = mkdtempSync(join(tmpdir(), 'install-'))
const manifest = join(folder, 'manifest.yaml')
writeFileSync(manifest, TEMPLATE)
after(() => rmSync(folder, { recursive: true }))

const install = (answers: Answers, ...args: string[]) =>
  runWithKubectl(INSTALL, ['--manifest', manifest, '--image', 'registry.example/corelet:1', ...args], answers)

/** What a pod is made of besides what its image says. */
const overridesOf = (call: string) => JSON.parse(/ --overrides (\{.*\})$/.exec(call)![1]!)

const kubeadm = CLUSTERS['kubeadm, kube-proxy with iptables']!
const RUNNING: Answers = { 'get pods*k8s-app=node-local-dns*': 'node-local-dns-a worker-1\nnode-local-dns-b worker-2' }
const CHANGES = /^(apply|delete|run|exec|patch|create)/

test('shellcheck has nothing to say', { skip: spawnSync('shellcheck', ['-V']).status !== 0 }, () => {
  const scripts = listFiles('deploy/install').filter((path) => path.endsWith('.sh'))
  assert.equal(scripts.length, 3)
  const { status, stdout } = spawnSync('shellcheck', ['-x', ...scripts], { cwd: ROOT, encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

for (const [kind, { answers, service, ip, domain, mode }] of Object.entries(CLUSTERS)) {
  test(`it finds out what there is: ${kind}`, () => {
    const { code, stdout, stderr, calls } = install(answers, '--dry-run')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, new RegExp(`^ {2}cluster DNS +${service}, ${ip}$`, 'm'))
    assert.match(stdout, new RegExp(`^ {2}domain +${domain}$`, 'm'))
    assert.match(stdout, new RegExp(`^ {2}kube-proxy +${mode}$`, 'm'))
    assert.deepEqual(
      calls.filter((call) => CHANGES.test(call)),
      [],
      'nothing is changed',
    )
    assert.ok(stdout.includes(`    ${domain}:53 {`))
    assert.ok(stdout.includes('      image: registry.example/corelet:1\n'))
    assert.doesNotMatch(stdout, /__PILLAR__(LOCAL|DNS)__/)
    const listens = mode === 'ipvs' ? '169.254.20.10' : `169.254.20.10,${ip}`
    assert.ok(stdout.includes(`"-localip", "${listens}",`))
    assert.equal(
      stdout.includes(`forward . ${ip}`),
      mode === 'ipvs',
      'the agent fills it in where there is a way past the cache',
    )
    assert.equal(/set clusterDNS of every kubelet/.test(stdout), mode === 'ipvs')
  })
}

test('the manifest beside it becomes one without a variable that the agent does not know', () => {
  for (const mode of ['iptables', 'ipvs']) {
    const { code, stdout } = runWithKubectl(INSTALL, ['--dry-run', '--mode', mode], kubeadm.answers)
    assert.equal(code, 0)
    const [, ...rest] = stdout.split('\nkind: DaemonSet\n')
    assert.doesNotMatch(rest.join(), /__PILLAR__/)
    const variables = new Set(stdout.split('\ndata:\n')[1]?.match(/__PILLAR__\w+__/g))
    variables.delete('__PILLAR__UPSTREAM__SERVERS__')
    assert.deepEqual([...variables], mode === 'ipvs' ? [] : ['__PILLAR__CLUSTER__DNS__'])
  }
})

test('the way past the cache has the selector and port of the DNS that was found', () => {
  const { stdout } = install(
    CLUSTERS['Giant Swarm, with a Service coredns and pods that listen on port 1053']!.answers,
    '--dry-run',
  )
  assert.match(
    stdout,
    /name: kube-dns-upstream\n[\s\S]*selector: \{"k8s-app":"coredns"\}\n[\s\S]*targetPort: 1053\n[\s\S]*targetPort: 1053\n/,
  )
  const rke2 = install(CLUSTERS['rke2, with a Service of a long name and IPVS']!.answers, '--dry-run')
  assert.match(rke2.stdout, /protocol: UDP\n +targetPort: udp-53\n[\s\S]*protocol: TCP\n +targetPort: tcp-53\n/)
  assert.doesNotMatch(install(kubeadm.answers, '--dry-run').stdout, /kube-dns-upstream/)
})

test('it applies, waits, and asks each agent and a pod', () => {
  const { code, stdout, calls, applied } = install({ ...RUNNING, ...kubeadm.answers }, '--yes')
  assert.equal(code, 0, stdout)
  assert.ok(applied.includes('10.96.0.10'))
  const steps = calls.filter((call) => /^(apply|rollout|exec|run)/.test(call)).map((call) => call.split(' --')[0])
  assert.deepEqual(steps, [
    'apply -f -',
    'rollout status daemonset/node-local-dns',
    'exec node-local-dns-a',
    'exec node-local-dns-b',
    `run ${/corelet-verify-\d+/.exec(calls.join('\n'))?.[0]}`,
  ])
  const { spec } = overridesOf(calls.at(-1)!)
  assert.deepEqual(spec.containers[0].command, ['/usr/bin/corelet', 'health', '10.96.0.10'])
  // as the strictest of the pod security standards wants it
  assert.deepEqual(spec.securityContext.seccompProfile, { type: 'RuntimeDefault' })
  assert.equal(spec.securityContext.runAsNonRoot, true)
  assert.deepEqual(spec.containers[0].securityContext.capabilities, { drop: ['ALL'] })
  assert.equal(spec.containers[0].securityContext.allowPrivilegeEscalation, false)
  assert.equal(spec.automountServiceAccountToken, false)
  assert.match(stdout, /^ {2}worker-2 +queries are answered by the agent$/m)
})

test('caches by other names are said, and that they have to go', () => {
  const daemonsets =
    'kube-system nodelocaldns [-localip 169.254.25.10 -conf /etc/coredns/Corefile]\nkube-system kube-proxy <none>\nkube-system node-local-dns [-localip 169.254.20.10,10.96.0.10]'
  const { code, stdout } = install({ 'get daemonsets *': daemonsets, ...kubeadm.answers }, '--dry-run')
  assert.equal(code, 0)
  assert.match(stdout, /^ {2}other caches +kube-system\/nodelocaldns$/m)
  assert.match(stdout, /^ {2}and you +then remove kube-system\/nodelocaldns: /m)
  assert.doesNotMatch(install(kubeadm.answers, '--dry-run').stdout, /other caches|then remove/)
})

test('a Corefile that is there is replaced, and it says so, or kept', () => {
  const there = { 'get configmap node-local-dns *': '.:53 {\n    log\n}', ...kubeadm.answers }
  const replaced = install(there, '--dry-run')
  assert.match(
    replaced.stdout,
    /^ {2}replace +the Corefile in the ConfigMap node-local-dns, unless you say --keep-corefile$/m,
  )
  assert.ok(replaced.stdout.includes('kind: ConfigMap'))
  const manifest = runWithKubectl(INSTALL, ['--dry-run', '--keep-corefile'], there).stdout
  assert.doesNotMatch(manifest, /kind: ConfigMap|^ {2}replace/m)
  assert.equal(manifest.match(/^kind: /gm)?.length, 4)
  assert.ok(manifest.includes('apiVersion: apps/v1\nkind: DaemonSet\n'))
  assert.doesNotMatch(install(kubeadm.answers, '--dry-run').stdout, /^ {2}replace/m)
})

test('a second run does the same, and says that it is there', () => {
  const there = { '*containers[0].image}': 'registry.example/corelet:1', ...RUNNING, ...kubeadm.answers }
  const [first, second] = [install({ ...RUNNING, ...kubeadm.answers }, '--yes'), install(there, '--yes')]
  assert.equal(second.applied, first.applied)
  assert.match(second.stdout, /^ {2}node-local-dns registry\.example\/corelet:1$/m)
})

test('a node where it does not work is named, and the status is 1', () => {
  const broken = {
    'exec node-local-dns-b*': '!queries are NOT all answered by the agent:',
    ...RUNNING,
    ...kubeadm.answers,
  }
  const { code, stdout, stderr } = install(broken, '--yes')
  assert.equal(code, 1)
  assert.match(stdout, /^ {2}worker-1 +queries are answered/m)
  assert.match(stdout, /^ {2}worker-2 +they are NOT:\nqueries are NOT all answered/m)
  assert.match(stderr, /uninstall\.sh takes everything back/)
})

test('flags win over what is found, and help where nothing is', () => {
  const given = [
    '--service-ip',
    '10.0.0.53',
    '--domain',
    'd.example',
    '--mode',
    'nftables',
    '--local-ip',
    '169.254.25.10',
  ]
  for (const answers of [kubeadm.answers, {}]) {
    const { code, stdout } = install(answers, '--dry-run', ...given)
    assert.equal(code, 0)
    assert.ok(stdout.includes('"169.254.25.10,10.0.0.53"') && stdout.includes('d.example:53 {'))
  }
})

test('for Cilium it names the whole command', () => {
  const command = (answers: Answers) =>
    install({ ...answers, ...CILIUM }, '--dry-run')
      .stderr.split('\n')[1]!
      .trim()
      .replace(/^(helm upgrade --install corelet) \S+\/helm\/corelet /, '$1 CHART ')
  const plain =
    'helm upgrade --install corelet CHART --namespace kube-system --set mode=cilium --set clusterDomain=cluster.local --set clusterDNS.service=kube-dns --set clusterDNS.namespace=kube-system'
  assert.equal(command(kubeadm.answers), plain)
  const odd = {
    '*{.spec.selector}': '{"k8s-app":"coredns"}',
    '*range .spec.ports*': '53/UDP 1053 udp-53\n53/TCP 1053 tcp-53',
  }
  assert.equal(
    command(odd),
    `${plain} --set-json 'upstream.selector={"k8s-app":"coredns"}' --set cilium.localRedirectPolicy.portNames.udp=udp-53 --set cilium.localRedirectPolicy.portNames.tcp=tcp-53 --set upstream.targetPort=1053`,
  )
})

const REFUSED: readonly [why: string, answers: Answers, args: string[], code: number, message: RegExp][] = [
  ['it is not asked and not told to go on', kubeadm.answers, [], 2, /give --yes/],
  [
    'no DNS is found',
    { 'get services*': 'default kubernetes 10.96.0.1 443 <none> <none>' },
    ['--yes'],
    1,
    /--service-ip/,
  ],
  ['the cluster does not answer', { 'get services*': '!connection refused' }, ['--yes'], 1, /does not answer/],
  ['the mode is not found', { ...kubeadm.answers, 'get configmap kube-proxy --*': '' }, ['--yes'], 1, /--mode/],
  ['Cilium stands in for kube-proxy', CILIUM, ['--yes'], 1, /local redirect policy.*:\n {2}helm upgrade .*mode=cilium/],
  [
    'its local redirect policies are off',
    { ...CILIUM, 'get configmap cilium-config*enable-local-redirect-policy*': 'false' },
    ['--yes'],
    1,
    /turn on enable-local-redirect-policy/,
  ],
  [
    'the DNS is in another namespace',
    { ...kubeadm.answers, 'get services*': 'openshift-dns dns-default 172.30.0.10 53,53 kube-dns <none>' },
    ['--yes'],
    1,
    /openshift-dns.*Helm chart/,
  ],
  ['an addon manager owns it', { '*addonmanager*': 'Reconcile', ...kubeadm.answers }, ['--yes'], 1, /addon manager/],
  ['a mode does not exist', kubeadm.answers, ['--yes', '--mode', 'userspace'], 2, /no mode/],
  ['an address is none', kubeadm.answers, ['--yes', '--service-ip', '1;rm -rf /'], 2, /no address/],
  ['the template is missing', kubeadm.answers, ['--yes', '--manifest', '/no/such/file'], 1, /no template/],
  ['a flag does not exist', kubeadm.answers, ['--wrong'], 2, /^Usage/m],
]
for (const [why, answers, args, code, message] of REFUSED) {
  test(`it changes nothing when ${why}`, () => {
    const result = install(answers, ...args)
    assert.equal(result.code, code, result.stdout)
    assert.match(result.stderr, message)
    assert.deepEqual(
      result.calls.filter((call) => CHANGES.test(call)),
      [],
    )
  })
}

const INSTALLED: Answers = {
  'get nodes*': 'worker-1\nworker-2',
  '*containers[0].args}': '["-localip","169.254.20.10,10.96.0.10","-conf","/etc/Corefile"]',
  'get services*': kubeadm.answers['get services*']!,
}

test('uninstall ends the agents first, then looks at each node, then asks the DNS of the cluster', () => {
  const { code, stdout, calls } = runWithKubectl(UNINSTALL, ['--yes', '--image', 'corelet:1'], INSTALLED)
  assert.equal(code, 0, stdout)
  const steps = calls.filter((call) => /^(delete|wait|run)/.test(call))
  assert.match(steps[0]!, /^delete daemonset\/node-local-dns .*--wait/)
  assert.match(steps[1]!, /^wait --for=delete pod /)
  assert.match(
    steps[2]!,
    /^delete configmap\/node-local-dns service\/node-local-dns service\/kube-dns-upstream serviceaccount/,
  )
  for (const [index, node] of ['worker-1', 'worker-2'].entries()) {
    const { spec } = overridesOf(steps[3 + index]!)
    assert.equal(spec.nodeName, node)
    assert.equal(spec.hostNetwork, true)
    assert.deepEqual(spec.containers[0].command, [
      '/usr/bin/corelet',
      'uninstall',
      '-localip',
      '169.254.20.10,10.96.0.10',
    ])
    assert.deepEqual(spec.containers[0].securityContext.capabilities, { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] })
  }
  assert.deepEqual(overridesOf(steps[5]!).spec.containers[0].command.slice(1), ['health', '10.96.0.10'])
  assert.equal(steps.length, 6)
  assert.match(stdout, /^ {2}worker-2 +nothing is left$/m)
})

test('uninstall says what is left where, and 1; where nothing was it looks all the same', () => {
  const left = { 'run *worker-2*': '!left: rule 3 of raw PREROUTING', ...INSTALLED }
  const { code, stdout } = runWithKubectl(UNINSTALL, ['--yes'], left)
  assert.equal(code, 1)
  assert.match(stdout, /^ {2}worker-2 +something is LEFT:\nleft: rule 3/m)
  const again = runWithKubectl(UNINSTALL, ['--yes'], { ...INSTALLED, '*containers[0].args}': '' })
  assert.equal(again.code, 0)
  assert.match(again.stdout, /not installed[\s\S]*worker-1 +nothing is left/)
})

test('uninstall does not look at nodes beneath another cache that lives', () => {
  const chart = { 'get daemonsets *': 'dns corelet [-conf /run/corelet/Corefile -localip 169.254.20.10,10.96.0.10]' }
  const { code, stderr, calls } = runWithKubectl(UNINSTALL, ['--yes'], { ...chart, ...INSTALLED })
  assert.equal(code, 1)
  assert.match(stderr, /remove dns\/corelet first/)
  assert.deepEqual(
    calls.filter((call) => CHANGES.test(call)),
    [],
  )
})

test('uninstall --dry-run changes nothing, and tells of kubelets that ask the cache alone', () => {
  const ipvs = { ...INSTALLED, '*containers[0].args}': '["-localip","169.254.20.10","-conf","/etc/Corefile"]' }
  const { code, stdout, calls } = runWithKubectl(UNINSTALL, ['--dry-run'], ipvs)
  assert.equal(code, 0)
  assert.match(stdout, /set clusterDNS of every kubelet back to 10\.96\.0\.10/)
  assert.deepEqual(
    calls.filter((call) => CHANGES.test(call)),
    [],
  )
  assert.equal(runWithKubectl(UNINSTALL, [], INSTALLED).code, 2)
})
