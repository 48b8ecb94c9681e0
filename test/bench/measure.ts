/** Runs a server under load and reads from /proc what it took. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { query } from 'corelet/plugin/testing'
import { ADDRESS, type ServerUnderTest } from './servers.ts'

/** The server has processor 0, load and upstream have processor 1. */
const SERVER_CPU = '0'
export const LOAD_CPU = '1'
const PATIENCE = 10_000
const TICKS_PER_SECOND = 100

export interface Load {
  name: string
  /** dnsperf's file of queries, and one to fill the cache with before. */
  queries: string
  warmUp: string
  /** Further arguments of dnsperf. */
  args: readonly string[]
}

/** What one run showed. */
export interface Figures {
  /** Microseconds of processor time of the server's process tree for each answered query. */
  cpu: number
  /** Answered queries per second. */
  rate: number
  lost: number
  /** Average latency in milliseconds. */
  latency: number
  /** Proportional set size of the process tree behind the run, in MiB. */
  memory: number
}

/** Starts `program` on a processor; it ends with this process at the latest. */
export function startOn(cpu: string, command: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn('taskset', ['-c', cpu, ...command], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin`, ...env },
  })
  started.add(child)
  child.once('exit', () => started.delete(child))
  return child
}

const started = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})

export const startUpstream = (command: readonly string[]) => startOn(LOAD_CPU, command)

/** One run of one server: start, fill the cache, load for `seconds`, stop. @throws (rejects) Error when it does not answer */
export async function measure(server: ServerUnderTest, load: Load, seconds: number): Promise<Figures> {
  const child = startOn(SERVER_CPU, server.command, server.env)
  try {
    await untilAnswering(server)
    await dnsperf(server, load.warmUp, Math.min(3, seconds), load.args)
    const before = cpuTime(child.pid!)
    const figures = await dnsperf(server, load.queries, seconds, load.args)
    const used = cpuTime(child.pid!) - before
    const memory = tree(child.pid!).reduce((sum, pid) => sum + proportionalSize(pid), 0)
    return { ...figures, cpu: used / figures.completed, memory }
  } finally {
    await stop(child)
  }
}

/** Settles when the server answers. @throws (rejects) Error after 10 s */
export async function untilAnswering({ name, port }: Pick<ServerUnderTest, 'name' | 'port'>): Promise<void> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const answered = await query({ address: ADDRESS, port }, 'warm.corp.', 'A', { timeout: 300 }).then(
      () => true,
      () => false,
    )
    if (answered) return
    if (performance.now() > end) throw new Error(`${name} does not answer`)
  }
}

async function dnsperf({ port }: ServerUnderTest, queries: string, seconds: number, args: readonly string[]) {
  const words = [
    '-s',
    ADDRESS,
    '-p',
    String(port),
    '-d',
    queries,
    '-l',
    String(seconds),
    '-c',
    '4',
    '-q',
    '100',
    ...args,
  ]
  const child = spawn('taskset', ['-c', LOAD_CPU, 'dnsperf', ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  const read = (label: string) => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(output)?.[1] ?? Number.NaN)
  return {
    completed: read('Queries completed'),
    lost: read('Queries lost'),
    rate: read('Queries per second'),
    latency: read('Average Latency \\(s\\)') * 1000,
  }
}

/** Ends it and all that it has started. */
export async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const pids = tree(child.pid!)
  for (const pid of pids) kill(pid, 'SIGTERM')
  const timer = setTimeout(() => {
    for (const pid of pids) kill(pid, 'SIGKILL')
  }, 1000)
  await ended
  clearTimeout(timer)
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** A process and all below it. */
export function tree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) ? statFields(Number(name)) : undefined
    if (fields) children.set(Number(fields[1]), [...(children.get(Number(fields[1])) ?? []), Number(name)])
  }
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** The fields of /proc/PID/stat behind the name of the program: state, parent, … */
function statFields(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}

/** User and system time of a process tree in microseconds. */
export function cpuTime(root: number): number {
  const ticks = tree(root).reduce((sum, pid) => {
    const fields = statFields(pid)
    return fields ? sum + Number(fields[11]) + Number(fields[12]) : sum
  }, 0)
  return ticks * (1e6 / TICKS_PER_SECOND)
}

function proportionalSize(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
