import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Exec, exec, type Start } from '../../src/agent/exec.ts'

/**
 * A network of its own, as a namespace of the kernel. Tests that need one are skipped without root. What runs in it has a `/run` of its own,
 * too: a lock of iptables that is held there stops nobody else.
 */
export interface Netns {
  readonly name: string
  /** The folder that is `/run` in there. */
  readonly runFolder: string
  /** Command and arguments that run a command in it, as the same process. */
  inside(command: string, ...args: readonly string[]): [command: string, ...args: string[]]
  /** Runs a command in it. */
  readonly exec: Exec
  /** Starts a command in it. */
  readonly start: Start
  /** Runs a command in it that must succeed; its standard output. */
  run(command: string, ...args: string[]): string
  /** Runs a command in it that reads `input` and must succeed. */
  feed(input: string, command: string, ...args: string[]): void
  remove(): void
}

export const canMakeNetns = process.platform === 'linux' && process.getuid?.() === 0

/** The namespace of mounts that `ip netns exec` makes is for this one command. */
const SCRIPT = 'mount --bind "$0" /run && exec "$@"'

/** Makes a namespace with its loopback link up. */
export function createNetns(label = 'test'): Netns {
  const name = `corelet-${label}-${randomBytes(3).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  const runFolder = join(folder, 'run')
  mkdirSync(runFolder)
  execFileSync('ip', ['netns', 'add', name])
  const wrap = (command: string, args: readonly string[]) =>
    ['netns', 'exec', name, 'sh', '-c', SCRIPT, runFolder, command, ...args] as const
  const netns: Netns = {
    name,
    runFolder,
    inside: (command, ...args) => ['ip', ...wrap(command, args)],
    exec: (command, args, input) => exec('ip', wrap(command, args), input),
    start: (command, args) => spawn('ip', wrap(command, args)),
    run: (command, ...args) => execFileSync('ip', wrap(command, args), { encoding: 'utf8' }),
    feed: (input, command, ...args) => void execFileSync('ip', wrap(command, args), { input, stdio: 'pipe' }),
    remove() {
      execFileSync('ip', ['netns', 'del', name])
      rmSync(folder, { recursive: true, force: true })
    },
  }
  netns.run('ip', 'link', 'set', 'lo', 'up')
  return netns
}
