import type { Diagnostic } from '../corefile/model.ts'
import { systemClock } from '../plugin/clock.ts'
import type { Logger } from '../plugin/log.ts'
import type { AgentStatus } from './agent-status.ts'
import { CorefileMaker } from './corefile-maker.ts'
import { exec, start } from './exec.ts'
import { hasAddress } from './has-address.ts'
import { createInterception, removeLeftovers } from './interception.ts'
import { leaveToIpvs } from './ipvs.ts'
import { Link } from './link.ts'
import { NodeAgent } from './node-agent.ts'
import type { AgentOptions } from './options.ts'
import { Ownership } from './ownership.ts'
import { type ProbeQuestion, probe } from './probe.ts'
import { familyOf, PROBE_SOURCES } from './rules.ts'

/** Milliseconds that the server may take to answer the agent. */
const PROBE_TIMEOUT = 1000

const IS_THEIRS = 'belongs to kube-proxy, which runs in its mode ipvs (link kube-ipvs0)'

/** The server as the agent sees it. */
export interface AgentServer {
  /** What is wrong with a Corefile; nothing before there is a server to ask. */
  check(corefile: { file: string; text: string }): Promise<readonly Diagnostic[]>
  /** Makes it read its Corefile again. */
  reload(): void
}

/** Puts the agent of a node together. @throws (rejects) Error when the machine lacks what was asked for */
export async function createAgent(
  options: AgentOptions,
  question: ProbeQuestion,
  log: Logger,
  server: AgentServer,
): Promise<NodeAgent> {
  const { linkType, linkName, dnsPort } = options
  const { ours: localIps, theirs } =
    linkType === 'none' ? { ours: options.localIps, theirs: [] } : await leaveToIpvs(exec, options.localIps)
  if (localIps.length === 0) throw new Error(`-localip: ${theirs.join(', ')} ${IS_THEIRS}`)
  if (theirs.length > 0)
    log.warning(`-localip: ${theirs.join(', ')} ${IS_THEIRS}; what is left is ${localIps.join(', ')}`)
  const corefile: CorefileMaker = new CorefileMaker({
    options: { ...options, localIps },
    env: process.env,
    log,
    check: server.check,
    changed() {
      if (options.reloadWithSignal || corefile.reloads) server.reload()
    },
  })
  const interception = await createInterception(exec, start, options)
  const agent = new NodeAgent({
    options: { ...options, localIps },
    clock: systemClock,
    log,
    link: linkType === 'none' ? undefined : new Link(exec, linkName, linkType, interception.wantsLease),
    interception,
    ownership: new Ownership(linkName),
    corefile,
    removeLeftovers: async (others) => {
      if (options.interception !== 'none') await removeLeftovers(exec, options.localIps, others)
    },
    hasAddress,
    probe: (address) => {
      // without rules of ours there is none that lets queries from there through
      const source = interception.kind === 'none' ? undefined : PROBE_SOURCES[familyOf(address)]
      return probe(question, address, dnsPort, PROBE_TIMEOUT, source)
    },
    describe: () => JSON.stringify(describeAgent()),
  })
  const describeAgent = (): AgentStatus => ({
    pid: process.pid,
    addresses: localIps,
    dnsPort,
    link: { name: linkName, type: linkType },
    interception: {
      kind: interception.kind,
      state: agent.state,
      problem: agent.problem,
      crashProof: interception.crashProof,
      hostTraffic: options.hostTraffic,
    },
    secret: question.secret,
    metricsAddress: options.metricsAddress,
    corefile: options.corefile,
    upstreams: corefile.upstreams,
    counts: agent.counts,
    lockWaits: interception.waits,
  })
  return agent
}
