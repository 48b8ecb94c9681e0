/** A node with its kube-proxy, a pod on it, and the DNS of the cluster. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Agent, LEADING, launchAgent } from './agent.ts'
import { type Client, startClient } from './clients.ts'
import { startClusterDns } from './cluster-dns.ts'
import { type Flavour, type ProxyMode, startProxy } from './kube-proxy.ts'
import { ADDRESSES, createNetwork, type Network } from './network.ts'

/** How a node is made, and the agent's flag for it. */
export interface Setup {
  interception: 'nftables' | 'iptables-nft' | 'iptables-legacy'
  proxy: ProxyMode
  families: readonly ('ipv4' | 'ipv6')[]
}

/** `short` takes seconds and runs in the suite; `long` takes minutes. */
export type Form = 'short' | 'long'

export interface Rig extends Network {
  readonly setup: Setup
  readonly form: Form
  /** Addresses that the agent serves and clients ask: each family's service, and the link-local one, which only the agent has. */
  readonly services: readonly string[]
  readonly localIps: readonly string[]
  /** kube-proxy makes its rules anew. */
  startProxy(): void
  /** Starts an agent and waits until queries are led to it. */
  agent(...args: string[]): Promise<Agent>
  launch(...args: string[]): Agent
  /** A client in the pod or on the node, with 1,000 queries a second over UDP and 20 over TCP. */
  client(where: 'pod' | 'node'): Promise<Client>
  /** Who answers queries to these addresses over UDP and TCP: `agent`, `cluster`, `agent and cluster`, or `nobody` when any is lost. */
  whoAnswers(where: 'pod' | 'node', addresses: readonly string[]): Promise<string>
  /** Ends everything; a second time is the first. */
  stop(): Promise<void>
}

/** @throws (rejects) Error */
export async function startRig(setup: Setup, form: Form = 'short'): Promise<Rig> {
  const network = createNetwork()
  const flavour: Flavour = setup.interception === 'iptables-legacy' ? 'legacy' : 'nft'
  const services = setup.families.map((family) => ADDRESSES[family].service)
  const localIps = setup.families.flatMap((family) => [ADDRESSES[family].local, ADDRESSES[family].service])
  const agents: Agent[] = []
  const launch = (...args: readonly string[]) => {
    const agent = launchAgent(network.node, localIps, [...flags, ...args])
    agents.push(agent)
    return agent
  }
  const flags = ['-interception', setup.interception]
  try {
    startProxy(network.node, setup.proxy, flavour)
    const dns = await startClusterDns(network.dns)
    let stopped: Promise<void> | undefined
    const stop = async () => {
      await Promise.all(agents.map((agent) => agent.killAll().catch(() => {})))
      await dns.stop()
      network.remove()
    }
    return {
      ...network,
      setup,
      form,
      startProxy: () => startProxy(network.node, setup.proxy, flavour),
      services,
      localIps,
      async agent(...args) {
        const agent = launch(...args)
        await agent.printed(LEADING)
        return agent
      },
      launch,
      client: (where) => startClient(network[where], { addresses: services, udpRate: 1000, tcpRate: 20 }),
      async whoAnswers(where, addresses) {
        const client = await startClient(network[where], { addresses, udpRate: 200, tcpRate: 50 })
        await sleep(200)
        const { udp, tcp } = await client.stop()
        if (udp.lost + tcp.lost > 0) return 'nobody'
        const found = (['agent', 'cluster'] as const).filter((who) => udp.answers[who] + tcp.answers[who] > 0)
        return found.join(' and ')
      },
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    network.remove()
    throw error
  }
}
