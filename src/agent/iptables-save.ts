/** What iptables-save prints, as far as rules like ours are in it. */
import { toCanonicalAddress } from '../dns/address.ts'
import { familyOf, PROBE_SOURCES, type Rule } from './rules.ts'

/** A rule of a chain that rules of ours are in. */
export interface SavedRule {
  table: string
  chain: string
  /** What stands behind `-A`: with `-D` in front it names exactly this rule. */
  text: string
  /** Its meaning, when it has the shape of one of ours; whose it is, comment and address tell. */
  shape: Rule | undefined
}

const CHAINS: Record<string, readonly string[]> = { raw: ['PREROUTING', 'OUTPUT'], filter: ['INPUT', 'OUTPUT'] }

/** The rules of the built-in chains that ours go to, in their order. */
export function parseSave(text: string): SavedRule[] {
  const rules: SavedRule[] = []
  let table = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim()
    if (!line.startsWith('-A ')) continue
    const rest = line.slice(3).trim()
    const [chain = ''] = rest.split(' ', 1)
    if (CHAINS[table]?.includes(chain)) rules.push({ table, chain, text: rest, shape: readShape(table, rest) })
  }
  return rules
}

/** The rule's meaning; undefined when a word is not one of ours. */
function readShape(table: string, text: string): Rule | undefined {
  const [chain, ...words] = splitWords(text)
  let protocol = ''
  let target = ''
  let port = Number.NaN
  let comment = ''
  let needsSocket = false
  let needsLocal = false
  const hosts: Partial<Record<'destination' | 'source', string>> = {}
  const ports: Partial<Record<'destination' | 'source', number>> = {}
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    const value = words[at + 1] ?? ''
    if (word === '-p') protocol = value
    else if (word === '-d') hosts.destination = value
    else if (word === '-s') hosts.source = value
    else if (word === '--dport') ports.destination = Number(value)
    else if (word === '--sport') ports.source = Number(value)
    else if (word === '--comment') comment = value
    else if (word === '-j') target = value
    else if (word === '--notrack' && target === 'CT') {
      target = 'NOTRACK'
      continue
    } else if (word === '--dst-type' && value === 'LOCAL') needsLocal = true
    else if (word === '-m' && value === 'socket') needsSocket = true
    else if (word !== '-m' || !['udp', 'tcp', 'addrtype', 'comment'].includes(value)) return undefined
    at++
  }
  const side = hosts.destination !== undefined ? 'destination' : 'source'
  const other = side === 'destination' ? 'source' : 'destination'
  const address = hostOf(hosts[side])
  port = ports[side] ?? Number.NaN
  if (ports[other] !== undefined || address === undefined) return undefined
  const from = hosts[other] === undefined ? '' : hostOf(hosts[other])
  if (from !== '' && from !== PROBE_SOURCES[familyOf(address)]) return undefined
  if ((protocol !== 'udp' && protocol !== 'tcp') || !Number.isInteger(port)) return undefined
  if (table === 'raw' ? target !== 'NOTRACK' : target !== 'ACCEPT') return undefined
  return {
    table: table as Rule['table'],
    chain: chain as Rule['chain'],
    protocol,
    side,
    address,
    from,
    port,
    target: target as Rule['target'],
    needsSocket,
    needsLocal,
    comment,
  }
}

/** The address of `ADDRESS/32` and `ADDRESS/128`; undefined for a network. */
function hostOf(text: string | undefined): string | undefined {
  const [address = '', prefix] = text?.split('/') ?? []
  if (prefix !== undefined && prefix !== '32' && prefix !== '128') return undefined
  return address === '' ? undefined : toCanonicalAddress(address)
}

/** Words as iptables quotes them: double quotes, a backslash before quotes and backslashes. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replace(/\\(.)/g, '$1') ?? plain!,
  )
}
