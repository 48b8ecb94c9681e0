/** What shares a node with the agent: the network plugin of AWS, probes of monitoring, an old kernel. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { canMakeNetns } from '../kit/netns.ts'
import { startClient } from './clients.ts'
import { until } from './incident.ts'
import { assertClean } from './remains.ts'
import { type Rig, startRig } from './rig.ts'

/** Share of the queries that may be lost to a machine that has other things to do. */
const NOISE = 0.01

/** What amazon-vpc-cni makes of a node with a pod on its second network card; `veth1` stands for `eni+`, `veth2` for the cards. */
const AWS = {
  rules: [
    'rule add priority 512 to 10.1.0.2 lookup main',
    'rule add priority 1024 fwmark 0x80/0x80 lookup main',
    'rule add priority 1536 from 10.1.0.2 lookup 2',
    'route add default via 10.2.0.2 dev veth2 table 2',
    '',
  ].join('\n'),
  iptables: [
    '*mangle',
    '-A PREROUTING -i veth2 -m comment --comment "AWS, primary ENI" -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-mark 0x80/0x80',
    '-A PREROUTING -i veth1 -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --mask 0x80',
    'COMMIT',
    '*nat',
    ':AWS-CONNMARK-CHAIN-0 - [0:0]',
    ':AWS-SNAT-CHAIN-0 - [0:0]',
    '-A PREROUTING -i veth1 -m comment --comment "AWS, outbound connections" -m state --state NEW -j AWS-CONNMARK-CHAIN-0',
    '-A PREROUTING -m comment --comment "AWS, CONNMARK" -j CONNMARK --restore-mark --mask 0x80',
    '-A AWS-CONNMARK-CHAIN-0 -d 10.0.0.0/8 -j RETURN',
    '-A AWS-CONNMARK-CHAIN-0 -j CONNMARK --set-mark 0x80/0x80',
    '-A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0',
    '-A AWS-SNAT-CHAIN-0 -d 10.0.0.0/8 -j RETURN',
    '-A AWS-SNAT-CHAIN-0 ! -o vlan+ -m addrtype ! --dst-type LOCAL -j SNAT --to-source 10.2.0.1 --random-fully',
    'COMMIT',
    '',
  ].join('\n'),
}

for (const interception of ['nftables', 'iptables-legacy'] as const) {
  describe(`beside an agent with ${interception}`, { skip: !canMakeNetns }, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig({ interception, proxy: 'iptables', families: ['ipv4'] })
    })
    after(() => rig.stop())
    afterEach(() => assertClean(rig))

    const answers = async () => [await rig.whoAnswers('pod', rig.services), await rig.whoAnswers('node', rig.services)]
    const entries = () => rig.node.run('sh', '-c', `conntrack -L --orig-dst ${rig.services} 2>/dev/null`)

    test('probes of monitoring: many short queries of the node over UDP and TCP, which leave nothing behind', async () => {
      const agent = await rig.agent()
      const client = await startClient(rig.node, { addresses: rig.services, udpRate: 400, tcpRate: 400 })
      await sleep(2500)
      const { udp, tcp } = await client.stop()
      assert.ok(udp.sent > 500 && tcp.sent > 500)
      assert.ok(udp.lost + tcp.lost <= NOISE * (udp.sent + tcp.sent), JSON.stringify([udp, tcp]))
      assert.deepEqual([udp.answers.cluster, tcp.answers.cluster, entries()], [0, 0, ''])
      const connections = () => rig.node.run('ss', '-Htan', 'state', 'connected', 'src', `${rig.services}:53`)
      await until(rig, 'no connection is open at the server', 1000, () => connections() === '')
      assert.doesNotMatch(agent.output, /are not led here/)
      await agent.stop()
    })

    test('the routes and marks of the network plugin of AWS', async () => {
      const restore = `${interception === 'nftables' ? 'iptables-nft' : interception}-restore`
      rig.node.feed(AWS.rules, 'ip', '-batch', '-')
      rig.node.feed(AWS.iptables, restore, '--noflush')
      assert.deepEqual(await answers(), ['cluster', 'cluster'])
      const agent = await rig.agent()
      assert.deepEqual(await answers(), ['agent', 'agent'])
      await agent.killAll()
      await until(rig, 'the cluster answers', 3000, async () => (await answers()).join() === 'cluster,cluster')
      const next = await rig.agent()
      assert.deepEqual(await answers(), ['agent', 'agent'])
      await next.stop()
      assert.deepEqual(await answers(), ['cluster', 'cluster'])
    })

    test('a kernel that can not look for sockets: pods, too, take the other way soon after a kill', {
      skip: interception === 'nftables',
    }, async () => {
      const folder = join(rig.node.runFolder, 'old-iptables')
      mkdirSync(folder)
      const command = `${interception}-restore`
      const script = `#!/bin/sh\nrules=$(cat)\ncase "$rules" in *'-m socket'*) echo "Couldn't load match" >&2; exit 2;; esac\necho "$rules" | /usr/sbin/${command} "$@"\n`
      writeFileSync(join(folder, command), script, { mode: 0o755 })
      const { PATH } = process.env
      process.env['PATH'] = `${folder}:${PATH}`
      try {
        const agent = await rig.agent()
        assert.doesNotMatch(rig.node.run(`${interception}-save`, '-t', 'raw'), /socket/)
        assert.deepEqual(await answers(), ['agent', 'agent'])
        await agent.killAll()
        await until(rig, 'the cluster answers', 3000, async () => (await answers()).join() === 'cluster,cluster')
        await (await rig.agent()).stop()
      } finally {
        process.env['PATH'] = PATH
      }
    })
  })
}
