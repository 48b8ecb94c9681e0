import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'

/** What a command left behind. */
export interface Outcome {
  /** Exit status; 127 when the command is not there, 124 when it took too long. */
  code: number
  stdout: string
  stderr: string
}

/** Runs a command of the system, without a shell. */
export type Exec = (command: string, args: readonly string[], input?: string) => Promise<Outcome>

/** Starts a command that runs beside us, without a shell. */
export type Start = (command: string, args: readonly string[]) => ChildProcessWithoutNullStreams

/** Milliseconds that a command may take; `iptables -w` waits for others' locks within it. */
const TIMEOUT = 15_000
/** Octets of output that are read; the rules of a large cluster have several MiB. */
const MAX_OUTPUT = 64 * 1024 * 1024

export const NOT_FOUND = 127
const TIMED_OUT = 124

/** {@link Exec} for real. It never rejects. */
export const exec: Exec = (command, args, input = '') =>
  new Promise((resolve) => {
    const options = { timeout: TIMEOUT, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT, env: environment() } as const
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      resolve({ code: statusOf(error), stdout, stderr: stderr === '' && error ? error.message : stderr })
    })
    // A command that ends before it has read its input is judged by its status.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })

/** {@link Start} for real. */
export const start: Start = (command, args) => spawn(command, [...args], { env: environment() })

/** Messages are read, so they have to be in one language; commands lie where a bare container may not look. */
function environment(): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env
  return { PATH: `${PATH}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' }
}

function statusOf(error: Error | null): number {
  if (!error) return 0
  const { code, killed } = error as NodeJS.ErrnoException & { killed?: boolean }
  if (killed) return TIMED_OUT
  if ((code as unknown) === 'ENOENT') return NOT_FOUND
  return typeof code === 'number' ? code : 1
}
