/** What happens to a node, and what its clients lose by it: each incident once or twice, `npm run losses` has more. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { canMakeNetns } from '../kit/netns.ts'
import { startClient } from './clients.ts'
import { abandoned, killed, workerKilled } from './deaths.ts'
import { type Incident, suffer } from './incident.ts'
import { addressRemoved, flushed, leftovers, locked } from './interference.ts'
import { restart, surge } from './planned.ts'
import { type Rig, type Setup, startRig } from './rig.ts'

/** Share of the queries that may be lost more than in a quiet place: tests run beside others. */
const NOISE = 0.05

const CHOSEN: [setup: Setup, incidents: readonly Incident[]][] = [
  [
    { interception: 'nftables', proxy: 'iptables', families: ['ipv4', 'ipv6'] },
    [restart, surge, killed, workerKilled, addressRemoved, flushed, leftovers],
  ],
  [{ interception: 'nftables', proxy: 'nftables', families: ['ipv4'] }, [restart]],
  [{ interception: 'iptables-legacy', proxy: 'iptables', families: ['ipv4'] }, [locked, abandoned, addressRemoved]],
  [{ interception: 'iptables-nft', proxy: 'iptables', families: ['ipv6'] }, [flushed]],
]

for (const [setup, incidents] of CHOSEN) {
  describe(`${setup.interception}, kube-proxy with ${setup.proxy}, ${setup.families}`, { skip: !canMakeNetns }, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig(setup)
    })
    after(() => rig.stop())

    for (const incident of incidents) {
      test(incident.event, async () => {
        const outcome = await suffer(rig, incident)
        const limits = incident.allowed(setup)
        for (const where of ['pod', 'node'] as const) {
          const { udp, tcp, sent } = outcome[where]
          assert.ok(udp + tcp <= (limits[where] ?? sent) * outcome.times + NOISE * sent, JSON.stringify(outcome))
        }
      })
    }
  })
}

test('10,000 queries of a pod leave no trace in connection tracking', { skip: !canMakeNetns }, async () => {
  const rig = await startRig({ interception: 'nftables', proxy: 'iptables', families: ['ipv4', 'ipv6'] })
  const entries = (family: string, address: string) =>
    rig.node.run('sh', '-c', `conntrack -L -f ${family} --orig-dst ${address} 2>/dev/null`)
  try {
    const [ipv4 = '', ipv6 = ''] = rig.services
    assert.equal(await rig.whoAnswers('pod', rig.services), 'cluster')
    assert.match(entries('ipv4', ipv4), /udp/, 'what the cluster answers is tracked')
    await rig.agent()
    rig.node.run('conntrack', '-F')
    const total = { agent: 0, cluster: 0 }
    while (total.agent < 10_000) {
      const client = await startClient(rig.pod, { addresses: rig.services, udpRate: 3000, tcpRate: 60 })
      await sleep(2000)
      const { udp, tcp } = await client.stop()
      assert.ok(udp.answers.agent > 0 && tcp.answers.agent > 0)
      for (const who of ['agent', 'cluster'] as const) total[who] += udp.answers[who] + tcp.answers[who]
    }
    assert.equal(total.cluster, 0)
    assert.equal(entries('ipv4', ipv4) + entries('ipv6', ipv6), '')
  } finally {
    await rig.stop()
  }
})
