/** Dashboards and alerts: what they ask for is what a server with an agent exports, and alerts fire when they should and only then. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createTestNode, until } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { childrenOf, programOf } from '../kit/proc.ts'
import { killLeftovers } from '../kit/process.ts'
import { listFiles, ROOT, read } from '../kit/sources.ts'

const FILES = 'deploy/helm/corelet/files'
const RULES = `${FILES}/rules.yaml`
const DASHBOARDS = [`${FILES}/server.json`, `${FILES}/node-agent.json`]

/** Names of series that the dashboards of others ask for. `go_goroutines` counts what only a program in Go has. */
const OTHERS = {
  // grafana.com 15762, "Kubernetes / System / CoreDNS", as it is in dotdc/grafana-dashboards-kubernetes
  15762: [
    ...['coredns_cache_entries', 'coredns_cache_hits_total', 'coredns_cache_misses_total'],
    ...['coredns_dns_request_size_bytes_sum', 'coredns_dns_requests_total', 'coredns_dns_responses_total'],
    ...['coredns_forward_requests_total', 'coredns_forward_responses_total'],
    ...['process_cpu_seconds_total', 'process_resident_memory_bytes'],
  ],
  // grafana.com 12539, "CoreDNS and NodeLocalDNS", as it is in the node-local-dns chart of deliveryhero/helm-charts. Beside these it asks for the
  // names that CoreDNS had before 1.7
  12539: [
    ...['coredns_cache_entries', 'coredns_cache_hits_total', 'coredns_cache_misses_total'],
    ...['coredns_dns_do_requests_total', 'coredns_dns_request_duration_seconds_bucket'],
    ...['coredns_dns_request_size_bytes_bucket', 'coredns_dns_requests_total'],
    ...['coredns_dns_response_size_bytes_bucket', 'coredns_dns_responses_total'],
  ],
  // dashboard and alerts of povilasv/coredns-mixin, for clusters where its `kubernetesPlugin` is false
  mixin: [
    ...['coredns_build_info', 'coredns_cache_entries', 'coredns_cache_hits_total', 'coredns_cache_misses_total'],
    ...['coredns_dns_request_duration_seconds_bucket', 'coredns_dns_request_size_bytes_bucket'],
    ...['coredns_dns_requests_total', 'coredns_dns_response_size_bytes_bucket', 'coredns_dns_responses_total'],
    ...['coredns_forward_healthcheck_broken_total', 'coredns_forward_healthcheck_failures_total'],
    ...['coredns_forward_request_duration_seconds_bucket', 'coredns_forward_requests_total'],
    ...['coredns_forward_responses_total', 'coredns_panics_total', 'coredns_plugin_enabled'],
    ...['process_cpu_seconds_total', 'process_resident_memory_bytes'],
  ],
}

/** Series that there are only once something has happened that a short run has not seen; by the labels that they have then. */
const LATER = [
  'corelet_overloads_total{server="dns://169.254.20.10:53"}',
  'corelet_tcp_evicted_connections_total{server="dns://169.254.20.10:53"}',
  'coredns_cache_evictions_total{server="dns://169.254.20.10:53",type="success",zones=".",view=""}',
  'coredns_cache_served_stale_total{server="dns://169.254.20.10:53",zones=".",view=""}',
]

const TEMPLATE = `
.:53 {
    bind __PILLAR__LOCAL__DNS__
    errors
    cache 30 {
        serve_stale
    }
    reload
    loop
    forward . 127.0.0.1:5353 127.0.0.1:5354
    prometheus :9253
    health 169.254.20.10:8080
}
.:5353 {
    bind 127.0.0.1
    hosts /dev/null {
        192.0.2.1 a.test b.test c.test d.test e.test
    }
}
`

interface Sample {
  name: string
  labels: string
  value: number
}

let samples: Sample[] = []
let folder: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'monitoring-'))
  if (!canMakeNetns) return
  const node = createTestNode(TEMPLATE)
  try {
    const agent = await node.serve(['-localip', '169.254.20.10', '-interception', 'auto'])
    const ask = (name: string) => node.netns.run('dig', '@169.254.20.10', '+dnssec', '+tries=1', '+time=2', name)
    const scrape = () => node.netns.run('curl', '-s', 'http://127.0.0.1:9253/metrics')
    for (const name of ['a.test', 'a.test', 'b.test', 'c.test', 'd.test', 'e.test']) ask(name)
    const worker = childrenOf(agent.pid).find((pid) => programOf(pid) !== 'nft')!
    process.kill(worker, 'SIGKILL')
    await until(() => /^corelet_worker_restarts_total\{.*\} 1$/m.test(scrape()), 'a new worker')
    for (const name of ['a.test', 'a.test', 'b.test', 'c.test', 'd.test', 'e.test']) ask(name)
    samples = toSamples(scrape())
    agent.kill('SIGTERM')
    await agent.ended
  } finally {
    node.remove()
  }
})

after(() => {
  killLeftovers()
  rmSync(folder, { recursive: true, force: true })
})

function toSamples(text: string): Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name = '', labels = '', value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    assert.notEqual(name, '', line)
    return { name, labels, value: Number(value) }
  })
}

/** Names of series in expressions of Prometheus. */
const namesIn = (text: string) => new Set(text.match(/\b(?:coredns|corelet|nodejs|process)_\w+/g))

function unknown(names: Iterable<string>): string[] {
  const known = new Set([...samples.map(({ name }) => name), ...LATER.map((series) => series.split('{')[0]!)])
  return [...names].filter((name) => !known.has(name))
}

const skip = !canMakeNetns || !existsSync('/usr/bin/promtool')

for (const [dashboard, names] of Object.entries(OTHERS)) {
  test(`what the dashboard ${dashboard} asks for is exported`, { skip }, () => assert.deepEqual(unknown(names), []))
}

for (const path of [RULES, ...DASHBOARDS]) {
  test(`${path} asks for what is exported`, { skip }, () => {
    const text = path === RULES ? read(path).replace(/runbook_url.*/g, '') : expressionsOf(path).join('\n')
    assert.ok(namesIn(text).size > 5)
    assert.deepEqual(unknown(namesIn(text)), [])
  })
}

function expressionsOf(path: string): string[] {
  const { panels } = JSON.parse(read(path)) as { panels: { targets: { expr: string }[] }[] }
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
}

test('the series that come later are named in the code with these labels', () => {
  const code = listFiles('src')
    .concat(listFiles('plugins'))
    .filter((path) => path.endsWith('.ts'))
    .map(read)
    .join('\n')
  for (const series of LATER) {
    const name = series.split('{')[0]!
    const core = /^coredns_cache_(.*)_total$/.exec(name)?.[1] ?? name
    assert.ok(code.includes(core), name)
  }
})

test('the dashboards are what their script writes, and every expression is one of Prometheus', { skip }, () => {
  execFileSync(process.execPath, [join(ROOT, 'deploy/monitoring/build.ts'), folder])
  for (const path of DASHBOARDS) {
    const written = execFileSync('cat', [join(folder, path.split('/').at(-1)!)], { encoding: 'utf8' })
    assert.deepEqual(JSON.parse(written), JSON.parse(read(path)), path)
  }
  const rules = DASHBOARDS.flatMap(expressionsOf).map((expr, index) => {
    const plain = expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*').replaceAll('$instance', '.*')
    return `      - record: panel:${index}\n        expr: ${JSON.stringify(plain)}\n`
  })
  const file = join(folder, 'panels.yaml')
  writeFileSync(file, `groups:\n  - name: panels\n    rules:\n${rules.join('')}`)
  promtool('check', 'rules', '--lint=none', file)
})

test('every alert has a page that says what to do, and every page an alert', () => {
  const alerts = new Set([...read(RULES).matchAll(/alert: (\w+)/g)].map(([, name]) => name!))
  // where the project lives: test/deploy/places.test.ts
  const links = [...read(RULES).matchAll(/runbook_url: https:\/\/github\.com\/[\w-]+\/[\w-]+\/blob\/main\/(\S+)/g)].map(
    ([, path]) => path!,
  )
  assert.equal(links.length, read(RULES).match(/alert: /g)?.length)
  assert.deepEqual(new Set(links), new Set([...alerts].map((name) => `docs/runbooks/${name}.md`)))
  const pages = listFiles('docs/runbooks').filter((path) => !path.endsWith('/index.md'))
  assert.deepEqual(new Set(pages), new Set(links))
  const rules = read(RULES)
  for (const path of pages) {
    assert.ok(read('docs/runbooks/index.md').includes(`(${path.split('/').at(-1)})`), path)
    const [, shown = ''] = /```promql\n([\s\S]*?)\n```/.exec(read(path)) ?? []
    for (const line of shown.split('\n')) assert.ok(rules.includes(`          ${line}\n`), `${path}: ${line}`)
  }
})

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
}

/** What a series does instead of standing still, in the words of promtool: from, step for each minute, minutes. */
type Change = readonly [name: string, labels: RegExp, values: string]

const GROWS = '0+60x60'
const [all, servfail] = [/^/, /rcode="SERVFAIL"/]
/** Buckets above this many seconds grow. */
const slow = /le="(\+Inf|[5-9]|\d\d)/

/** What happens, and which alerts it fires at the end of an hour. */
const STORIES: readonly [title: string, changes: readonly Change[], firing: readonly string[]][] = [
  ['nothing happens', [], []],
  ['queries are answered', [['coredns_dns_responses_total', /rcode="NOERROR"/, GROWS]], []],
  ['the server is gone', [['up', all, '1x20 0x40']], ['CoreletDown critical']],
  ['answers are slow', [['coredns_dns_request_duration_seconds_bucket', slow, GROWS]], ['CoreletLatencyHigh critical']],
  [
    'an upstream is slow',
    [['coredns_proxy_request_duration_seconds_bucket', slow, GROWS]],
    ['CoreletForwardLatencyHigh critical'],
  ],
  [
    'one answer of fifty fails',
    [
      ['coredns_dns_responses_total', /rcode="NOERROR"/, '0+98x60'],
      ['coredns_dns_responses_total', servfail, '0+2x60'],
    ],
    ['CoreletErrorsHigh warning'],
  ],
  [
    'one answer of ten fails',
    [
      ['coredns_dns_responses_total', /rcode="NOERROR"/, '0+90x60'],
      ['coredns_dns_responses_total', servfail, '0+10x60'],
    ],
    ['CoreletErrorsHigh critical', 'CoreletErrorsHigh warning'],
  ],
  [
    'an upstream fails',
    [
      ['coredns_forward_responses_total', /rcode="NOERROR"/, '0+98x60'],
      ['coredns_forward_responses_total', servfail, '0+2x60'],
    ],
    ['CoreletForwardErrorsHigh warning'],
  ],
  [
    'an upstream fails more',
    [
      ['coredns_forward_responses_total', /rcode="NOERROR"/, '0+90x60'],
      ['coredns_forward_responses_total', servfail, '0+10x60'],
    ],
    ['CoreletForwardErrorsHigh critical', 'CoreletForwardErrorsHigh warning'],
  ],
  [
    'an upstream is unhealthy',
    [['coredns_forward_healthcheck_failures_total', /5354/, GROWS]],
    ['CoreletForwardHealthcheckFailures warning'],
  ],
  [
    'all upstreams are unhealthy',
    [['coredns_forward_healthcheck_broken_total', all, GROWS]],
    ['CoreletForwardHealthcheckBroken critical'],
  ],
  ['a Corefile is wrong', [['coredns_reload_failed_total', all, '0x50 1x10']], ['CoreletReloadFailed warning']],
  [
    'a Corefile does worse',
    [['corelet_reload_rollbacks_total', all, '0x50 1x10']],
    ['CoreletReloadRolledBack warning'],
  ],
  [
    'answers are stale',
    [
      ['coredns_cache_requests_total', all, '0+100x60'],
      ['coredns_cache_served_stale_total', all, '0+10x60'],
    ],
    ['CoreletStaleAnswersHigh warning'],
  ],
  [
    'the cache is small',
    [
      ['coredns_cache_requests_total', all, '0+100x60'],
      ['coredns_cache_evictions_total', all, '0+50x60'],
    ],
    ['CoreletCacheEvictionsHigh warning'],
  ],
  ['the process stands still', [['nodejs_eventloop_lag_p99_seconds', all, '0.5x60']], ['CoreletEventLoopLag warning']],
  ['too many wait', [['corelet_overloads_total', all, GROWS]], ['CoreletOverloaded critical']],
  ['workers die', [['corelet_worker_restarts_total', all, '1x45 2 3 4 5x15']], ['CoreletWorkerRestarts warning']],
  ['a worker dies', [['corelet_worker_restarts_total', all, '1x45 2x20']], []],
  ['a plugin throws', [['coredns_panics_total', all, '0x50 1x10']], ['CoreletPanics warning']],
  [
    'the agent takes the rules away',
    [
      ['corelet_agent_interception', /state="on"/, '1x30 0x30'],
      ['corelet_agent_interception', /state="withdrawn"/, '0x30 1x30'],
    ],
    ['CoreletNodeNotIntercepting critical'],
  ],
  [
    'the kernel refuses rules',
    [['coredns_nodecache_setup_errors_total', /errortype="iptables"/, GROWS]],
    ['CoreletNodeSetupErrors warning'],
  ],
  [
    'another program takes addresses',
    [['corelet_agent_drift_total', /part="link"/, '0+1x60']],
    ['CoreletNodeDrift warning'],
  ],
  ['probes fail', [['corelet_agent_probe_failures_total', all, '0+1x60']], ['CoreletNodeProbeFailures warning']],
]

test('alerts fire when they should, on the series of a server with an agent', { skip }, () => {
  promtool('check', 'rules', join(ROOT, RULES))
  const fired = new Set(STORIES.flatMap(([, , firing]) => firing.map((each) => each.split(' ')[0])))
  assert.deepEqual(fired, new Set([...read(RULES).matchAll(/alert: (\w+)/g)].map(([, name]) => name!)))
  const file = join(folder, 'stories.yaml')
  const stories = STORIES.map(([title, changes, firing]) => toStory(title, changes, firing))
  writeFileSync(file, `rule_files: [${join(ROOT, RULES)}]\nevaluation_interval: 1m\ntests:\n${stories.join('')}`)
  promtool('test', 'rules', file)
})

/** What a machine at peace shows, whatever the moment of the run was like. */
function calm({ name, labels, value }: Sample): number {
  if (name.startsWith('nodejs_eventloop_lag')) return 0.01
  if (name === 'corelet_agent_interception') return Number(labels.includes('state="on"'))
  return value
}

/** The series of the run, and those that come later. SERVFAIL has not been seen either. */
function listSeries(): [series: string, value: number][] {
  const seen = samples.map((sample): [string, number] => [`${sample.name}{${sample.labels}}`, calm(sample)])
  const failed = samples
    .filter(({ name, labels }) => /_responses_total$/.test(name) && labels.includes('rcode="NOERROR"'))
    .map(({ name, labels }): [string, number] => [`${name}{${labels.replace('NOERROR', 'SERVFAIL')}}`, 0])
  const later = LATER.map((series): [string, number] => [series, 0])
  const all = new Map([...later, ...failed, ...seen, ['up{}', 1]])
  return [...all].filter(([series]) => !/^(nodejs_heap|nodejs_gc)/.test(series))
}

function toStory(title: string, changes: readonly Change[], firing: readonly string[]): string {
  const lines = listSeries().map(([series, value]) => {
    const [, name = '', labels = ''] = /^(\w+)\{(.*)\}$/.exec(series) ?? []
    const change = changes.find(([changed, pattern]) => changed === name && pattern.test(labels))
    const full = `${name}{${[labels, 'job="corelet",instance="n1"'].filter((each) => each !== '').join(',')}}`
    return `      - { series: '${full}', values: '${change?.[2] ?? `${value}x70`}' }\n`
  })
  const expected = firing.map((each) => {
    const [name, severity] = each.split(' ')
    return `          - { labels: '{alertname="${name}", severity="${severity}"}', value: 1 }\n`
  })
  return [
    `  - name: ${title}\n    interval: 1m\n    input_series:\n`,
    ...lines,
    '    promql_expr_test:\n      - expr: max by (alertname, severity) (ALERTS{alertstate="firing"})\n        eval_time: 59m\n',
    expected.length > 0 ? `        exp_samples:\n${expected.join('')}` : '',
  ].join('')
}
