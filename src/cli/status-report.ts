/** What `corelet status` says of the agents of a network, and whether clients are answered by them. */
import type { LivingAgent } from '../agent/agent-status.ts'
import type { Answerer, Examination } from '../agent/examine.ts'
import type { Return } from '../agent/interception.ts'
import type { LinkState } from '../agent/link.ts'
import type { ServerCounts } from './agent-scrape.ts'

/** An agent, with what was seen of it from outside. */
export interface AgentReport extends LivingAgent {
  /** undefined without a link; text says why it could not be looked at. */
  linkState: LinkState | string | undefined
  /** Text says why there are none. */
  counts: ServerCounts | string
}

export interface StatusReport {
  /** Each address is answered by one of the agents, over UDP and TCP. */
  effective: boolean
  /** Why not. */
  reasons: readonly string[]
  agents: readonly AgentReport[]
  asked: readonly Examination[]
}

/** Judges by the answers that clients got; what agents say of themselves explains them. */
export function judge(agents: readonly AgentReport[], asked: readonly Examination[], elsewhere: boolean): StatusReport {
  const reasons = asked.flatMap(({ address, udp, tcp, stranger }) =>
    (
      [
        ['UDP', udp],
        ['TCP', tcp],
      ] as const
    ).flatMap(([proto, answer]) =>
      'agent' in answer ? [] : [`${address}: ${proto}: ${explain(answer.problem, stranger)}`],
    ),
  )
  for (const { id, status } of agents) {
    if (!status) reasons.push(`agent ${id} does not answer`)
    else if (status.interception.problem !== '') reasons.push(`agent ${id}: ${status.interception.problem}`)
    else if (!status.interception.hostTraffic && reasons.length > 0) reasons.push(toldToAskFromPods(status.secret))
  }
  if (agents.length === 0 && !elsewhere) reasons.push('no agent lives in this network')
  return { effective: reasons.length === 0, reasons, agents, asked }
}

function explain(problem: string, stranger: string): string {
  return stranger === '' ? problem : `${problem} (${stranger})`
}

function toldToAskFromPods(secret: string): string {
  return (
    'queries of the node itself are not led to the agent (-host-traffic=false): ' +
    `ask from a pod, with corelet status -address ADDRESS -secret ${secret}`
  )
}

/** The report for people. */
export function renderStatus({ effective, reasons, agents, asked }: StatusReport): string {
  const lines = agents.flatMap(renderAgent)
  if (asked.length > 0) lines.push('asked from here')
  for (const { address, udp, tcp, stranger } of asked) {
    lines.push(row(address, `UDP ${name(udp, stranger)}, TCP ${name(tcp, stranger)}`))
  }
  lines.push(effective ? 'queries are answered by the agent' : 'queries are NOT all answered by the agent:')
  lines.push(...reasons.map((reason) => `  ${reason}`))
  return `${lines.join('\n')}\n`
}

function name(answer: Answerer, stranger: string): string {
  return 'agent' in answer ? `agent ${answer.agent}` : explain(answer.problem, stranger)
}

function renderAgent({ id, link, addresses, status, linkState, counts }: AgentReport): string[] {
  if (!status) return [`agent ${id}`, row('addresses', addresses.join(' ')), row('state', 'does not answer')]
  const { interception, counts: seen } = status
  const { pods, host } = interception.crashProof
  const errors = Object.entries(seen.errors).filter(([, count]) => count > 0)
  return [
    `agent ${id}, process ${status.pid}`,
    row('addresses', `${addresses.join(' ')}, port ${status.dnsPort}`),
    row('link', describeLink(link, status.link.type, linkState)),
    row('interception', `${interception.kind}, ${interception.state}${and(interception.problem)}`),
    row('if it dies', `pods: ${WHEN_DEAD[pods]}; the node: ${WHEN_DEAD[host]}`),
    row('upstreams', status.upstreams.join(' ')),
    row('server', typeof counts === 'string' ? counts : describeCounts(counts)),
    row('drift', `link ${seen.drift.link}, rules ${seen.drift.rules}`),
    row('lock', `${status.lockWaits.count} waits of ${status.lockWaits.seconds.toFixed(1)} s in all`),
    row('probes', `${seen.probeFailures} failed`),
    row('errors', errors.length === 0 ? 'none' : errors.map(([type, count]) => `${type} ${count}`).join(', ')),
  ]
}

const WHEN_DEAD: Record<Return, string> = {
  'at once': 'kube-proxy has their queries at once',
  soon: 'kube-proxy has their queries after two seconds',
  never: 'no answers until the rules are gone',
}

function describeLink(link: string, type: string, state: AgentReport['linkState']): string {
  if (type === 'none') return 'none of its own'
  if (state === undefined) return `${link} is missing`
  if (typeof state === 'string') return `${link}: ${state}`
  return `${link} (${state.kind || type}, ${state.up ? 'up' : 'down'}) with ${state.addresses.join(' ') || 'no address'}`
}

function describeCounts({ cacheHits, cacheMisses, forwarded }: ServerCounts): string {
  const to = Object.entries(forwarded).map(([address, count]) => `${address} ${count}`)
  return `cache ${cacheHits} hits ${cacheMisses} misses${and(to.join(', '), ', asked ')}`
}

function and(text: string, separator = ': '): string {
  return text === '' ? '' : `${separator}${text}`
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(WIDTH)} ${text}`
}

/** Columns that labels take; an IPv6 address may need more. */
const WIDTH = 15
