/** The ways of kube-proxy and of nodes that the agent is told about by flags. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { canMakeNetns } from '../kit/netns.ts'
import { privateMemory } from '../kit/proc.ts'
import { ADDRESSES } from './network.ts'
import { assertClean, listRemains, listRules } from './remains.ts'
import { type Rig, startRig } from './rig.ts'

const { service, local } = ADDRESSES.ipv4

describe('modes', { skip: !canMakeNetns }, () => {
  let rig: Rig
  before(async () => {
    rig = await startRig({ interception: 'nftables', proxy: 'iptables', families: ['ipv4'] })
  })
  after(() => rig.stop())
  afterEach(() => assertClean(rig))

  const answers = async (address: string = service) => [
    await rig.whoAnswers('pod', [address]),
    await rig.whoAnswers('node', [address]),
  ]

  test('IPVS: only the link-local address is served, the service address on kube-ipvs0 is left alone', async () => {
    rig.node.run('ip', 'link', 'add', 'kube-ipvs0', 'type', 'bridge')
    rig.node.run('ip', 'address', 'add', `${service}/32`, 'dev', 'kube-ipvs0')
    const agent = await rig.agent('-localip', `${local},${service},`)
    assert.match(agent.output, /\[WARNING\] -localip: 10\.96\.0\.10 belongs to kube-proxy/)
    assert.deepEqual(
      [await answers(local), await answers()],
      [
        ['agent', 'agent'],
        ['cluster', 'cluster'],
      ],
    )
    await agent.stop()
    assert.match(rig.node.run('ip', '-brief', 'address', 'show', 'dev', 'kube-ipvs0'), new RegExp(`${service}/32`))
    const nothing = rig.launch('-localip', service)
    assert.equal(await nothing.ended, 1)
    assert.match(nothing.output, /-localip: 10\.96\.0\.10 belongs to kube-proxy/)
    rig.node.run('ip', 'link', 'del', 'kube-ipvs0')
  })

  test('an existing link keeps what was on it', async () => {
    rig.node.run('ip', 'link', 'add', 'cbr0', 'type', 'bridge')
    rig.node.run('ip', 'address', 'add', '10.1.9.1/24', 'dev', 'cbr0')
    const args = ['-localip', service, '-interfacename', 'cbr0', '-link-type', 'existing'] as const
    const agent = await rig.agent(...args)
    assert.deepEqual(await answers(), ['agent', 'agent'])
    await agent.stop()
    const shown = rig.node.run('ip', '-brief', 'address', 'show', 'dev', 'cbr0')
    assert.match(shown, /10\.1\.9\.1\/24/)
    assert.doesNotMatch(shown, new RegExp(service))
    rig.node.run('ip', 'link', 'del', 'cbr0')
  })

  for (const interception of ['nftables', 'iptables-nft']) {
    test(`with -host-traffic=false processes of the node ask the cluster (${interception})`, async () => {
      const agent = await rig.agent('-interception', interception, '-host-traffic=false')
      assert.deepEqual(await answers(), ['agent', 'cluster'])
      await agent.stop()
    })
  }

  test('with -rule-position append rules stand behind those of others', async () => {
    const stranger = ['PREROUTING', '-t', 'raw', '-s', '192.0.2.9', '-j', 'ACCEPT'] as const
    rig.node.run('iptables-nft', '-A', ...stranger)
    const agent = await rig.agent('-interception', 'iptables-nft', '-rule-position', 'append')
    assert.match(listRules(rig.node).find((rule) => rule.includes('PREROUTING'))!, /192\.0\.2\.9/)
    assert.deepEqual(await answers(), ['agent', 'agent'])
    await agent.stop()
    rig.node.run('iptables-nft', '-D', ...stranger)
  })

  test('with -setupinterface=false the addresses are those of others', async () => {
    for (const each of rig.localIps) rig.node.run('ip', 'address', 'add', `${each}/32`, 'dev', 'lo')
    const agent = await rig.agent('-setupinterface=false')
    assert.doesNotMatch(listRemains(rig).join('\n'), /^nodelocaldns/m)
    assert.deepEqual(await answers(), ['agent', 'agent'])
    await agent.stop()
    for (const each of rig.localIps) rig.node.run('ip', 'address', 'del', `${each}/32`, 'dev', 'lo')
  })

  test('with -setupiptables=false queries go where others lead them', async () => {
    const agent = rig.launch('-setupiptables=false')
    await agent.printed(/^corelet-/m)
    assert.doesNotMatch(listRemains(rig).join('\n'), /NOTRACK|ACCEPT|corelet/)
    assert.deepEqual(await answers(), ['cluster', 'cluster'])
    assert.deepEqual(await answers(local), ['agent', 'agent'])
    await agent.stop()
  })

  test('the agent takes a few MiB more than a supervisor without one', async () => {
    const agent = await rig.agent()
    const memory = privateMemory(agent.pid)
    assert.ok(memory < 24, `${memory} MiB`)
    await agent.stop()
  })

  test('a link that is to be there and is not is an error, and nothing is left', async () => {
    const agent = rig.launch('-link-type', 'existing', '-interfacename', 'nowhere0')
    assert.notEqual(await agent.ended, 0)
    assert.match(agent.output, /there is no link nowhere0/)
  })
})
