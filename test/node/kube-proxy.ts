/** What kube-proxy does for the two DNS services, in its modes. */
import type { Netns } from '../kit/netns.ts'
import { ADDRESSES } from './network.ts'

export type ProxyMode = 'iptables' | 'nftables'
export type Flavour = 'nft' | 'legacy'

/** @param flavour the iptables of the kubelet, and of kube-proxy in its iptables mode */
export function startProxy(node: Netns, mode: ProxyMode, flavour: Flavour): void {
  for (const [family, command] of [
    ['ipv4', 'iptables'],
    ['ipv6', 'ip6tables'],
  ] as const) {
    const restore = `${command}-${flavour}-restore`
    // by this chain of the kubelet others find its iptables
    node.feed('*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n', restore, '--noflush')
    if (mode === 'iptables') node.feed(iptablesRules(family), restore, '--noflush')
    else node.feed(nftablesRules(family), 'nft', '-f', '-')
  }
}

function iptablesRules(family: 'ipv4' | 'ipv6'): string {
  const { service, upstream, clusterDns } = ADDRESSES[family]
  const target = family === 'ipv4' ? `${clusterDns}:53` : `[${clusterDns}]:53`
  const pods = family === 'ipv4' ? '10.1.0.0/24' : 'fd00:1::/64'
  const services = [service, upstream].flatMap((address) =>
    ['udp', 'tcp'].map((protocol) => `-A KUBE-SERVICES -d ${address} -p ${protocol} --dport 53 -j KUBE-SVC-DNS`),
  )
  return [
    '*nat',
    ':KUBE-SERVICES - [0:0]',
    ':KUBE-SVC-DNS - [0:0]',
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    ...services,
    `-A KUBE-SVC-DNS ! -s ${pods} -j MARK --or-mark 0x4000`,
    '-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE',
    `-A KUBE-SVC-DNS -p udp -j DNAT --to-destination ${target}`,
    `-A KUBE-SVC-DNS -p tcp -j DNAT --to-destination ${target}`,
    'COMMIT',
    '',
  ].join('\n')
}

/** With the refusal of cluster addresses that no service has taken, which is guarded by the state of the connection. */
function nftablesRules(family: 'ipv4' | 'ipv6'): string {
  const { service, upstream, clusterDns } = ADDRESSES[family]
  const ip = family === 'ipv4' ? 'ip' : 'ip6'
  const match = `${ip} daddr { ${service}, ${upstream} } meta l4proto { tcp, udp } th dport 53`
  const to = family === 'ipv4' ? `${clusterDns}:53` : `[${clusterDns}]:53`
  const pods = family === 'ipv4' ? '10.1.0.0/24' : 'fd00:1::/64'
  const range = family === 'ipv4' ? '10.96.0.0/16' : 'fd00:96::/64'
  const nat = (hook: string, priority: string) =>
    `chain nat-${hook} { type nat hook ${hook} priority ${priority}\n ${match} ${ip} saddr != ${pods} meta mark set meta mark or 0x4000\n ${match} dnat to ${to}\n }`
  const refuse = (hook: string, priority: string) =>
    `chain filter-${hook} { type filter hook ${hook} priority ${priority}\n ct state new ${ip} daddr ${range} reject\n }`
  return `table ${ip} kube-proxy {
${nat('prerouting', '-100')}
${nat('output', '-100')}
chain nat-postrouting { type nat hook postrouting priority 100
 meta mark and 0x4000 == 0x4000 masquerade
 }
${refuse('forward', '-110')}
${refuse('output', '-90')}
}
`
}
