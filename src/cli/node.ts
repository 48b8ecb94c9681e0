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
function toFamilies({ counts, state }: NodeAgent): ExportedFamily[] {
  const { errors, drift, probeFailures } = counts
  const family = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    label: string,
    values: Record<string, number>,
  ) => ({
    name,
    help,
    type,
    aggregator: 'sum',
    values: Object.entries(values).map(([key, value]) => ({ labels: label === '' ? {} : { [label]: key }, value })),
  })
  return [
    family(
      'counter',
      'coredns_nodecache_setup_errors_total',
      'The number of errors during periodic network setup for node-cache',
      'errortype',
      errors,
    ),
    family(
      'gauge',
      'corelet_agent_interception',
      'Whether queries are led to this server: 1 for the state that holds.',
      'state',
      {
        off: Number(state === 'off'),
        on: Number(state === 'on'),
        withdrawn: Number(state === 'withdrawn'),
      },
    ),
    family(
      'counter',
      'corelet_agent_drift_total',
      'Changes by others to link and rules that were mended.',
      'part',
      drift,
    ),
    family('counter', 'corelet_agent_probe_failures_total', 'Queries to the own addresses that failed.', '', {
      all: probeFailures,
    }),
  ]
}
