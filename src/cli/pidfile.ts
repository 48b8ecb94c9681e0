import { unlinkSync, writeFileSync } from 'node:fs'
import type { Log } from '../observe/log.ts'

/** Writes the id of this process into a file, unless its path is empty. */
export function writePidfile(path: string, log: Pick<Log, 'line'>): void {
  if (path === '') return
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (error) {
    log.line('error', `Could not write pidfile: ${(error as Error).message}`)
  }
}

/** Removes the file. */
export function removePidfile(path: string): void {
  if (path === '') return
  try {
    unlinkSync(path)
  } catch {
    // Whoever removed it has done the work.
  }
}
