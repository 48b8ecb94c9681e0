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
const sum = (metric: string, labels = '') => `sum(${rate(metric, labels)})`
const sumBy = (label: string, metric: string, labels = '') => `sum by (${label}) (${rate(metric, labels)})`
const quantile = (q: number, metric: string, by: string) =>
  `histogram_quantile(${q}, ${sumBy(`${by}, le`, `${metric}_bucket`)})`

/** A line for each value of a label. */
const lineFor = (label: string, metric: string, labels = '') => ({ [`{{${label}}}`]: sumBy(label, metric, labels) })
const stat = (title: string, unit: string, lines: Panel['lines']): Panel => ({ title, unit, lines, stat: true })
const graph = (title: string, unit: string, lines: Panel['lines']): Panel => ({ title, unit, lines })

const REQUESTS = 'coredns_dns_requests_total'
const RESPONSES = 'coredns_dns_responses_total'
const DURATION = 'coredns_dns_request_duration_seconds'
const FAILED = ', rcode="SERVFAIL"'

const QUERIES = stat('Queries', 'ops', { queries: sum(REQUESTS) })
const FROM_CACHE = stat('From the cache', 'percentunit', {
  hits: `${sum('coredns_cache_hits_total')} / ${sum('coredns_cache_requests_total')}`,
})

const SERVER: readonly Panel[] = [
  stat('Up', 'short', { up: 'sum(up{SELECTED})' }),
  QUERIES,
  FROM_CACHE,
  stat('SERVFAIL', 'percentunit', { errors: `${sum(RESPONSES, FAILED)} / ${sum(RESPONSES)}` }),
  stat('Panics', 'short', { panics: 'sum(coredns_panics_total{SELECTED})' }),
  stat('Reloads that failed', 'short', { failed: 'sum(coredns_reload_failed_total{SELECTED})' }),
  graph('Queries by type', 'ops', lineFor('type', REQUESTS)),
  graph('Answers by rcode', 'ops', lineFor('rcode', RESPONSES)),
  graph('Answers by plugin', 'ops', lineFor('plugin', RESPONSES)),
  graph('Time of an answer', 's', {
    '99 % {{zone}}': quantile(0.99, DURATION, 'zone'),
    '50 % {{zone}}': quantile(0.5, DURATION, 'zone'),
  }),
  graph('Time of an upstream, 99 %', 's', { '{{to}}': quantile(0.99, 'coredns_proxy_request_duration_seconds', 'to') }),
  graph('Upstreams', 'ops', {
    '{{to}} {{rcode}}': sumBy('to, rcode', 'coredns_forward_responses_total'),
    '{{to}} unhealthy': sumBy('to', 'coredns_forward_healthcheck_failures_total'),
  }),
  graph('Cache', 'ops', {
    'hits, {{type}}': sumBy('type', 'coredns_cache_hits_total'),
    misses: sum('coredns_cache_misses_total'),
    stale: sum('coredns_cache_served_stale_total'),
    'evicted, {{type}}': sumBy('type', 'coredns_cache_evictions_total'),
  }),
  graph('Entries of the cache', 'short', { '{{type}}': 'sum by (type) (coredns_cache_entries{SELECTED})' }),
  graph('Refused and dropped', 'ops', {
    overload: sum('corelet_overloads_total'),
    'too many for an upstream': sum('coredns_forward_max_concurrent_rejects_total'),
    'TCP connections': sum('corelet_tcp_evicted_connections_total'),
    'log lines': sum('corelet_log_dropped_lines_total'),
  }),
  graph('Processor time', 'percentunit', { '{{instance}}': rate('process_cpu_seconds_total') }),
  graph('Memory', 'bytes', { '{{instance}}': 'process_resident_memory_bytes{SELECTED}' }),
  graph('Moments of standing still, 99 %', 's', { '{{instance}}': 'nodejs_eventloop_lag_p99_seconds{SELECTED}' }),
]

const NODE_AGENT: readonly Panel[] = [
  stat('Nodes with an agent', 'short', { agents: 'count(corelet_agent_interception{SELECTED, state="on"})' }),
  stat('Nodes that use it', 'short', { on: 'sum(corelet_agent_interception{SELECTED, state="on"})' }),
  stat('Withdrawn', 'short', { withdrawn: 'sum(corelet_agent_interception{SELECTED, state="withdrawn"})' }),
  QUERIES,
  FROM_CACHE,
  stat('Memory, most', 'bytes', { memory: 'max(process_resident_memory_bytes{SELECTED})' }),
  graph('Interception', 'short', { '{{state}}': 'sum by (state) (corelet_agent_interception{SELECTED})' }),
  graph('Errors of the set-up', 'ops', lineFor('errortype', 'coredns_nodecache_setup_errors_total')),
  graph('Mended after others', 'ops', lineFor('part', 'corelet_agent_drift_total')),
  graph('Own queries that failed', 'ops', lineFor('instance', 'corelet_agent_probe_failures_total')),
  graph('Deaths of the server', 'ops', {
    '{{instance}} {{reason}}': sumBy('instance, reason', 'corelet_worker_restarts_total'),
  }),
  graph('Queries by node', 'ops', lineFor('instance', REQUESTS)),
  graph('To the DNS of the cluster and others', 'ops', lineFor('to', 'coredns_forward_requests_total')),
  graph('Time of an answer, 99 %', 's', { '{{zone}}': quantile(0.99, DURATION, 'zone') }),
  graph('SERVFAIL by node', 'ops', lineFor('instance', RESPONSES, FAILED)),
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
