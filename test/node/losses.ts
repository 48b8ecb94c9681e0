/**
 * Has every incident happen to every kind of node, and prints what clients lost, as the rows of docs/node-local.md:
 * `npm run losses [-- [--short] [--kinds KIND,…] [NAME …]]`. As root, for 20 minutes. Ends with status 1 when more was lost than is allowed.
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type Loss, type Outcome, suffer } from './incident.ts'
import { INCIDENTS } from './incidents.ts'
import { type Form, type Rig, type Setup, startRig } from './rig.ts'

/** Kinds of nodes: how the agent makes rules, and how kube-proxy does. */
const KINDS: Readonly<Record<string, Setup>> = {
  nftables: { interception: 'nftables', proxy: 'iptables', families: ['ipv4', 'ipv6'] },
  'nftables-proxy': { interception: 'nftables', proxy: 'nftables', families: ['ipv4', 'ipv6'] },
  'iptables-nft': { interception: 'iptables-nft', proxy: 'iptables', families: ['ipv4', 'ipv6'] },
  'iptables-legacy': { interception: 'iptables-legacy', proxy: 'iptables', families: ['ipv4', 'ipv6'] },
}

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean' }, kinds: { type: 'string' } },
  allowPositionals: true,
})
const form: Form = values.short ? 'short' : 'long'
const kinds = values.kinds?.split(',') ?? Object.keys(KINDS)
const names = INCIDENTS.map(({ name }) => name)
const unknown = [...kinds.filter((each) => !(each in KINDS)), ...positionals.filter((each) => !names.includes(each))]
if (unknown.length > 0) {
  console.error(
    `not known: ${unknown.join(' ')}\nkinds: ${Object.keys(KINDS).join(' ')}\nincidents: ${names.join(' ')}`,
  )
  process.exit(2)
}
/** What a signal must not leave behind. */
let rig: Rig | undefined
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await rig?.stop()
    process.exit(1)
  })
}
const begun = performance.now()
console.log('| event | node | times | pods lost | the node lost | answered by the cluster | slowest 0.1 %, ms | |')
console.log('|---|---|---|---|---|---|---|---|')
for (const incident of INCIDENTS) {
  if (positionals.length > 0 && !positionals.includes(incident.name)) continue
  for (const kind of kinds) {
    const setup = KINDS[kind]!
    if (incident.for?.(setup) ?? true) await report(kind, setup, incident)
  }
}
const minutes = Math.round((performance.now() - begun) / 60_000)
console.error(
  `${minutes} minutes; load ${loadavg()
    .map((each) => each.toFixed(1))
    .join(' ')}`,
)

async function report(kind: string, setup: Setup, incident: (typeof INCIDENTS)[number]): Promise<void> {
  rig = await startRig(setup, form)
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
