/** What /proc says of a process. */
import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory in MiB, the larger part of which is the Node binary and shared. */
export function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
}

/** Open file descriptors. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Processes that a process has started and that live, the eldest first. */
export function childrenOf(parent: number): number[] {
  const found = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
  return found.map(Number).sort((a, b) => a - b)
}

function parentOf(pid: string): number | undefined {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
    return state === 'Z' ? undefined : Number(parent)
  } catch {
    return undefined
  }
}

/** MiB that belong to a process alone. */
export function privateMemory(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  return [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)].reduce((sum, [, kib]) => sum + Number(kib) / 1024, 0)
}

/** The name of the program that a process runs, 15 octets of it at most; empty when it has ended. */
export function programOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim()
  } catch {
    return ''
  }
}
