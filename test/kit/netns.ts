import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { type Exec, exec, type Start } from '../../src/agent/exec.ts'

/** A network of its own, as a namespace of the kernel. Tests that need one are skipped without root. */
export interface Netns {
  readonly name: string
  /** Runs a command in it. */
  readonly exec: Exec
  /** Starts a command in it. */
  readonly start: Start
  /** Runs a command in it that must succeed; its standard output. */
  run(command: string, ...args: string[]): string
  remove(): void
}

export const canMakeNetns = process.platform === 'linux' && process.getuid?.() === 0

/** Makes a namespace with its loopback link up. */
export function createNetns(label = 'test'): Netns {
  const name = `corelet-${label}-${randomBytes(3).toString('hex')}`
  execFileSync('ip', ['netns', 'add', name])
  const inside = (command: string, args: readonly string[]) => ['netns', 'exec', name, command, ...args]
  const netns: Netns = {
    name,
    exec: (command, args, input) => exec('ip', inside(command, args), input),
    start: (command, args) => spawn('ip', inside(command, args)),
    run: (command, ...args) => execFileSync('ip', inside(command, args), { encoding: 'utf8' }),
    remove: () => execFileSync('ip', ['netns', 'del', name]),
  }
  netns.run('ip', 'link', 'set', 'lo', 'up')
  return netns
}
