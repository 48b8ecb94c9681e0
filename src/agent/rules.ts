/** The rules that lead packets to the cache past connection tracking: node-cache's, so that either finds the other's, and two for probes. */
import { isIPv6 } from 'node:net'

export type Family = 'ipv4' | 'ipv6'

/** A rule of iptables by its meaning. */
export interface Rule {
  table: 'raw' | 'filter'
  chain: 'PREROUTING' | 'INPUT' | 'OUTPUT'
  protocol: 'udp' | 'tcp'
  /** Address and port are the packet's destination, or its source. */
  side: 'destination' | 'source'
  address: string
  /** The one source that packets have; empty for any. */
  from: string
  port: number
  target: 'NOTRACK' | 'ACCEPT'
  /** Only packets for which there is a socket (`-m socket`): without the server, kube-proxy has them. */
  needsSocket: boolean
  /** Only packets to an address that the node has (`-m addrtype`): without it, kube-proxy has them. */
  needsLocal: boolean
  comment: string
}

/** node-cache's words since 1.22.19. */
export const COMMENTS = {
  NOTRACK: 'NodeLocal DNS Cache: skip conntrack',
  ACCEPT: 'NodeLocal DNS Cache: allow DNS traffic',
} as const

/** What rules are made for. */
export interface RuleOptions {
  dnsPort: number
  healthPort: number
  /** Queries of the node's own processes, and the kubelet's probe of the health endpoint, too. */
  hostTraffic: boolean
  /** The kernel knows `-m socket`. */
  socketMatch: boolean
  /** The kernel knows `-m addrtype`. */
  typeMatch: boolean
}

/** Where the agent's own queries to the server come from: nobody else asks the cache's addresses from there. */
export const PROBE_SOURCES: Readonly<Record<Family, string>> = { ipv4: '127.0.0.1', ipv6: '::1' }

export function familyOf(address: string): Family {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

/**
 * The rules for an address. With `led` these are node-cache's twelve, or the eight that leave the node's own processes alone. Without, packets
 * to the address take the way through kube-proxy, and what is left lets answers out. In either case the agent's own queries come through.
 */
export function listRules(address: string, options: RuleOptions, led: boolean): Rule[] {
  const { dnsPort: port, healthPort, hostTraffic, socketMatch: needsSocket, typeMatch: needsLocal } = options
  const dns = (table: Rule['table'], chain: Rule['chain'], side: Rule['side'], more?: Partial<Rule>): Rule[] =>
    (['tcp', 'udp'] as const).map((protocol) => {
      const target = table === 'raw' ? 'NOTRACK' : 'ACCEPT'
      const any = { from: '', needsSocket: false, needsLocal: false, comment: COMMENTS[target] }
      return { table, chain, protocol, side, address, port, target, ...any, ...more }
    })
  const health = (side: Rule['side']): Rule => ({
    ...dns('raw', 'OUTPUT', side)[0]!,
    port: healthPort,
  })
  const from = PROBE_SOURCES[familyOf(address)]
  return [
    ...(led ? dns('raw', 'PREROUTING', 'destination', { needsSocket, needsLocal }) : []),
    ...dns('filter', 'INPUT', 'destination'),
    ...dns('raw', 'OUTPUT', 'source'),
    ...dns('filter', 'OUTPUT', 'source'),
    ...(hostTraffic && led ? dns('raw', 'OUTPUT', 'destination', { needsLocal }) : []),
    ...(hostTraffic ? [health('destination'), health('source')] : []),
    ...dns('raw', 'OUTPUT', 'destination', { from }),
  ]
}

/** The rule behind `-A` or `-I`, as iptables-restore reads it. */
export function formatRule(rule: Rule): string {
  const prefix = familyOf(rule.address) === 'ipv6' ? 128 : 32
  const [host, port] = rule.side === 'destination' ? ['-d', '--dport'] : ['-s', '--sport']
  const socket = rule.needsSocket ? ' -m socket' : ''
  const local = rule.needsLocal ? ' -m addrtype --dst-type LOCAL' : ''
  const from = rule.from === '' ? '' : ` -s ${rule.from}/${prefix}`
  const match = `${host} ${rule.address}/${prefix}${from} -p ${rule.protocol} -m ${rule.protocol} ${port} ${rule.port}`
  return `${rule.chain} ${match}${socket}${local} -m comment --comment "${rule.comment}" -j ${rule.target}`
}

/** Whether two rules are one. */
export function isSameRule(a: Rule, b: Rule): boolean {
  return (
    a.table === b.table &&
    a.chain === b.chain &&
    a.protocol === b.protocol &&
    a.side === b.side &&
    a.address === b.address &&
    a.from === b.from &&
    a.port === b.port &&
    a.target === b.target &&
    a.needsSocket === b.needsSocket &&
    a.needsLocal === b.needsLocal &&
    a.comment === b.comment
  )
}
