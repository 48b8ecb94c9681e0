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
