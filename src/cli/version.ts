import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** Version of corelet and the commit it was made from; empty when that is not known. */
export function readBuild(): { version: string; revision: string } {
  const { version, gitHead } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return { version, revision: (gitHead ?? readHead() ?? '').slice(0, 9) }
}

/** The two lines that say what runs: `corelet-0.1.0` and `linux/amd64, node v24.0.0, 0123abcde`. */
export function banner(): string[] {
  const { version, revision } = readBuild()
  const architectures: Record<string, string> = { x64: 'amd64', ia32: '386' }
  const platform = `${process.platform}/${architectures[process.arch] ?? process.arch}`
  return [`corelet-${version}`, `${platform}, node ${process.version}, ${revision}`]
}

/** Commit of a checkout. */
function readHead(): string | undefined {
  try {
    const head = readFileSync(join(ROOT, '.git/HEAD'), 'utf8').trim()
    const ref = /^ref: (.*)$/.exec(head)?.[1]
    return ref ? readFileSync(join(ROOT, '.git', ref), 'utf8').trim() : head
  } catch {
    return undefined
  }
}
