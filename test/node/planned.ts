/** What is done to an agent on purpose. */
import type { Incident } from './incident.ts'
import { assertClean } from './remains.ts'

/** TCP connections that are open when rules of iptables come or go are reset by who knows nothing of them. */
const none: Incident['allowed'] = ({ interception }) =>
  interception === 'nftables' ? { pod: 0, node: 1 } : { pod: 2, node: 5 }

export const restart: Incident = {
  name: 'restart',
  event: 'SIGTERM, nothing left behind, start',
  times: { long: 10, short: 1 },
  allowed: none,
  async happen(rig, agent) {
    const status = await agent.stop()
    if (status !== 0) throw new Error(`the agent ended with ${status}\n${agent.output}`)
    assertClean(rig)
    return rig.agent()
  },
}

export const surge: Incident = {
  name: 'surge',
  event: 'update by surge: the next agent beside the old one, then SIGTERM to the old one',
  times: { long: 20, short: 1 },
  allowed: () => ({ pod: 0, node: 0 }),
  async happen(rig, agent) {
    const next = await rig.agent()
    await agent.stop()
    return next
  },
}
