import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps modules compiled from one start to the next, which then takes half the time. Nobody else can write to the folder, since what lies
 * there is run.
 * @returns the folder; undefined where there can be none
 */
export function keepCompiled(): string | undefined {
  const uid = process.getuid?.()
  if (uid === undefined) return undefined
  const folder = join(tmpdir(), `corelet-${uid}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const stat = lstatSync(folder)
    if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0) return undefined
    enableCompileCache(folder)
    return folder
  } catch {
    return undefined
  }
}
