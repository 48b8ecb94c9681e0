import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programFile } from './program.ts'
import { SUPERVISOR_FLAGS } from './v8-flags.ts'

export interface Handover {
  /** It will be the agent of a node, too. */
  agent?: boolean
  /** Where compiled modules are kept. */
  folder: string | undefined
  /** What was read from standard input and the workers are to read; undefined leaves it as it is. */
  input?: string | undefined
}

/**
 * Turns this process into the supervisor: it starts anew with a program that loads next to nothing, under the same process id. Nothing may
 * be open that the new program should not find open.
 * @throws Error when the system does not allow it
 */
export async function becomeSupervisor(
  args: readonly string[],
  { folder, input, agent = false }: Handover,
): Promise<never> {
  const env = folder === undefined ? process.env : { NODE_COMPILE_CACHE: folder, ...process.env }
  // its modules go into the cache now, so that it needs no compiler of TypeScript, which takes 18 MiB
  await Promise.all([import('./supervise.ts'), agent && import('./node.ts')])
  flushCompileCache()
  if (input !== undefined) replaceInput(input)
  const { execve } = process
  if (!execve) throw new Error('this system does not let a process start another program in its place')
  return execve.call(
    process,
    process.execPath,
    [process.execPath, ...SUPERVISOR_FLAGS, programFile('supervise'), ...args],
    env,
  ) as never
}

/** Puts text where standard input was. */
function replaceInput(text: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'corelet-'))
  try {
    const file = join(folder, 'Corefile')
    writeFileSync(file, text, { mode: 0o600 })
    closeSync(0)
    // the lowest number that is free
    openSync(file, 'r')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
