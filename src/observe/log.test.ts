import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeMetrics } from '../testing/fake-metrics.ts'
import { createLog, escapeControls, type LogOptions } from './log.ts'
import { jsonFormat } from './log-json.ts'
import { type Output, PENDING_LIMIT } from './log-sink.ts'

const DROPS = 'corelet_log_dropped_lines_total'

/** A log whose lines can be looked at. */
function recordingLog(options: LogOptions = {}) {
  const chunks: string[] = []
  const output: Output = (chunk, done) => {
    chunks.push(chunk.toString())
    setImmediate(done, null)
  }
  return { log: createLog({ output, ...options }), chunks, lines: () => chunks.join('').split('\n').slice(0, -1) }
}

test('lines have the level and the plugin, and no time', async () => {
  const { log, lines } = recordingLog()
  log.for('forward').info('ready')
  log.for('forward').warning('slow')
  log.for('forward').error('lost')
  log.for('log').line('info', 'a query')
  log.info('SIGTERM')
  log.line('fatal', 'gone')
  await log.flush()
  assert.deepEqual(lines(), [
    '[INFO] plugin/forward: ready',
    '[WARNING] plugin/forward: slow',
    '[ERROR] plugin/forward: lost',
    '[INFO] a query',
    '[INFO] SIGTERM',
    '[FATAL] gone',
  ])
})

test('DEBUG lines are written when asked for, by log or by plugin', async () => {
  const { log, lines } = recordingLog()
  log.debug('no')
  log.for('a').debug('no')
  log.for('a').line('debug', 'no')
  log.for('b', true).debug('yes')
  const all = recordingLog({ debug: true })
  all.log.for('a').debug('yes')
  all.log.for('a', false).debug('no')
  await Promise.all([log.flush(), all.log.flush()])
  assert.deepEqual(lines(), ['[DEBUG] plugin/b: yes'])
  assert.deepEqual(all.lines(), ['[DEBUG] plugin/a: yes'])
})

test('JSON lines have time, level, plugin and text', async () => {
  const { log, lines } = recordingLog({ format: await jsonFormat() })
  log.for('forward').warning('slow "upstream"')
  log.line('info', 'two\nlines')
  await log.flush()
  const [first, second] = lines().map((line) => JSON.parse(line))
  assert.deepEqual({ ...first, time: '' }, { time: '', level: 'warning', plugin: 'forward', msg: 'slow "upstream"' })
  assert.match(first.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual({ ...second, time: '' }, { time: '', level: 'info', msg: 'two\\nlines' })
})

test('no text can pretend to be a second line or move the cursor', async () => {
  const { log, lines } = recordingLog()
  log.error('bad\n[INFO] plugin/forged: all is well\r\x1b[2K\u2028\x85')
  await log.flush()
  assert.deepEqual(lines(), ['[ERROR] bad\\n[INFO] plugin/forged: all is well\\r\\x1b[2K\\u2028\\x85'])
  assert.equal(escapeControls('tab\tand ünïcode stay'), 'tab\tand ünïcode stay')
})

test('what one turn of the event loop logs is written at once', async () => {
  const { log, chunks } = recordingLog()
  for (let i = 0; i < 100; i++) log.info(`line ${i}`)
  await log.flush()
  assert.equal(chunks.length, 1)
})

test('a stalled output holds a bounded number of characters; the rest is counted', async () => {
  const metrics = new FakeMetrics()
  let finish: (() => void) | undefined
  let written = 0
  const output: Output = (chunk, done) => {
    written += chunk.length
    finish = () => done(null)
  }
  const log = createLog({ output, metrics })
  log.info('first')
  await new Promise(setImmediate)
  const line = 'x'.repeat(1000)
  for (let i = 0; i < 3000; i++) log.info(line)
  const dropped = metrics.value(DROPS)!
  assert.ok(dropped > 1900 && dropped < 2000, `${dropped} dropped`)
  await log.flush(1)
  assert.ok(written < 20, 'flush gives up on a stalled output')
  finish?.()
  assert.ok(written <= PENDING_LIMIT + 20)
  log.info('there is room again')
  assert.equal(metrics.value(DROPS), dropped)
})

test('lines that the output refuses are counted, and the next ones are tried again', async () => {
  const metrics = new FakeMetrics()
  const seen: string[] = []
  let error: Error | null = new Error('ENOSPC')
  const output: Output = (chunk, done) => {
    if (!error) seen.push(chunk.toString())
    done(error)
  }
  const log = createLog({ output, metrics })
  log.info('one')
  log.info('two')
  await log.flush()
  assert.equal(metrics.value(DROPS), 2)
  error = null
  log.info('three')
  await log.flush()
  assert.deepEqual(seen, ['[INFO] three\n'])
  assert.equal(metrics.value(DROPS), 2)
})

const SCRIPT = `
  import { createLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)}
  import { createMetrics } from ${JSON.stringify(new URL('./metrics.ts', import.meta.url).href)}
  const metrics = createMetrics()
  const log = createLog({ metrics })
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 2000; i++) log.info('a line that is about as long as those of the query log are: ' + i)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await log.flush(100)
  const drops = /^${DROPS} (\\d+)/m.exec((await metrics.scrape()).body)[1]
  process.stderr.write(drops + ' ' + process.memoryUsage().external)
  process.exit(7)
`

/** Runs a process that logs 60,000 lines to `stdout`. */
async function runInto(stdout: number | 'pipe', onStart?: (out: NodeJS.ReadableStream | null) => void) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], { stdio: ['ignore', stdout, 'pipe'] })
  onStart?.(child.stdout)
  let report = ''
  child.stderr!.on('data', (data) => {
    report += data
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { code, drops: Number(report.split(' ')[0]), report }
}

test('a file gets every line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'corelet-log-'))
  const { code, drops, report } = await runInto(openSync(join(folder, 'log'), 'w'))
  const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n')
  rmSync(folder, { recursive: true })
  assert.equal(code, 7, report)
  assert.equal(lines.length + drops, 60_000)
})

test('a full disk costs the lines, not the process', async () => {
  const { code, drops, report } = await runInto(openSync('/dev/full', 'w'))
  assert.equal(code, 7, report)
  assert.equal(drops, 60_000)
})

test('a pipe whose reader went away costs the lines, not the process', async () => {
  const { code, drops, report } = await runInto('pipe', (out) => {
    ;(out as unknown as { destroy(): void }).destroy()
  })
  assert.equal(code, 7, report)
  assert.ok(drops > 50_000, report)
})

test('a pipe that nobody reads neither blocks the process nor its end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'corelet-log-'))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const { code, drops, report } = await runInto(openSync(pipe, 'r+'))
  rmSync(folder, { recursive: true })
  assert.equal(code, 7, report)
  assert.ok(drops > 10_000, report)
})
