/** Values to render the chart with: each mode as it is, and what is at the edges. */
import type { Release } from './chart.ts'
import type { ValueMap } from './values.ts'

export interface Case {
  values: ValueMap
  release?: Partial<Release>
}

export const MODES = ['node-local', 'link-local', 'cilium', 'existing-link', 'cluster'] as const
export type Mode = (typeof MODES)[number]

/** The least that each mode has to be told. */
export const MINIMAL: Readonly<Record<Mode, ValueMap>> = {
  'node-local': { mode: 'node-local', clusterDNS: { addresses: ['10.96.0.10'] } },
  'link-local': { mode: 'link-local', clusterDNS: { addresses: ['10.96.0.10'] } },
  cilium: { mode: 'cilium' },
  'existing-link': { mode: 'existing-link', clusterDNS: { addresses: ['10.96.0.10'] }, link: { name: 'cbr0' } },
  cluster: { mode: 'cluster' },
}

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`

/** A plugin that passes all queries on. */
const HELLO = `import { definePlugin } from 'corelet/plugin'

export default definePlugin({
  name: 'hello',
  summary: 'passes queries on',
  directive: { args: [], options: {} },
  start: () => (query, next) => next(query),
})
`

/** What each mode is rendered with, besides as it is. */
const EDGES: Readonly<Record<string, ValueMap>> = {
  'an image by digest': { image: { digest: DIGEST }, imagePullSecrets: [{ name: 'registry' }] },
  'no resources': { resources: null },
  'all optional objects': {
    metrics: {
      podMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '15s' },
      serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '1m' },
      rules: { enabled: true, labels: { release: 'prometheus' } },
      dashboards: { enabled: true, annotations: { folder: 'DNS' }, namespace: 'monitoring' },
    },
    networkPolicy: {
      enabled: true,
      from: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
      metricsFrom: [{ namespaceSelector: {} }],
    },
    autoscaling: { enabled: true },
    kyverno: { policyException: true },
    rbac: { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }] },
    commonLabels: { team: 'network', 'app.kubernetes.io/part-of': 'dns' },
    podLabels: { tier: 'dns' },
    podAnnotations: { 'example.org/note': 'yes' },
    restartOnChange: true,
  },
  'no optional objects': {
    check: { enabled: false },
    metrics: { annotations: false, service: false, agentPort: 0 },
    networkPolicy: { enabled: false },
    podDisruptionBudget: { enabled: false },
    cilium: { localRedirectPolicy: { enabled: false } },
    serviceAccount: { create: false, name: 'own' },
    livenessProbe: { enabled: false },
    kubeDnsConfigMap: '',
  },
  'a Corefile as text': {
    corefile: '.:53 {\n    errors\n    health :8080\n    ready :8181\n    forward . 192.0.2.53\n}\n',
  },
  'zones as a map': {
    clusterDomain: 'corp.example',
    zones: {
      cluster: {
        names: ['in-addr.arpa'],
        cache: { success: 1000000, prefetch: '10 1m 10%', serveStale: '1h' },
        log: true,
      },
      'in-addr.arpa': { enabled: false },
      'lab.example': {
        upstream: ['192.0.2.53', '192.0.2.54:5353', '2001:db8::53'],
        aaaaFilter: true,
        plugins: { loop: false },
      },
      '.': { searchFilter: ['com', 'net'], plugins: { nsid: 'here', log: { options: { class: 'error' } } } },
    },
  },
  'files of others': {
    custom: {
      files: { 'a.server': 'a.example:53 {\n    whoami\n}\n', 'b.override': 'nsid b' },
      existingConfigMap: 'coredns-custom',
    },
    kubeDnsConfigMap: 'another',
    nodeResolvConf: '/run/systemd/resolve/resolv.conf',
  },
  'plugins from outside': {
    plugins: {
      list: 'errors:errors\nhello:/etc/corelet/plugins/hello.js\nforward:forward\n',
      files: { 'hello.js': HELLO },
    },
    corefile: '.:53 {\n    errors\n    hello\n    forward . 192.0.2.53\n}\n',
  },
  'plugins from a ConfigMap that is there': { plugins: { existingConfigMap: 'plugins' } },
  'much more of everything': {
    extraArgs: ['-quiet', '-log-format=json'],
    extraEnv: [{ name: 'ZONE', value: 'yes' }],
    extraVolumes: [{ name: 'zones', configMap: { name: 'zones' } }],
    extraVolumeMounts: [{ name: 'zones', mountPath: '/zones' }],
    tolerations: [{ key: 'a', operator: 'Exists' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }],
        },
      },
    },
    nodeSelector: { 'kubernetes.io/os': 'linux', pool: 'a' },
    resources: { limits: { memory: '1Gi' }, requests: { cpu: 1, memory: '128Mi' } },
    priorityClassName: 'high',
    livenessProbe: { type: 'exec' },
    health: { port: 9080 },
    metrics: { host: '$(HOST_IP)', port: 19253, agentPort: 19353 },
  },
  'updates by hand': {
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' } },
  },
}

/** As long as Helm allows. */
const LONG = `${'long-'.repeat(10)}end`

/** What only some modes have. */
const SPECIAL: Readonly<Record<string, Case>> = {
  'node-local, both families': {
    values: {
      mode: 'node-local',
      clusterDNS: { addresses: ['10.96.0.10', 'fd00:96::a'] },
      localAddresses: ['169.254.20.10', 'fd00:20::a'],
    },
  },
  'node-local, IPv6 alone': {
    values: { mode: 'node-local', clusterDNS: { addresses: ['fd00:96::a'] }, localAddresses: ['fd00:20::a'] },
  },
  'link-local, IPv6 alone': {
    values: { mode: 'link-local', clusterDNS: { addresses: ['fd00:96::a'] }, localAddresses: ['fd00:20::a'] },
  },
  'node-local, the service address alone': { values: { ...MINIMAL['node-local'], localAddresses: [] } },
  'node-local, flags of the agent': {
    values: {
      ...MINIMAL['node-local'],
      agent: {
        interception: 'iptables-legacy',
        rulePosition: 'append',
        hostTraffic: false,
        skipTeardown: true,
        syncInterval: '1s',
        probeInterval: '250ms',
        probeFailures: 10,
      },
      link: { name: 'dns0', type: 'bridge' },
    },
  },
  'node-local, nftables': { values: { ...MINIMAL['node-local'], agent: { interception: 'nftables' } } },
  'node-local, pods of the DNS on another port': {
    values: {
      ...MINIMAL['node-local'],
      upstream: {
        selector: { app: 'coredns' },
        port: 5353,
        targetPort: 'dns',
        clusterIP: '10.96.0.11',
      },
    },
  },
  'node-local, a Service that is there': {
    values: { ...MINIMAL['node-local'], upstream: { create: false, name: 'kube-dns-upstream' } },
  },
  'node-local, an address to ask': {
    values: { ...MINIMAL['node-local'], upstream: { create: false, address: '10.96.0.11' } },
  },
  'cilium, an address of its own': {
    values: { mode: 'cilium', cilium: { localRedirectPolicy: { address: '169.254.20.10' } } },
    release: { namespace: 'dns' },
  },
  'cluster, in place of another': {
    values: {
      mode: 'cluster',
      service: {
        clusterIP: '10.96.0.10',
        ipFamilyPolicy: 'PreferDualStack',
        extraPorts: [{ name: 'dns-tls', port: 853, protocol: 'TCP' }],
      },
      replicas: 5,
    },
  },
}

/** All of them by name. */
export const CASES: ReadonlyMap<string, Case> = new Map([
  ...MODES.flatMap((mode): [string, Case][] => [
    [mode, { values: MINIMAL[mode] }],
    ...Object.entries(EDGES).map(([about, values]): [string, Case] => [
      `${mode}, ${about}`,
      { values: { ...values, ...MINIMAL[mode] } },
    ]),
    [`${mode}, long names`, { values: MINIMAL[mode], release: { name: LONG } }],
    [`${mode}, names that are given`, { values: { ...MINIMAL[mode], fullnameOverride: 'dns', nameOverride: 'cache' } }],
  ]),
  ...Object.entries(SPECIAL),
])
