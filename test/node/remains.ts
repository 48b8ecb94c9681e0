/** What of an agent is on a node, whether it lives or not. */
import type { Netns } from '../kit/netns.ts'
import type { Rig } from './rig.ts'

const LINK = 'nodelocaldns'

/** Rules of either iptables that have the cache's comment or are about its addresses, tables of nftables, and the link. */
export function listRemains({ node, localIps }: Pick<Rig, 'node' | 'localIps'>): string[] {
  const rules = listRules(node).filter((rule) => isOurs(rule, localIps))
  const tables = node.run('nft', 'list', 'tables').split('\n')
  const links = node.run('ip', '-brief', 'address').split('\n')
  return [
    ...rules,
    ...tables.filter((line) => line.includes('corelet')),
    ...links.filter((line) => line.startsWith(LINK) || localIps.some((each) => line.includes(` ${each}/`))),
  ]
}

/** Rules that keep packets from connection tracking, and those that accept them. */
export function listRules(node: Netns): string[] {
  // asking the legacy commands for one table would create it
  const commands = ['iptables-nft-save', 'ip6tables-nft-save', 'iptables-legacy-save', 'ip6tables-legacy-save']
  const text = commands.map((command) => node.run('sh', '-c', `${command} 2>&1`)).join('')
  return text.split('\n').filter((line) => /^-A (PREROUTING|INPUT|OUTPUT) |CORELET/.test(line))
}

function isOurs(rule: string, addresses: readonly string[]): boolean {
  return (
    /NodeLocal DNS Cache|CORELET/.test(rule) ||
    addresses.some((each) => rule.includes(`${each}/`) && /-j (NOTRACK|ACCEPT|CT)/.test(rule))
  )
}

/** @throws Error when anything is there */
export function assertClean(rig: Pick<Rig, 'node' | 'localIps'>): void {
  const remains = listRemains(rig)
  if (remains.length > 0) throw new Error(`an agent has left behind:\n${remains.join('\n')}`)
}
