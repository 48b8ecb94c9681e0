import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives, readText } from 'corelet/plugin/testing'
import kubernetes from './index.ts'
import type { KubernetesOptions } from './options.ts'

const ZONES = ['cluster.local.']

test('every option, well written', async () => {
  const cases: [lines: string, check: (options: KubernetesOptions) => unknown, expected: unknown][] = [
    ['', (o) => [o.ttl, o.naming.pods, o.fallthrough, o.startupTimeout], [5, 'disabled', undefined, 5000]],
    ['', (o) => o.api.limits, { perSecond: 5, burst: 10, inFlight: 0 }],
    ['endpoint https://a:6443', (o) => o.api.endpoint, 'https://a:6443'],
    ['tls a.pem b.pem c.pem', (o) => o.api.tls, { cert: 'a.pem', key: 'b.pem', ca: 'c.pem' }],
    ['kubeconfig f', (o) => o.api.kubeconfig, { file: 'f', context: undefined }],
    ['kubeconfig f there', (o) => o.api.kubeconfig, { file: 'f', context: 'there' }],
    ['apiserver_qps 2.5', (o) => o.api.limits.perSecond, 2.5],
    ['apiserver_burst 7', (o) => o.api.limits.burst, 7],
    ['apiserver_max_inflight 3', (o) => o.api.limits.inFlight, 3],
    ['namespaces a b\n namespaces c', (o) => [...o.naming.namespaces], ['a', 'b', 'c']],
    ['namespace_labels team = dns', (o) => o.api.namespaceLabels, 'team = dns'],
    ['labels app in (a, b),!x, y/z notin (c),d==e', (o) => o.api.labels, 'app in (a, b),!x, y/z notin (c),d==e'],
    ['pods insecure', (o) => [o.naming.pods, o.api.followsPods], ['insecure', false]],
    ['pods verified', (o) => [o.naming.pods, o.api.followsPods], ['verified', true]],
    ['endpoint_pod_names', (o) => o.naming.endpointPodNames, true],
    ['ttl 0', (o) => o.ttl, 0],
    ['ttl 3600 and more', (o) => o.ttl, 3600],
    ['noendpoints', (o) => o.api.followsEndpoints, false],
    ['zonal', (o) => [o.naming.zonal, o.api.zonal], [true, true]],
    ['ignore empty_service', (o) => o.naming.ignoreEmpty, true],
    ['ignore', (o) => o.naming.ignoreEmpty, false],
    ['fallthrough', (o) => o.fallthrough?.toArray(), ['.']],
    ['fallthrough a.org', (o) => o.fallthrough?.toArray(), ['a.org.']],
    ['startup_timeout 1m', (o) => o.startupTimeout, 60_000],
  ]
  for (const [lines, check, expected] of cases) {
    const { options, diagnostics } = await readText(kubernetes, `kubernetes {\n ${lines}\n}`, ZONES)
    assert.deepEqual(diagnostics, [], lines)
    assert.deepEqual(check(options[0]!), expected, lines)
  }
})

test('the first zone that is not below a reverse zone is the one of names', async () => {
  const cases: [words: string, expected: string][] = [
    ['', 'cluster.local.'],
    ['10.0.0.0/8 a.org b.org', 'a.org.'],
    ['in-addr.arpa a.org', 'in-addr.arpa.'],
  ]
  for (const [words, expected] of cases) {
    const { options } = await readText(kubernetes, `kubernetes ${words}`, ZONES)
    assert.equal(options[0]?.primaryZone, expected, words)
  }
})

test('every option, badly written', async () => {
  const own = (code: string) => `3:2 kubernetes/${code}`
  await checkDirectives(
    kubernetes,
    [
      ['kubernetes 10.0.0.0/8', '2:1 kubernetes/only-reverse: non-reverse zone name must be used'],
      ['kubernetes a..b', '2:12 bad-zone'],
      [
        'kubernetes {\n endpoint\n}',
        "3:2 wrong-argument-count: Wrong argument count or unexpected line ending after 'endpoint'",
      ],
      ['kubernetes {\n endpoint ://\n}', '3:11 kubernetes/bad-endpoint'],
      ['kubernetes {\n tls a b\n}', `${own('tls-arguments')}: wrong number of arguments for tls: 2`],
      ['kubernetes {\n kubeconfig\n}', '3:2 wrong-argument-count'],
      ['kubernetes {\n kubeconfig a b c\n}', '3:17 wrong-argument-count'],
      ['kubernetes {\n apiserver_qps x\n}', "3:16 kubernetes/bad-qps: invalid apiserver_qps 'x'"],
      ['kubernetes {\n apiserver_qps -1\n}', '3:16 kubernetes/negative-qps: apiserver_qps must be >= 0'],
      ['kubernetes {\n apiserver_burst 1.5\n}', '3:18 kubernetes/bad-burst'],
      ['kubernetes {\n apiserver_burst -1\n}', '3:18 kubernetes/negative-burst'],
      ['kubernetes {\n apiserver_max_inflight x\n}', '3:25 kubernetes/bad-inflight'],
      ['kubernetes {\n apiserver_max_inflight -1\n}', '3:25 kubernetes/negative-inflight'],
      ['kubernetes {\n namespaces\n}', '3:2 wrong-argument-count'],
      [
        'kubernetes {\n namespace_labels a b\n}',
        `${own('bad-namespace-labels')}: unable to parse namespace_label selector value: a b`,
      ],
      ['kubernetes {\n labels a in (b\n}', `${own('bad-labels')}: unable to parse label selector value: a in (b`],
      [
        'kubernetes {\n namespaces a\n namespace_labels b\n}',
        '4:2 kubernetes/two-ways-of-namespaces: namespaces and namespace_labels cannot both be set',
      ],
      ['kubernetes {\n pods all\n}', '3:7 kubernetes/bad-pods: wrong value for pods: all,  must be one of: '],
      ['kubernetes {\n pods\n}', '3:2 wrong-argument-count'],
      ['kubernetes {\n endpoint_pod_names x\n}', '3:21 wrong-argument-count'],
      ['kubernetes {\n ttl 3601\n}', '3:6 kubernetes/ttl-out-of-range: ttl must be in range [0, 3600]: 3601'],
      ['kubernetes {\n ttl -1\n}', '3:6 kubernetes/ttl-out-of-range'],
      ['kubernetes {\n ttl soon\n}', '3:6 bad-integer'],
      ['kubernetes {\n noendpoints x\n}', '3:14 wrong-argument-count'],
      ['kubernetes {\n noendpoints\n zonal\n}', '4:2 kubernetes/zonal-without-endpoints'],
      ['kubernetes {\n ignore all\n}', "3:9 kubernetes/bad-ignore: unable to parse ignore value: 'all'"],
      ['kubernetes {\n fallthrough a..b\n}', '3:14 bad-zone'],
      ['kubernetes {\n multicluster a.org\n}', own('no-multicluster')],
      [
        'kubernetes {\n startup_timeout soon\n}',
        '3:18 kubernetes/bad-startup-timeout: failed to parse startup_timeout',
      ],
      ['kubernetes {\n upstream\n}', '3:2 unknown-property'],
      ['kubernetes\nkubernetes', '3:1 once-per-block'],
    ],
    ZONES,
  )
})

test('of several API servers the first is taken, with a warning', async () => {
  const { options, diagnostics } = await readText(kubernetes, 'kubernetes {\n endpoint http://a http://b\n}', ZONES)
  assert.deepEqual(
    diagnostics.map(({ code, severity }) => [code, severity]),
    [['kubernetes/first-endpoint', 'warning']],
  )
  assert.equal(options[0]?.api.endpoint, 'http://a')
})
