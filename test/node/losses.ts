/**
 * Has every incident happen to every kind of node, and prints what clients lost: `npm run losses [-- [--short] [--node KIND] [NAME …]]`. As root.
 * Ends with status 1 when more was lost than is allowed.
 */
import { parseArgs } from 'node:util'
import { type Loss, type Outcome, suffer } from './incident.ts'
import { INCIDENTS } from './incidents.ts'
import { type Form, type Setup, startRig } from './rig.ts'

/** Kinds of nodes: how the agent makes rules, and how kube-proxy does. */
const KINDS: Record<string, Setup> = {
  nftables: { interception: 'nftables', proxy: 'iptables', families: ['ipv4', 'ipv6'] },
  'nftables-proxy': { interception: 'nftables', proxy: 'nftables', families: ['ipv4', 'ipv6'] },
  'iptables-nft': { interception: 'iptables-nft', proxy: 'iptables', families: ['ipv4', 'ipv6'] },
  'iptables-legacy': { interception: 'iptables-legacy', proxy: 'iptables', families: ['ipv4', 'ipv6'] },
}

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean' }, node: { type: 'string', multiple: true } },
  allowPositionals: true,
})
const form: Form = values.short ? 'short' : 'long'
const kinds = values.node ?? Object.keys(KINDS)
const chosen = INCIDENTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
console.log('| event | node | times | pods lost | the node lost | by the cluster | slowest 0.1 % ms | |')
console.log('|---|---|---|---|---|---|---|---|')
for (const incident of chosen) {
  for (const kind of kinds) {
    const setup = KINDS[kind]
    if (setup && (incident.for?.(setup) ?? true)) await report(kind, setup, incident)
  }
}

async function report(kind: string, setup: Setup, incident: (typeof INCIDENTS)[number]): Promise<void> {
  const rig = await startRig(setup, form)
  try {
    const outcome = await suffer(rig, incident)
    console.log(`| ${incident.event} | ${kind} | ${toCells(outcome)} |`)
    if (!outcome.met) process.exitCode = 1
  } catch (error) {
    console.log(
      `| ${incident.event} | ${kind} | ${(error as Error).message.replaceAll('\n', ' ').slice(0, 300)} | | | | | FAILED |`,
    )
    process.exitCode = 1
  } finally {
    await rig.stop()
  }
}

function toCells({ times, pod, node, met }: Outcome): string {
  const lost = ({ sent, udp, tcp }: Loss) => `${udp + tcp} of ${sent}${tcp > 0 ? ` (TCP ${tcp})` : ''}`
  const cells = [times, lost(pod), lost(node), pod.byCluster, Math.max(pod.p999, node.p999), met ? '' : 'MISSED']
  return cells.join(' | ')
}
