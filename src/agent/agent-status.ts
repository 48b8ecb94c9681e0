/** What the agents of this network say of themselves. */
import { connect } from 'node:net'
import type { CrashProof } from './interception.ts'
import type { LockWaits } from './iptables.ts'
import type { AgentCounts, InterceptionState } from './node-agent.ts'
import type { Interception, LinkType } from './options.ts'
import { type Claim, readClaims } from './ownership.ts'

/** What an agent tells whoever connects to one of its sockets, as JSON. */
export interface AgentStatus {
  pid: number
  addresses: readonly string[]
  dnsPort: number
  link: { name: string; type: LinkType }
  interception: {
    kind: Interception
    state: InterceptionState
    /** Why queries are not led to its server; empty when they are. */
    problem: string
    crashProof: CrashProof
    /** Queries of the node's own processes are led to it, too. */
    hostTraffic: boolean
  }
  /** Its server answers a query with the opcode STATUS for this label, and no other server does. */
  secret: string
  /** `HOST:PORT` of its metrics. */
  metricsAddress: string
  corefile: string
  /** What the Corefile forwards to. */
  upstreams: readonly string[]
  counts: AgentCounts
  lockWaits: LockWaits
}

/** An agent that lives, or at least holds its sockets. */
export interface LivingAgent {
  /** Unlike all others' in this network. */
  id: string
  link: string
  addresses: readonly string[]
  /** undefined when it does not answer. */
  status: AgentStatus | undefined
}

/** Milliseconds that an agent may take to answer. */
const TIMEOUT = 1000
/** Octets. */
const MAX_ANSWER = 64 * 1024

/** All agents of this network, whatever their link. */
export async function findAgents(): Promise<LivingAgent[]> {
  const agents = new Map<string, Claim[]>()
  for (const claim of await readClaims()) {
    agents.set(claim.id, [...(agents.get(claim.id) ?? []), claim])
  }
  return Promise.all(
    [...agents.values()].map(async (claims) => {
      const [{ id, link, socket }] = claims as [Claim, ...Claim[]]
      return { id, link, addresses: claims.map(({ address }) => address), status: await ask(socket) }
    }),
  )
}

function ask(name: string): Promise<AgentStatus | undefined> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ path: `\0${name}` })
    const settle = (status: AgentStatus | undefined) => {
      clearTimeout(timer)
      socket.removeAllListeners('error').on('error', () => {})
      socket.destroy()
      resolve(status)
    }
    const timer = setTimeout(settle, TIMEOUT, undefined)
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.length > MAX_ANSWER) settle(undefined)
    })
    socket.once('end', () => settle(readStatus(text)))
    socket.once('error', () => settle(undefined))
  })
}

function readStatus(text: string): AgentStatus | undefined {
  try {
    return JSON.parse(text) as AgentStatus
  } catch {
    return undefined
  }
}
