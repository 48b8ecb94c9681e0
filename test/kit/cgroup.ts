/** A control group that bounds the memory of the processes in it. Tests that need one are skipped where none can be made. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MOUNT = '/sys/fs/cgroup'

export interface MemoryGroup {
  /** A command that puts itself into the group and runs another. */
  readonly inside: readonly string[]
  /** How many processes the kernel has killed because the bound was hit. */
  kills(): number
  /** How often the bound was hit. */
  hits(): number
  remove(): void
}

/** Makes a group for so many MiB, of version 2 or 1; undefined where that is not possible. */
export function createMemoryGroup(mebibytes: number): MemoryGroup | undefined {
  const unified = existsSync(join(MOUNT, 'cgroup.controllers'))
  const folder = join(MOUNT, unified ? '' : 'memory', `corelet-${randomBytes(3).toString('hex')}`)
  const file = (name: string) => join(folder, name)
  const read = (name: string, key: string) =>
    Number(new RegExp(`^${key} ?(\\d+)`, 'm').exec(readFileSync(file(name), 'latin1'))?.[1] ?? 0)
  try {
    if (unified) writeFileSync(join(MOUNT, 'cgroup.subtree_control'), '+memory')
    mkdirSync(folder)
    writeFileSync(file(unified ? 'memory.max' : 'memory.limit_in_bytes'), String(mebibytes * 2 ** 20))
    if (unified) writeFileSync(file('memory.swap.max'), '0')
  } catch {
    if (existsSync(folder)) rmdirSync(folder)
    return undefined
  }
  return {
    inside: ['sh', '-c', 'echo $$ >"$0" && exec "$@"', file('cgroup.procs')],
    kills: () => (unified ? read('memory.events', 'oom_kill') : read('memory.oom_control', 'oom_kill')),
    hits: () => (unified ? read('memory.events', 'max') : read('memory.failcnt', '')),
    remove: () => rmdirSync(folder),
  }
}
