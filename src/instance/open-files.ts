import { readFileSync } from 'node:fs'

/** Of the files that the process may have open one in so many is for clients' connections; sockets to upstreams and files need the rest. */
const SHARE = 4

/** How many connections each of so many listeners may have, as far as the limit of open files goes; Infinity where there is none. */
export function connectionsFor(listeners: number): number {
  return Math.max(1, Math.floor(maxOpenFiles() / SHARE / Math.max(1, listeners)))
}

/** The limit that holds now (RLIMIT_NOFILE); Node has raised it at the start as far as it may. */
function maxOpenFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}
