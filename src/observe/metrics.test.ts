import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { SLIM_TIME_BUCKETS } from '../plugin/index.ts'
import { MAX_SERIES } from './metric-family.ts'
import { createMetrics } from './metrics.ts'

/** The lines of the scrape about `name`. */
async function linesOf(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const { body } = await metrics.scrape()
  return body.split('\n').filter((line) => line.replace(/^# (HELP|TYPE) /, '').startsWith(name))
}

test('a metric without labels is there from the start', async () => {
  const metrics = createMetrics()
  metrics.counter('coredns_panics_total', 'Panics.')
  metrics.histogram('coredns_health_request_duration_seconds', 'Time.', SLIM_TIME_BUCKETS)
  assert.deepEqual(await linesOf(metrics, 'coredns_panics_total'), [
    '# HELP coredns_panics_total Panics.',
    '# TYPE coredns_panics_total counter',
    'coredns_panics_total 0',
  ])
  assert.equal((await linesOf(metrics, 'coredns_health_request_duration_seconds')).at(-1)?.split(' ')[1], '0')
})

test('a metric with labels is there once something was observed, and only then', async () => {
  const metrics = createMetrics()
  const family = metrics.counter('coredns_cache_hits_total', 'Hits.', ['server', 'type'])
  const child = family.with('dns://:53', 'success')
  assert.deepEqual(await linesOf(metrics, 'coredns_cache_hits_total'), [])
  child.inc()
  family.with('dns://:53', 'success').inc(2)
  family.with('dns://:53', 'denial')
  assert.deepEqual((await linesOf(metrics, 'coredns_cache_hits_total')).slice(2), [
    'coredns_cache_hits_total{server="dns://:53",type="success"} 3',
  ])
  family.remove('dns://:53', 'success')
  assert.deepEqual(await linesOf(metrics, 'coredns_cache_hits_total'), [])
})

test('gauges are set, raised and lowered', async () => {
  const metrics = createMetrics()
  const entries = metrics.gauge('coredns_cache_entries', 'Entries.', ['type'])
  entries.with('a').set(5)
  entries.with('a').inc(2.5)
  entries.with('a').dec()
  entries.with('b').set(0)
  assert.deepEqual((await linesOf(metrics, 'coredns_cache_entries')).slice(2), [
    'coredns_cache_entries{type="a"} 6.5',
    'coredns_cache_entries{type="b"} 0',
  ])
  entries.clear()
  assert.deepEqual(await linesOf(metrics, 'coredns_cache_entries'), [])
})

test('buckets are cumulative and include their upper end', async () => {
  const metrics = createMetrics()
  const family = metrics.histogram('coredns_size_bytes', 'Sizes.', [0, 100, 200], ['proto'])
  for (const value of [0, 100, 101, 5000]) family.with('udp').observe(value)
  assert.deepEqual((await linesOf(metrics, 'coredns_size_bytes')).slice(2), [
    'coredns_size_bytes_bucket{le="0",proto="udp"} 1',
    'coredns_size_bytes_bucket{le="100",proto="udp"} 2',
    'coredns_size_bytes_bucket{le="200",proto="udp"} 3',
    'coredns_size_bytes_bucket{le="+Inf",proto="udp"} 4',
    'coredns_size_bytes_sum{proto="udp"} 5201',
    'coredns_size_bytes_count{proto="udp"} 4',
  ])
})

test('a name asked for again gives the same family, a different one an error', async () => {
  const metrics = createMetrics()
  metrics.counter('coredns_x_total', 'X.', ['a']).with('1').inc()
  metrics.counter('coredns_x_total', 'X.', ['a']).with('1').inc()
  assert.deepEqual((await linesOf(metrics, 'coredns_x_total')).slice(2), ['coredns_x_total{a="1"} 2'])
  assert.throws(() => metrics.counter('coredns_x_total', 'X.', ['b']), /coredns_x_total is a counter/)
  assert.throws(() => metrics.gauge('coredns_x_total', 'X.', ['a']), /not a gauge/)
  assert.throws(() => metrics.counter('coredns_x_total', 'X.', ['a']).with('1', '2'), /has the labels/)
  assert.throws(() => metrics.counter('bad-name', 'X.'), /not a metric name/)
  assert.throws(() => metrics.histogram('coredns_y', 'Y.', [1], ['le']), /not a label name/)
  assert.throws(() => metrics.counter('coredns_z', 'Z.', ['__proto__']), /not a label name/)
})

test('label values from outside are kept apart and written so that they stay values', async () => {
  const metrics = createMetrics()
  const family = metrics.counter('coredns_x_total', 'X.', ['a', 'b'])
  family.with('x","y', '').inc(1)
  family.with('x', 'y').inc(2)
  family.with('back\\slash', 'line\nfeed"} 7\ncoredns_forged_total 1').inc(3)
  family.with('__proto__', 'constructor').inc(4)
  assert.deepEqual((await linesOf(metrics, 'coredns_')).slice(2), [
    'coredns_x_total{a="x\\",\\"y",b=""} 1',
    'coredns_x_total{a="x",b="y"} 2',
    'coredns_x_total{a="back\\\\slash",b="line\\nfeed\\"} 7\\ncoredns_forged_total 1"} 3',
    'coredns_x_total{a="__proto__",b="constructor"} 4',
  ])
})

test('the build and the process are described', async () => {
  const metrics = createMetrics({ version: '1.2.3', revision: 'abc' })
  assert.equal(
    (await linesOf(metrics, 'coredns_build_info')).at(-1),
    `coredns_build_info{version="1.2.3",revision="abc",goversion="node${process.versions.node}"} 1`,
  )
  const { body, contentType } = await metrics.scrape()
  assert.match(contentType, /^text\/plain; version=0\.0\.4/)
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_open_fds',
    'nodejs_heap_size_used_bytes',
  ]) {
    assert.match(body, new RegExp(`^${name} `, 'm'))
  }
})

test('promtool has nothing to say against the scrape', async (t) => {
  if (spawnSync('promtool', ['--version']).error) return t.skip('promtool is not installed')
  const metrics = createMetrics({ version: '1.2.3', revision: '' })
  metrics.counter('coredns_panics_total', 'Panics.')
  metrics.counter('coredns_x_total', 'X.', ['a']).with('q"\\\n').inc()
  metrics.histogram('coredns_y_seconds', 'Y.', [0.1, 1], ['a']).with('b').observe(0.5)
  const { body } = await metrics.scrape()
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
  assert.deepEqual({ status, text: stdout + stderr }, { status: 0, text: '' })
})

test('a metric has no more series than it may, and says so', async () => {
  const metrics = createMetrics()
  const family = metrics.counter('coredns_names_total', 'Names.', ['name'])
  for (let i = 0; i < MAX_SERIES + 5; i++) family.with(`n${i}`).inc()
  family.with('n0').inc()
  const lines = await linesOf(metrics, 'coredns_names_total')
  assert.equal(lines.length, 2 + MAX_SERIES)
  assert.equal(lines[2], 'coredns_names_total{name="n0"} 2')
  assert.equal(
    (await linesOf(metrics, 'corelet_metrics_refused_series_total')).at(-1),
    'corelet_metrics_refused_series_total{metric="coredns_names_total"} 5',
  )
})

test('what has a label value that is forgotten is gone from all metrics', async () => {
  const metrics = createMetrics()
  metrics.counter('coredns_a_total', 'A.', ['server', 'type']).with('x', 'y').inc()
  metrics.counter('coredns_a_total', 'A.', ['server', 'type']).with('y', 'x').inc()
  metrics.histogram('coredns_b_seconds', 'B.', [1], ['server']).with('x').observe(1)
  metrics.counter('coredns_c_total', 'C.', ['type']).with('x').inc()
  metrics.forget('server', 'x')
  assert.deepEqual((await linesOf(metrics, 'coredns_a_total')).slice(2), ['coredns_a_total{server="y",type="x"} 1'])
  assert.deepEqual(await linesOf(metrics, 'coredns_b_seconds'), [])
  assert.equal((await linesOf(metrics, 'coredns_c_total')).at(-1), 'coredns_c_total{type="x"} 1')
})
