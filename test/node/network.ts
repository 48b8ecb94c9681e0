/** Three networks in a row: a pod, its node, and the DNS of the cluster behind it. */
import { execFileSync } from 'node:child_process'
import { createNetns, type Netns } from '../kit/netns.ts'

/** Addresses, the same in each rig: the networks are its own. */
export const ADDRESSES = {
  ipv4: { service: '10.96.0.10', upstream: '10.96.0.11', local: '169.254.20.10', clusterDns: '10.2.0.2' },
  ipv6: { service: 'fd00:96::a', upstream: 'fd00:96::b', local: 'fd00:20::a', clusterDns: 'fd00:2::2' },
} as const

export interface Network {
  readonly pod: Netns
  readonly node: Netns
  readonly dns: Netns
  remove(): void
}

/** Makes the namespaces, the links between them and the routes. */
export function createNetwork(): Network {
  const [pod, node, dns] = [createNetns('pod'), createNetns('node'), createNetns('dns')]
  // no second of waiting for others with the same addresses
  for (const each of [pod, node, dns]) each.run('sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0')
  for (const [peer, subnet] of [
    [pod, 1],
    [dns, 2],
  ] as const) {
    // names of namespaces are not known inside of one
    const pair = ['link', 'add', `veth${subnet}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', peer.name]
    execFileSync('ip', ['-n', node.name, ...pair])
    node.feed(toScript(`veth${subnet}`, subnet, 1), 'ip', '-batch', '-')
    const routes = `route add default via 10.${subnet}.0.1\nroute add default via fd00:${subnet}::1\n`
    peer.feed(toScript('eth0', subnet, 2) + routes, 'ip', '-batch', '-')
  }
  // a way to the rest of the world, which service addresses need to have for the node's own processes
  node.feed('route add default via 10.2.0.2\nroute add default via fd00:2::2\n', 'ip', '-batch', '-')
  node.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
  return {
    pod,
    node,
    dns,
    remove() {
      for (const each of [pod, dns, node]) each.remove()
    },
  }
}

function toScript(link: string, subnet: number, host: number): string {
  return [
    `addr add 10.${subnet}.0.${host}/24 dev ${link}`,
    `addr add fd00:${subnet}::${host}/64 dev ${link} nodad`,
    `link set ${link} up`,
    '',
  ].join('\n')
}
