/** The agent of a node, in the process of the supervisor. */
import { type AgentServer, createAgent } from '../agent/create-agent.ts'
import type { NodeAgent } from '../agent/node-agent.ts'
import type { AgentOptions } from '../agent/options.ts'
import { PROBE_VARIABLE, ProbeQuestion } from '../agent/probe.ts'
import type { ExportedFamily } from '../observe/metric-family.ts'
import type { Logger } from '../plugin/log.ts'

export interface Node {
  readonly agent: NodeAgent
  /** What the server is told. */
  readonly env: NodeJS.ProcessEnv
  /** The metrics of the agent. */
  families(): ExportedFamily[]
}

/** Puts the agent together. @throws (rejects) Error when the machine lacks what was asked for */
export async function openNode(options: AgentOptions, log: Logger, server: AgentServer): Promise<Node> {
  const question = new ProbeQuestion()
  const agent = await createAgent(options, question, log, server)
  return { agent, env: { [PROBE_VARIABLE]: question.secret }, families: () => toFamilies(agent) }
}

/** node-cache's counter has all its labels from the start. */
function toFamilies({ counts, state, interception }: NodeAgent): ExportedFamily[] {
  const { errors, drift, probeFailures } = counts
  const { crashProof, kind, waits } = interception
  return [
    family(
      'counter',
      'coredns_nodecache_setup_errors_total',
      'The number of errors during periodic network setup for node-cache',
      labelled('errortype', errors),
    ),
    family(
      'gauge',
      'corelet_agent_interception',
      'Whether queries are led to this server: 1 for the state that holds.',
      labelled('state', { off: 0, on: 0, withdrawn: 0, [state]: 1 }),
    ),
    family(
      'gauge',
      'corelet_agent_crash_proof',
      'Whether queries take the other way by themselves when the agent is dead.',
      [
        { labels: { kind, traffic: 'pods' }, value: Number(crashProof.pods !== 'never') },
        { labels: { kind, traffic: 'host' }, value: Number(crashProof.host !== 'never') },
      ],
    ),
    family(
      'counter',
      'corelet_agent_drift_total',
      'Changes by others to link and rules that were mended.',
      labelled('part', drift),
    ),
    family('counter', 'corelet_agent_lock_waits_total', 'Changes of rules that waited a second or longer.', [
      { labels: {}, value: waits.count },
    ]),
    family('counter', 'corelet_agent_lock_wait_seconds_total', 'Seconds that those changes took.', [
      { labels: {}, value: waits.seconds },
    ]),
    family('counter', 'corelet_agent_probe_failures_total', 'Queries to the own addresses that failed.', [
      { labels: {}, value: probeFailures },
    ]),
  ]
}

function family(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  values: ExportedFamily['values'],
): ExportedFamily {
  return { name, help, type, aggregator: 'sum', values }
}

function labelled(label: string, values: Readonly<Record<string, number>>): ExportedFamily['values'] {
  return Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }))
}
