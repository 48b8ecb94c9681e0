/** What happens to the processes of an agent. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from '../kit/sources.ts'
import { type Agent, LEADING } from './agent.ts'
import { type Allowed, apartFromProxy, type Incident, until } from './incident.ts'
import { assertClean, listRemains } from './remains.ts'
import type { Rig, Setup } from './rig.ts'

/** A kill may lose what the dead process had in its hands. */
const PER_KILL = 5
/** With iptables what comes in until the kernel has taken the process apart, and closes its sockets. */
const UNTIL_CLOSED = 30
/** What a client of the node may lose until the addresses have gone, where rules for it outlive a killed agent. */
const TWO_SECONDS = 2100

const byKill = ({ interception }: Setup): Allowed =>
  interception === 'nftables' ? { pod: PER_KILL, node: PER_KILL } : { pod: UNTIL_CLOSED, node: TWO_SECONDS }

export const killed: Incident = {
  name: 'killed',
  event: 'SIGKILL to all processes of the agent, then start',
  times: { long: 20, short: 1 },
  allowed: byKill,
  async happen(rig, agent) {
    await agent.killAll()
    return rig.agent()
  },
}

export const abandoned: Incident = {
  name: 'abandoned',
  event: 'SIGKILL to all processes of the agent, then start after four seconds',
  times: { long: 3, short: 1 },
  for: apartFromProxy,
  allowed: byKill,
  async happen(rig, agent) {
    await agent.killAll()
    await sleep(4000)
    return rig.agent()
  },
}

export const workerKilled: Incident = {
  name: 'worker-killed',
  event: 'SIGKILL to the server',
  times: { long: 10, short: 1 },
  for: apartFromProxy,
  allowed: () => ({ pod: PER_KILL, node: PER_KILL }),
  async happen(rig, agent) {
    await loseWorker(rig, agent, 'SIGKILL')
    return agent
  },
}

export const workerHangs: Incident = {
  name: 'worker-hangs',
  event: 'SIGSTOP to the server',
  times: { long: 3, short: 1 },
  for: apartFromProxy,
  allowed: () => ({ pod: PER_KILL, node: PER_KILL }),
  async happen(rig, agent) {
    await loseWorker(rig, agent, 'SIGSTOP')
    return agent
  },
}

export const supervisorHangs: Incident = {
  name: 'supervisor-hangs',
  event: 'SIGSTOP to the agent for three seconds',
  times: { long: 2, short: 1 },
  for: apartFromProxy,
  // with iptables its addresses go meanwhile
  allowed: ({ interception }) => (interception === 'nftables' ? { pod: 0, node: 0 } : { pod: 5, node: 5 }),
  async happen(_, agent) {
    agent.kill('SIGSTOP')
    await sleep(3000)
    agent.kill('SIGCONT')
    return agent
  },
}

export const crashLoop: Incident = {
  name: 'crash-loop',
  event: 'SIGKILL to each server as soon as it starts, for five seconds',
  times: { long: 1, short: 1 },
  for: apartFromProxy,
  allowed: () => ({ pod: 1500, node: 1500 }),
  async happen(rig, agent) {
    const end = performance.now() + 5000
    while (performance.now() < end) {
      for (const pid of agent.workers()) process.kill(pid, 'SIGKILL')
      await sleep(50)
    }
    const said = agent.output.length
    await until(rig, 'queries are led here again', 20_000, () => LEADING.test(agent.output.slice(said)))
    return agent
  },
}

export const dirtyUninstall: Incident = {
  name: 'dirty-uninstall',
  event: 'start, SIGKILL to all processes after a random time, uninstall, nothing left behind',
  times: { long: 50, short: 3 },
  allowed: byKill,
  async happen(rig, agent) {
    await agent.killAll()
    const next = rig.launch()
    await sleep(Math.random() * 1200)
    await next.killAll()
    uninstall(rig)
    return next
  },
}

export const endedEarly: Incident = {
  name: 'ended-early',
  event: 'start, SIGTERM after a random time, nothing left behind',
  times: { long: 10, short: 1 },
  for: apartFromProxy,
  allowed: ({ interception }) => (interception === 'nftables' ? { pod: 0, node: 0 } : { pod: 2, node: 20 }),
  async happen(rig, agent) {
    await agent.stop()
    const next = rig.launch()
    await until(rig, 'the agent handles signals', 5000, () => next.output !== '' || listRemains(rig).length > 0)
    await sleep(Math.random() * 800)
    await next.stop()
    assertClean(rig)
    return rig.agent()
  },
}

async function loseWorker(rig: Rig, agent: Agent, signal: NodeJS.Signals): Promise<void> {
  const [victim = 0] = agent.workers()
  process.kill(victim, signal)
  await until(rig, 'another server', 10_000, () => agent.workers().length === 1 && !agent.workers().includes(victim))
  await sleep(1000)
}

function uninstall(rig: Rig): void {
  rig.node.run(process.execPath, join(ROOT, 'src/cli/main.ts'), 'uninstall', '-localip', rig.localIps.join())
  assertClean(rig)
}
