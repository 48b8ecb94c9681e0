/**
 * Writes the two Grafana dashboards from what their panels show. Each file can be imported, and be mounted from a ConfigMap.
 *
 * node deploy/monitoring/build.ts [FOLDER]     the files of the chart when left out
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Panel {
  title: string
  /** Unit of Grafana: `s`, `ops`, `percentunit`, `bytes`, `short`. */
  unit: string
  /** Expressions by legend; `SELECTED` stands for the chosen jobs and instances. */
  lines: Record<string, string>
  /** A single number instead of a graph. */
  stat?: boolean
}

const WIDTH = 24
const HEIGHT = 8
const STAT = { w: 4, h: 4 }
const GRAPH = { w: 8, h: HEIGHT }
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

const rate = (metric: string, labels = '') => `rate(${metric}{SELECTED${labels}}[$__rate_interval])`
const quantile = (q: number, metric: string, by: string) =>
  `histogram_quantile(${q}, sum by (${by}, le) (${rate(`${metric}_bucket`)}))`

const SERVER: readonly Panel[] = [
  { stat: true, title: 'Up', unit: 'short', lines: { up: 'sum(up{SELECTED})' } },
  { stat: true, title: 'Queries', unit: 'ops', lines: { queries: `sum(${rate('coredns_dns_requests_total')})` } },
  {
    stat: true,
    title: 'From the cache',
    unit: 'percentunit',
    lines: { hits: `sum(${rate('coredns_cache_hits_total')}) / sum(${rate('coredns_cache_requests_total')})` },
  },
  {
    stat: true,
    title: 'SERVFAIL',
    unit: 'percentunit',
    lines: {
      errors: `sum(${rate('coredns_dns_responses_total', ', rcode="SERVFAIL"')}) / sum(${rate('coredns_dns_responses_total')})`,
    },
  },
  { stat: true, title: 'Panics', unit: 'short', lines: { panics: 'sum(coredns_panics_total{SELECTED})' } },
  {
    stat: true,
    title: 'Reloads that failed',
    unit: 'short',
    lines: { failed: 'sum(coredns_reload_failed_total{SELECTED})' },
  },
  {
    title: 'Queries by type',
    unit: 'ops',
    lines: { '{{type}}': `sum by (type) (${rate('coredns_dns_requests_total')})` },
  },
  {
    title: 'Answers by rcode',
    unit: 'ops',
    lines: { '{{rcode}}': `sum by (rcode) (${rate('coredns_dns_responses_total')})` },
  },
  {
    title: 'Answers by plugin',
    unit: 'ops',
    lines: { '{{plugin}}': `sum by (plugin) (${rate('coredns_dns_responses_total')})` },
  },
  {
    title: 'Time of an answer',
    unit: 's',
    lines: {
      '99 % {{zone}}': quantile(0.99, 'coredns_dns_request_duration_seconds', 'zone'),
      '50 % {{zone}}': quantile(0.5, 'coredns_dns_request_duration_seconds', 'zone'),
    },
  },
  {
    title: 'Time of an upstream, 99 %',
    unit: 's',
    lines: { '{{to}}': quantile(0.99, 'coredns_proxy_request_duration_seconds', 'to') },
  },
  {
    title: 'Upstreams',
    unit: 'ops',
    lines: {
      '{{to}} {{rcode}}': `sum by (to, rcode) (${rate('coredns_forward_responses_total')})`,
      '{{to}} unhealthy': `sum by (to) (${rate('coredns_forward_healthcheck_failures_total')})`,
    },
  },
  {
    title: 'Cache',
    unit: 'ops',
    lines: {
      'hits, {{type}}': `sum by (type) (${rate('coredns_cache_hits_total')})`,
      misses: `sum(${rate('coredns_cache_misses_total')})`,
      stale: `sum(${rate('coredns_cache_served_stale_total')})`,
      'evicted, {{type}}': `sum by (type) (${rate('coredns_cache_evictions_total')})`,
    },
  },
  {
    title: 'Entries of the cache',
    unit: 'short',
    lines: { '{{type}}': 'sum by (type) (coredns_cache_entries{SELECTED})' },
  },
  {
    title: 'Refused and dropped',
    unit: 'ops',
    lines: {
      overload: `sum(${rate('corelet_overloads_total')})`,
      'too many for an upstream': `sum(${rate('coredns_forward_max_concurrent_rejects_total')})`,
      'TCP connections': `sum(${rate('corelet_tcp_evicted_connections_total')})`,
      'log lines': `sum(${rate('corelet_log_dropped_lines_total')})`,
    },
  },
  { title: 'Processor time', unit: 'percentunit', lines: { '{{instance}}': rate('process_cpu_seconds_total') } },
  { title: 'Memory', unit: 'bytes', lines: { '{{instance}}': 'process_resident_memory_bytes{SELECTED}' } },
  {
    title: 'Moments of standing still, 99 %',
    unit: 's',
    lines: { '{{instance}}': 'nodejs_eventloop_lag_p99_seconds{SELECTED}' },
  },
]

const NODE_AGENT: readonly Panel[] = [
  {
    stat: true,
    title: 'Nodes with an agent',
    unit: 'short',
    lines: { agents: 'count(corelet_agent_interception{SELECTED, state="on"})' },
  },
  {
    stat: true,
    title: 'Nodes that use it',
    unit: 'short',
    lines: { on: 'sum(corelet_agent_interception{SELECTED, state="on"})' },
  },
  {
    stat: true,
    title: 'Withdrawn',
    unit: 'short',
    lines: { withdrawn: 'sum(corelet_agent_interception{SELECTED, state="withdrawn"})' },
  },
  { stat: true, title: 'Queries', unit: 'ops', lines: { queries: `sum(${rate('coredns_dns_requests_total')})` } },
  {
    stat: true,
    title: 'From the cache',
    unit: 'percentunit',
    lines: { hits: `sum(${rate('coredns_cache_hits_total')}) / sum(${rate('coredns_cache_requests_total')})` },
  },
  {
    stat: true,
    title: 'Memory, most',
    unit: 'bytes',
    lines: { memory: 'max(process_resident_memory_bytes{SELECTED})' },
  },
  {
    title: 'Interception',
    unit: 'short',
    lines: { '{{state}}': 'sum by (state) (corelet_agent_interception{SELECTED})' },
  },
  {
    title: 'Errors of the set-up',
    unit: 'ops',
    lines: { '{{errortype}}': `sum by (errortype) (${rate('coredns_nodecache_setup_errors_total')})` },
  },
  {
    title: 'Mended after others',
    unit: 'ops',
    lines: { '{{part}}': `sum by (part) (${rate('corelet_agent_drift_total')})` },
  },
  {
    title: 'Own queries that failed',
    unit: 'ops',
    lines: { '{{instance}}': `sum by (instance) (${rate('corelet_agent_probe_failures_total')})` },
  },
  {
    title: 'Deaths of the server',
    unit: 'ops',
    lines: { '{{instance}} {{reason}}': `sum by (instance, reason) (${rate('corelet_worker_restarts_total')})` },
  },
  {
    title: 'Queries by node',
    unit: 'ops',
    lines: { '{{instance}}': `sum by (instance) (${rate('coredns_dns_requests_total')})` },
  },
  {
    title: 'To the DNS of the cluster and others',
    unit: 'ops',
    lines: { '{{to}}': `sum by (to) (${rate('coredns_forward_requests_total')})` },
  },
  {
    title: 'Time of an answer, 99 %',
    unit: 's',
    lines: { '{{zone}}': quantile(0.99, 'coredns_dns_request_duration_seconds', 'zone') },
  },
  {
    title: 'SERVFAIL by node',
    unit: 'ops',
    lines: { '{{instance}}': `sum by (instance) (${rate('coredns_dns_responses_total', ', rcode="SERVFAIL"')})` },
  },
]

function toDashboard(uid: string, title: string, panels: readonly Panel[]) {
  let [x, y] = [0, 0]
  return {
    uid,
    title,
    tags: ['corelet', 'dns'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        variable('datasource'),
        variable('job', 'coredns_build_info'),
        variable('instance', 'coredns_build_info{job=~"$job"}'),
      ],
    },
    panels: panels.map((panel, index) => {
      const { w, h } = panel.stat ? STAT : GRAPH
      if (x + w > WIDTH) {
        x = 0
        y += panels[index - 1]?.stat ? STAT.h : GRAPH.h
      }
      const gridPos = { x, y, w, h }
      x += w
      return toPanel(panel, index + 1, gridPos)
    }),
  }
}

function toPanel({ title, unit, lines, stat = false }: Panel, id: number, gridPos: object) {
  return {
    id,
    title,
    type: stat ? 'stat' : 'timeseries',
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: Object.entries(lines).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr: expr.replaceAll('SELECTED', 'job=~"$job", instance=~"$instance"'),
      legendFormat,
    })),
  }
}

function variable(name: string, series?: string) {
  if (series === undefined) return { name, label: 'Data source', type: 'datasource', query: 'prometheus' }
  const query = `label_values(${series}, ${name})`
  return {
    name,
    type: 'query',
    datasource: DATASOURCE,
    query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
  }
}

const folder = process.argv[2] ?? join(import.meta.dirname, '../helm/corelet/files')
const dashboards = {
  'server.json': toDashboard('corelet-server', 'corelet: server', SERVER),
  'node-agent.json': toDashboard('corelet-node-agent', 'corelet: agent of the nodes', NODE_AGENT),
}
for (const [file, dashboard] of Object.entries(dashboards))
  writeFileSync(join(folder, file), `${JSON.stringify(dashboard, undefined, 2)}\n`)
