import { lookup, Resolver } from 'node:dns/promises'
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { showTarget, type Target } from '../upstream/target.ts'
import type { Destination } from './destination.ts'

/** Milliseconds that a server of the `resolver` option may take. */
const RESOLVER_TIMEOUT = 2000

export interface ResolveOptions {
  /** Servers for host names; the system's when empty. */
  resolvers: readonly string[]
  /** Whether the server that asks listens at an address and port: a file that lists it would lead queries round and round. */
  isOwn(target: Target): boolean
  /** Told of what a file lists and is left out. */
  warn(text: string): void
}

/**
 * The servers that the destinations stand for: files are read, host names looked up with the first of `resolvers` that answers, or by the
 * system. A server that is listed twice is taken once, whatever its transport.
 * @throws Error when a file can't be read, a name has no address, or no server is left
 */
export async function resolveDestinations(
  destinations: readonly Destination[],
  options: ResolveOptions,
): Promise<Target[]> {
  const lists = await Promise.all(destinations.map((destination) => resolveOne(destination, options)))
  const targets = new Map<string, Target>()
  for (const target of lists.flat()) {
    const label = showTarget(target)
    if (!targets.has(label)) targets.set(label, target)
  }
  if (targets.size === 0) throw new Error('no valid upstream addresses found')
  return [...targets.values()]
}

async function resolveOne(destination: Destination, options: ResolveOptions): Promise<Target[]> {
  if (destination.kind === 'server') return [destination.target]
  if (destination.kind === 'file') return readOthers(destination, options)
  const { name, transport, port, path } = destination
  if (path !== undefined && (await isFile(path))) return readOthers({ kind: 'file', path, transport: 'dns' }, options)
  const addresses = await lookUp(name, options.resolvers)
  return addresses.map((address) => ({ transport, address, port }))
}

/** The servers in a file, without ourselves. */
async function readOthers(
  { path, transport }: Destination & { kind: 'file' },
  { isOwn, warn }: ResolveOptions,
): Promise<Target[]> {
  const targets = readNameservers(await readList(path), transport)
  for (const target of targets.filter(isOwn)) {
    warn(`${path} lists ${target.address}, which is this server: it is left out`)
  }
  return targets.filter((target) => !isOwn(target))
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

async function readList(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Error(`not an IP address, file, or valid domain: "${path}": ${(error as Error).message}`)
  }
}

/** The `nameserver` lines of a file in the form of resolv.conf(5); zones of addresses and all other lines are ignored. */
function readNameservers(text: string, transport: Target['transport']): Target[] {
  const targets: Target[] = []
  for (const line of text.split('\n')) {
    const [keyword, word = ''] = line.trim().split(/\s+/)
    const address = word.replace(/%.*/, '')
    if (keyword === 'nameserver' && isIP(address) > 0) targets.push({ transport, address, port: 53 })
  }
  return targets
}

async function lookUp(name: string, resolvers: readonly string[]): Promise<string[]> {
  try {
    if (resolvers.length === 0) return (await lookup(name, { all: true })).map(({ address }) => address)
    return await askResolvers(name, resolvers)
  } catch (error) {
    throw new Error(`failed to resolve "${name}": ${(error as Error).message}`)
  }
}

async function askResolvers(name: string, resolvers: readonly string[]): Promise<string[]> {
  let failure = new Error('no such host')
  for (const server of resolvers) {
    const resolver = new Resolver({ timeout: RESOLVER_TIMEOUT, tries: 1 })
    resolver.setServers([server])
    const results = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const addresses = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    if (addresses.length > 0) return addresses
    const rejected = results.find((result) => result.status === 'rejected')
    if (rejected) failure = rejected.reason as Error
  }
  throw failure
}
