/** The loads of the bench: what is asked, and of whom. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Load } from './measure.ts'
import { BLOCKS } from './servers.ts'

/** All loads, in the order of the table. */
export const LOADS = [
  'hit',
  'hit-blocks',
  'hit-names',
  'miss',
  'mixed',
  'hit-edns',
  'hit-tcp',
  'hit-aaaa',
  'hit-multisocket',
]

const NAMES = 1000
const MANY_NAMES = 100_000
const MISSES = 1_000_000

/** Variants of corelet run where they differ; the limit in C knows no TCP and no forwarding. */
export function takes(server: string, load: string): boolean {
  if (server === 'limit in C') return ['hit', 'hit-blocks', 'hit-names'].includes(load)
  if (server === 'corelet with 1000 blocks') return load === 'hit-blocks'
  if (server === 'corelet with 100000 names') return load === 'hit-names'
  if (load === 'hit-multisocket' || server.startsWith('corelet with multisocket')) return isMultisocket(server, load)
  if (load === 'hit-blocks' || load === 'hit-names') return false
  if (server === 'corelet with aaaa-filter') return load === 'hit-aaaa'
  if (server === 'corelet without libc') return load === 'hit' || load === 'miss'
  return true
}

function isMultisocket(server: string, load: string): boolean {
  return load === 'hit-multisocket' && server.startsWith('corelet with multisocket')
}

/** Writes the queries of a load into `folder`. */
export function createLoad(folder: string, name: string): Load {
  const write = (part: string, queries: readonly string[]) => {
    const path = join(folder, `${name}.${part}`)
    writeFileSync(path, `${queries.join('\n')}\n`)
    return path
  }
  const args = name === 'hit-edns' ? ['-e', '-D'] : name === 'hit-tcp' ? ['-m', 'tcp'] : []
  const queries = createQueries(name)
  return { name, queries: write('queries', queries), warmUp: write('warm-up', createQueries(name)), args }
}

function createQueries(load: string): string[] {
  const type = load === 'hit-aaaa' ? 'AAAA' : 'A'
  const hit = (i: number) => `host${i % NAMES}.corp ${type}`
  const miss = () => `m${randomBytes(6).toString('hex')}.corp ${type}`
  if (load === 'hit-blocks') return Array.from({ length: NAMES }, (_, i) => `host${i}.zone${i % BLOCKS}.corp A`)
  if (load === 'hit-names') return Array.from({ length: MANY_NAMES }, (_, i) => `host${i}.corp A`)
  if (load === 'miss') return Array.from({ length: MISSES }, miss)
  if (load === 'mixed') return Array.from({ length: MISSES / 4 }, (_, i) => (Math.random() < 0.9 ? hit(i) : miss()))
  return Array.from({ length: NAMES }, (_, i) => hit(i))
}
