/** The shape of an incident of a node, and what clients lose by it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent } from './agent.ts'
import type { Count } from './client.ts'
import { assertClean } from './remains.ts'
import type { Rig, Setup } from './rig.ts'

/** Queries that clients may lose each time; undefined where the number is only reported. */
export interface Allowed {
  pod: number | undefined
  node: number | undefined
}

export interface Incident {
  name: string
  /** What happens, as the table shows it. */
  event: string
  /** How often in the long form, and in the short one. */
  times: { long: number; short: number }
  /** How a node has to be made for it to matter; any way when left out. */
  for?(setup: Setup): boolean
  allowed(setup: Setup): Allowed
  /** It happens once. @returns the agent that lives from then on @throws (rejects) Error when something other than queries went wrong */
  happen(rig: Rig, agent: Agent): Promise<Agent>
}

/** What the clients of one place lost, and which of their queries the cluster answered. */
export interface Loss {
  sent: number
  udp: number
  tcp: number
  byCluster: number
  /** Milliseconds. */
  worst: number
  p999: number
}

export interface Outcome {
  times: number
  pod: Loss
  node: Loss
  met: boolean
}

/** For what depends on how the agent makes rules, and not on how kube-proxy does. */
export const apartFromProxy = ({ proxy }: Setup): boolean => proxy === 'iptables'

/** Milliseconds between two times. */
const CALM = 500

/** Has an incident happen under the load of a client in a pod and one on the node. */
export async function suffer(rig: Rig, { happen, allowed, ...incident }: Incident): Promise<Outcome> {
  const times = incident.times[rig.form]
  let agent = await rig.agent()
  const clients = await Promise.all([rig.client('pod'), rig.client('node')])
  try {
    for (let time = 0; time < times; time++) {
      await sleep(CALM)
      agent = await happen(rig, agent)
    }
  } catch (error) {
    await Promise.all(clients.map((client) => client.stop()))
    throw error
  }
  await sleep(CALM)
  const [pod, node] = (await Promise.all(clients.map((client) => client.stop()))).map(toLoss) as [Loss, Loss]
  const limits = allowed(rig.setup)
  const holds = ({ udp, tcp }: Loss, limit = Number.POSITIVE_INFINITY) => udp + tcp <= limit * times
  await agent.stop()
  assertClean(rig)
  return { times, pod, node, met: holds(pod, limits.pod) && holds(node, limits.node) }
}

function toLoss({ udp, tcp }: { udp: Count; tcp: Count }): Loss {
  return {
    sent: udp.sent + tcp.sent,
    udp: udp.lost,
    tcp: tcp.lost,
    byCluster: udp.answers.cluster + tcp.answers.cluster,
    worst: Math.max(udp.worst, tcp.worst),
    p999: Math.max(udp.p999, tcp.p999),
  }
}

/** Settles when `look` is true. @throws (rejects) Error after `limit` milliseconds; the short form runs beside other tests and has five times as long */
export async function until(
  rig: Rig,
  what: string,
  limit: number,
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + limit * (rig.form === 'short' ? 5 : 1)
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`)
    await sleep(20)
  }
}
