import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createTestNode, type TestNode } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { killLeftovers, MAIN } from '../kit/process.ts'

const TEMPLATE = '.:53 {\n    bind __PILLAR__LOCAL__DNS__\n    whoami\n}\n'
const ADDRESSES = '169.254.20.10,10.96.0.10'
const MATCH = '-d 10.96.0.10/32 -p udp -m udp --dport 53'
const COMMENT = '-m comment --comment "NodeLocal DNS Cache: skip conntrack"'
const PROOF = 'nothing of an agent is left in this network\n'

describe('corelet uninstall', { skip: !canMakeNetns }, () => {
  let node: TestNode
  beforeEach(() => {
    node = createTestNode(TEMPLATE)
  })
  afterEach(() => {
    killLeftovers()
    node.remove()
  })

  /** All rules, tables and links but the loopback. */
  async function everything(): Promise<string[]> {
    const saves = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'].flatMap((name) =>
      ['raw', 'filter'].map((table) => node.netns.exec(`${name}-save`, ['-t', table])),
    )
    const rules = (await Promise.all(saves)).flatMap(({ stdout }) => stdout.match(/^-A.*/gm) ?? [])
    const tables = node.netns.run('nft', 'list', 'tables', 'inet').match(/.+/g) ?? []
    const links = node.netns.run('ip', '-brief', 'link').match(/^(?!lo ).+/gm) ?? []
    return [...rules, ...tables, ...links]
  }

  const restore = (command: string, rules: string) =>
    node.netns
      .exec(command, ['--noflush'], `*raw\n${rules}COMMIT\n`)
      .then(({ code, stderr }) => assert.equal(code, 0, stderr))

  test('a node without an agent has nothing to remove', async () => {
    assert.deepEqual(await node.run('uninstall'), { code: 0, stdout: PROOF, stderr: '' })
  })

  for (const kind of ['nftables', 'iptables-nft', 'iptables-legacy']) {
    test(`what a killed agent with ${kind} leaves is removed, all of it`, async () => {
      const agent = await node.serve(['-localip', `${ADDRESSES},fd00::a`, '-interception', kind])
      agent.kill('SIGKILL')
      await agent.ended
      assert.notDeepEqual(await everything(), [])
      const dry = await node.run('uninstall', '-dry-run')
      assert.equal(dry.code, 0)
      assert.match(
        dry.stdout,
        /^would be removed:\n.* link nodelocaldns \(\w+\) with 169\.254\.20\.10 10\.96\.0\.10 fd00::a$/ms,
      )
      assert.notDeepEqual(await everything(), [])
      const { code, stdout, stderr } = await node.run('uninstall')
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /^found:\n(?: {2}.*\n)+nothing of an agent is left in this network\n$/)
      assert.deepEqual(await everything(), [])
      assert.equal((await node.run('uninstall')).stdout, PROOF)
    })
  }

  test('rules of node-cache go in either spelling and flavour, those of others stay', async () => {
    node.netns.run('ip', 'link', 'add', 'nodelocaldns', 'type', 'bridge')
    node.netns.run('ip', 'address', 'add', '10.96.0.10/32', 'dev', 'nodelocaldns')
    const strange = '-A PREROUTING -d 10.96.0.99/32 -p udp -m udp --dport 53 -j CT --notrack'
    for (const flavour of ['nft', 'legacy']) {
      const old = `-A PREROUTING ${MATCH} -j NOTRACK\n`
      const fresh = `-A PREROUTING ${MATCH} ${COMMENT} -j NOTRACK\n`
      await restore(`iptables-${flavour}-restore`, `${old}${fresh.repeat(500)}${strange}\n`)
    }
    const { code, stdout } = await node.run('uninstall')
    assert.equal(code, 0)
    assert.match(stdout, /iptables-legacy: -t raw -A PREROUTING .* \(500 times\)\n/)
    assert.deepEqual(await everything(), [strange, strange])
  })

  test('the chain of an agent that was killed while it tried what the kernel knows goes', async () => {
    for (const flavour of ['nft', 'legacy']) {
      await restore(`iptables-${flavour}-restore`, ':CORELET-PROBE - [0:0]\n-A CORELET-PROBE -p udp -j RETURN\n')
      const { code, stdout } = await node.run('uninstall')
      assert.equal(code, 0)
      assert.equal(stdout, `found:\n  iptables-${flavour}: -t raw -N CORELET-PROBE\n${PROOF}`)
      assert.deepEqual(await everything(), [])
    }
  })

  test('an address that only the caller knows is freed of rules without comments', async () => {
    await restore('iptables-nft-restore', `-A PREROUTING ${MATCH} -j NOTRACK\n`)
    assert.equal((await node.run('uninstall')).stdout, PROOF)
    assert.match((await node.run('uninstall', '-localip', ADDRESSES)).stdout, /^found:\n {2}iptables-nft: .*\n/)
    assert.deepEqual(await everything(), [])
  })

  test('of an existing link only the addresses of the agent go', async () => {
    node.netns.run('ip', 'link', 'add', 'cbr0', 'type', 'bridge')
    node.netns.run('ip', 'address', 'add', '192.0.2.1/32', 'dev', 'cbr0')
    node.netns.run('ip', 'address', 'add', '10.96.0.10/32', 'dev', 'cbr0')
    const flags = ['-link-type', 'existing', '-interfacename', 'cbr0', '-localip', ADDRESSES]
    const { code, stdout } = await node.run('uninstall', ...flags, '-upstreamsvc', 'a flag of the agent')
    assert.deepEqual([code, stdout], [0, `found:\n  address 10.96.0.10 on the link cbr0\n${PROOF}`])
    assert.match(node.netns.run('ip', 'address', 'show', 'dev', 'cbr0'), /192\.0\.2\.1/)
  })

  test('a link that no agent makes is never removed', async () => {
    node.netns.run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1')
    node.netns.run('ip', 'address', 'add', '192.0.2.1/32', 'dev', 'eth0')
    assert.equal((await node.run('uninstall', '-interfacename', 'eth0')).stdout, PROOF)
    assert.match(node.netns.run('ip', 'address', 'show', 'dev', 'eth0'), /192\.0\.2\.1/)
  })

  test('a living agent is left alone without -force, and puts things back with it', async () => {
    const agent = await node.serve(['-localip', ADDRESSES])
    const before = await everything()
    const refused = await node.run('uninstall')
    assert.equal(refused.code, 1)
    assert.match(refused.stdout, new RegExp(`end it first, or use -force\n  agent \\w+, process ${agent.pid}, .*\n$`))
    assert.deepEqual(await everything(), before)
    const forced = await node.run('uninstall', '-force')
    assert.match(forced.stdout, /agents that live, and put back what they miss:\n {2}agent/)
    agent.kill('SIGTERM')
    await agent.ended
  })

  test('what may not be looked at is no proof', async () => {
    const words = ['--bounding-set=-net_admin', process.execPath, MAIN, 'uninstall']
    const { code, stdout, stderr } = await node.netns.exec('setpriv', words)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^iptables-nft-save: .*Permission denied/)
  })

  for (const word of ['-interfacename=a-name-that-is-too-long', '-localip=x', '-link-type=tap', 'more', '-nothing']) {
    test(`${word} is wrong use`, async () => {
      const { code, stdout, stderr } = await node.run('uninstall', word)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /\nUsage of corelet uninstall:/)
    })
  }
})
