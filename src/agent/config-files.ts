/** The files that a Corefile is made from, as Kubernetes mounts them, and the one that is made. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A file's text, or why there is none. */
export function readText(path: string): { text: string } | { error: string } {
  try {
    return { text: readFileSync(path, 'utf8') }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

/** The files of a mounted ConfigMap, sorted by name; those whose name begins with a dot are Kubernetes' own. */
export function readKeys(folder: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>()
  if (folder === '') return keys
  for (const name of listFolder(folder)) {
    const content = name.startsWith('.') ? { error: '' } : readText(join(folder, name))
    if ('text' in content) keys.set(name, content.text)
  }
  return keys
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** In one step, so that no reader sees half of it; in place where the file is a mount of its own. */
export function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(fresh, text, { mode: 0o644 })
    renameSync(fresh, path)
  } catch {
    rmSync(fresh, { force: true })
    writeFileSync(path, text)
  }
}
