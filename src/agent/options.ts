/** How packets to the cache's addresses are kept from connection tracking and kube-proxy. */
export const INTERCEPTIONS = ['auto', 'iptables', 'iptables-nft', 'iptables-legacy', 'nftables', 'none'] as const
export type Interception = (typeof INTERCEPTIONS)[number]

/** Where the addresses are put: `auto` is a dummy link, or a bridge where the kernel has no dummy driver; `existing` is never removed. */
export const LINK_TYPES = ['auto', 'dummy', 'bridge', 'existing', 'none'] as const
export type LinkType = (typeof LINK_TYPES)[number]

/** Where rules go in a chain that others use, too. */
export const RULE_POSITIONS = ['insert', 'append'] as const
export type RulePosition = (typeof RULE_POSITIONS)[number]

/** What the node agent is told on its command line; the flag's name behind each, see docs/node-local.md. */
export interface AgentOptions {
  /** Addresses that pods ask, IPv4 and IPv6, in the order given: `-localip`. */
  localIps: readonly string[]
  /** `-setupinterface` and `-link-type`. */
  linkType: LinkType
  /** `-interfacename`. */
  linkName: string
  /** `-setupiptables` and `-interception`. */
  interception: Interception
  /** Rules for queries of the node's own processes, too: `-host-traffic`. */
  hostTraffic: boolean
  /** `-rule-position`. */
  rulePosition: RulePosition
  /** Milliseconds between two looks at link and rules: `-syncinterval`. */
  syncInterval: number
  /** Links and rules stay when the agent ends: `-skipteardown`. */
  skipTeardown: boolean
  /** `HOST:PORT` of the agent's metrics; unusable text turns them off: `-metrics-listen-address`. */
  metricsAddress: string
  /** `-prometheus-listen-address`. */
  prometheusAddress: string
  /** `-basecorefile`. */
  template: string
  /** The file that the server reads: `-conf`, else `-corefile`. */
  corefile: string
  /** Folder with the keys of the kube-dns ConfigMap, empty for none: `-kubednscm`. */
  kubeDnsFolder: string
  /** Folder with `.override` and `.server` files, empty for none: `-custom-corefiles`. */
  customFolder: string
  /** Name of the service that leads past this cache, its address, or a file with that: `-upstreamsvc`. */
  upstreamService: string
  /** `-health-port`. */
  healthPort: number
  /** `-dns.port`. */
  dnsPort: number
  /** The server is told of a new Corefile by a signal: `-reloadwithsignal`. */
  reloadWithSignal: boolean
  /** Milliseconds between two queries that see whether the server answers: `-probe-interval`. */
  probeInterval: number
  /** Failures in a row after which the rules are taken away: `-probe-failures`. */
  probeFailures: number
}
