/** The command line program as a child process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { V8_FLAGS } from '../../src/cli/v8-flags.ts'
import { ROOT } from './sources.ts'

/** The program, as it is in the sources. */
export const MAIN = join(ROOT, 'src/cli/main.ts')
const PATIENCE = 10_000

export interface CliOptions {
  cwd?: string
  env?: Record<string, string>
  /** The program; that of the sources when left out. */
  main?: string
  /** Standard input; empty when left out. */
  input?: string
  /** A command that runs it, such as `ip netns exec NAME`. */
  inside?: readonly string[]
}

export interface CliResult {
  /** Exit status; null when a signal ended it. */
  code: number | null
  stdout: string
  stderr: string
}

/** A child that runs. */
export interface Cli {
  readonly pid: number
  /** What it has written so far. */
  readonly stdout: string
  readonly stderr: string
  /** Port of the first zone line. */
  readonly port: number
  kill(signal: NodeJS.Signals): void
  /** Settles when its standard output matches. @throws (rejects) Error after 10 s, or when it ended */
  printed(pattern: RegExp): Promise<void>
  /** Settles when it has ended. */
  readonly ended: Promise<CliResult>
}

const living = new Set<() => void>()

/** Ends all children that a failed test has left. */
export function killLeftovers(): void {
  for (const kill of living) kill()
}

/** Starts it, with the flags that `npm start` and images have. */
export function startCli(args: readonly string[], options: CliOptions = {}): Cli {
  const { cwd = ROOT, env = {}, main = MAIN, input = '', inside = [] } = options
  const [program, ...words] = [...inside, process.execPath, ...V8_FLAGS, main, ...args] as [string, ...string[]]
  const child = spawn(program, words, {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'pipe',
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  living.add(kill)
  const output = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk
      for (const listener of listeners) listener()
    })
  }
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<CliResult>((resolve) => {
    child.once('close', (code) => {
      process.off('exit', kill)
      living.delete(kill)
      resolve({ code, ...output })
      for (const listener of listeners) listener()
    })
  })
  return {
    pid: child.pid!,
    ended,
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    get port() {
      return Number(/^\S*:(\d+)( on \S+)?$/m.exec(output.stdout)?.[1])
    },
    kill: (signal) => void child.kill(signal),
    printed: (pattern) => until(child, listeners, () => pattern.test(output.stdout), output, pattern),
  }
}

function until(
  child: ChildProcess,
  listeners: Set<() => void>,
  isDone: () => boolean,
  output: { stdout: string; stderr: string },
  pattern: RegExp,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer)
      listeners.delete(look)
      act()
    }
    const fail = (why: string) =>
      finish(() => reject(new Error(`${why} before ${pattern}\n${output.stdout}\n${output.stderr}`)))
    const look = () => {
      if (isDone()) finish(resolve)
      else if (child.exitCode !== null || child.signalCode !== null) fail('it ended')
    }
    const timer = setTimeout(fail, PATIENCE, 'time was over')
    listeners.add(look)
    look()
  })
}

/** Starts it and waits for its banner. */
export async function serveCli(args: readonly string[], options: CliOptions = {}): Promise<Cli> {
  const cli = startCli(args, options)
  try {
    await cli.printed(/^corelet-.*\n.*, node v.*\n/m)
  } catch (error) {
    cli.kill('SIGKILL')
    throw error
  }
  return cli
}

/** Runs it to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).ended
}
