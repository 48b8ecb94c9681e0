import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { canMakeNetns, createNetns, type Netns } from '../../test/kit/netns.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import type { Exec } from './exec.ts'
import { createInterception, removeLeftovers } from './interception.ts'
import { Iptables } from './iptables.ts'
import { findIptables } from './iptables-flavour.ts'
import { listTables } from './nftables.ts'
import type { Interception } from './options.ts'
import { formatRule, listRules } from './rules.ts'

const OWN = ['169.254.20.10', 'fd00::a']
const OPTIONS = {
  rulePosition: 'insert',
  hostTraffic: true,
  dnsPort: 53,
  healthPort: 8080,
  linkType: 'auto',
  skipTeardown: false,
} as const
const MATCHES = { socketMatch: false, typeMatch: false }

const create = (netns: Netns, interception: Interception, exec: Exec = netns.exec) =>
  createInterception(exec, netns.start, { ...OPTIONS, interception })

const BOTH = { own: OWN, led: OWN, others: [] as string[] }

/** The rules of a flavour, without counters and comments of the tool. */
function rulesOf(netns: Netns, flavour: 'nft' | 'legacy', family = ''): string[] {
  const text = ['raw', 'filter'].map((table) => netns.run(`ip${family}tables-${flavour}-save`, '-t', table)).join('')
  return text.split('\n').filter((line) => line.startsWith('-A'))
}

for (const flavour of ['nft', 'legacy'] as const) {
  describe(`iptables-${flavour}`, { skip: !canMakeNetns }, () => {
    let netns: Netns
    before(() => {
      netns = createNetns()
    })
    after(() => netns.remove())

    test('rules come once for each address, are kept, and go', async () => {
      const interception = await create(netns, `iptables-${flavour}`)
      assert.equal(interception.kind, `iptables-${flavour}`)
      assert.deepEqual(interception.crashProof, { pods: 'at once', host: 'soon' })
      assert.equal(interception.wantsLease, true)
      assert.equal(await interception.ensure(BOTH), 28)
      assert.equal(rulesOf(netns, flavour).length, 14)
      assert.equal(rulesOf(netns, flavour, '6').length, 14)
      assert.match(
        rulesOf(netns, flavour).join('\n'),
        /PREROUTING -d 169\.254\.20\.10\/32 -p udp .*-m socket -m addrtype --dst-type LOCAL .*NOTRACK/,
      )
      assert.equal(await interception.ensure(BOTH), 0)

      netns.run(`iptables-${flavour}`, '-t', 'raw', '-F')
      assert.equal(await interception.ensure(BOTH), 10, 'a flush is mended')
      netns.run(`iptables-${flavour}`, '-t', 'raw', '-I', 'PREROUTING', '-s', '192.0.2.1', '-j', 'DROP')
      assert.equal(await interception.ensure(BOTH), 2, 'rules are moved in front of those of others')

      assert.equal(await interception.ensure({ ...BOTH, led: [OWN[1]!] }), 4, 'new queries are led here no more')
      assert.equal(rulesOf(netns, flavour).length, 11)
      assert.equal(rulesOf(netns, flavour, '6').length, 14)
      await interception.remove({ own: OWN, others: [OWN[1]!] })
      assert.equal(rulesOf(netns, flavour).length, 1)
      assert.equal(rulesOf(netns, flavour, '6').length, 14, 'others need theirs')
      await interception.remove(BOTH)
      assert.equal(rulesOf(netns, flavour, '6').length, 0)
    })

    test('who puts rules in front again and again is not fought for ever', async () => {
      const clock = new FakeClock()
      const commands = (await findIptables(netns.exec, flavour))!
      const iptables = new Iptables(netns.exec, commands, 'insert', clock)
      const wanted = listRules(OWN[0]!, { ...OPTIONS, ...MATCHES }, true)
      await iptables.ensure(wanted, OWN, [])
      const moved: number[] = []
      for (let time = 0; time < 7; time++) {
        netns.run(`iptables-${flavour}`, '-I', 'INPUT', '-s', '192.0.2.1', '-j', 'DROP')
        moved.push((await iptables.ensure(wanted, OWN, [])).misplaced)
      }
      assert.deepEqual(moved, [2, 2, 2, 2, 2, 0, 0])
      await clock.advance(300_000)
      assert.equal((await iptables.ensure(wanted, OWN, [])).misplaced, 2)
      await iptables.ensure([], OWN, [])
      netns.run(`iptables-${flavour}`, '-F')
    })

    test('thousands of rules of a predecessor are removed, those of strangers are not', async () => {
      const [rule] = listRules(OWN[0]!, { ...OPTIONS, ...MATCHES }, true)
      const commented = `-A ${formatRule(rule!)}\n`.repeat(3000)
      const bare = `-A ${formatRule(rule!).replace(/-m comment .*" /, '')}\n`
      const restored = await netns.exec(
        `iptables-${flavour}-restore`,
        ['--noflush'],
        `*raw\n${commented}${bare}COMMIT\n`,
      )
      assert.equal(restored.code, 0, restored.stderr)
      const names = netns.run('cat', '/proc/self/net/ip_tables_names')
      await removeLeftovers(netns.exec, OWN, [], async () => names)
      assert.deepEqual(rulesOf(netns, flavour), ['-A PREROUTING -s 192.0.2.1/32 -j DROP'])
    })
  })
}

describe('nftables', { skip: !canMakeNetns }, () => {
  let netns: Netns
  before(() => {
    netns = createNetns()
  })
  after(() => netns.remove())

  test('the switch is in a table that nobody else can flush, and goes with its keeper', async () => {
    const interception = await create(netns, 'nftables')
    assert.deepEqual(interception.crashProof, { pods: 'at once', host: 'at once' })
    assert.equal(interception.wantsLease, false)
    assert.ok((await interception.ensure(BOTH)) > 0)
    assert.equal(await interception.ensure(BOTH), 0)
    const [table] = await listTables(netns.exec)
    assert.equal((await netns.exec('nft', ['delete', 'table', 'inet', table!])).code, 1)
    netns.run('nft', 'flush', 'ruleset')
    const rules = netns.run('nft', 'list', 'table', 'inet', table!)
    assert.match(rules, /ip daddr 169\.254\.20\.10 udp dport 53 fib daddr type local socket wildcard 0 notrack/)
    assert.match(rules, /ip6 daddr fd00::a tcp dport 8080 notrack/)
    assert.ok((await interception.ensure(BOTH)) > 0, 'what iptables has to accept was flushed, and comes back')
    assert.equal(rulesOf(netns, 'nft').length, 4)
    await interception.remove(BOTH)
    assert.deepEqual([await listTables(netns.exec), rulesOf(netns, 'nft')], [[], []])
  })

  test('when the keeper is killed its rules are gone, and come back', async () => {
    const pids: number[] = []
    const start: Netns['start'] = (command, args) => {
      const child = netns.start(command, args)
      pids.push(child.pid!)
      return child
    }
    const interception = await createInterception(netns.exec, start, { ...OPTIONS, interception: 'nftables' })
    await interception.ensure(BOTH)
    process.kill(pids[0]!, 'SIGKILL')
    while ((await listTables(netns.exec)).length > 0);
    while ((await interception.ensure(BOTH)) === 0);
    assert.equal((await listTables(netns.exec)).length, 1)
    await interception.remove(BOTH)
  })

  test('two agents have a table each', async () => {
    const shared = { own: OWN, led: OWN, others: OWN }
    const [a, b] = await Promise.all([create(netns, 'auto'), create(netns, 'auto')])
    assert.equal(a!.kind, 'nftables')
    await a!.ensure(shared)
    await b!.ensure(shared)
    await a!.remove(shared)
    assert.equal((await listTables(netns.exec)).length, 1)
    assert.equal(rulesOf(netns, 'nft').length, 4)
    await b!.remove(BOTH)
    assert.deepEqual([await listTables(netns.exec), rulesOf(netns, 'nft')], [[], []])
  })
})

describe('what is chosen', { skip: !canMakeNetns }, () => {
  let netns: Netns
  before(() => {
    netns = createNetns()
  })
  after(() => netns.remove())

  const without =
    (pattern: RegExp): Exec =>
    (command, args, input) =>
      pattern.test(command) ? Promise.resolve({ code: 127, stdout: '', stderr: '' }) : netns.exec(command, args, input)

  test("the kubelet's chain tells the flavour of iptables", async () => {
    assert.equal((await findIptables(netns.exec))?.flavour, 'nft')
    netns.run('iptables-legacy', '-t', 'mangle', '-N', 'KUBE-KUBELET-CANARY')
    assert.equal((await findIptables(netns.exec))?.flavour, 'legacy')
    netns.run('ip6tables-nft', '-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT')
    assert.equal((await findIptables(netns.exec))?.flavour, 'nft')
    assert.equal((await findIptables(without(/-nft/)))?.flavour, 'legacy')
    assert.equal(await findIptables(without(/iptables|ip6tables/)), undefined)
  })

  test('auto takes what there is', async () => {
    assert.equal((await create(netns, 'auto', without(/^nft$/))).kind, 'iptables-nft')
    assert.equal((await create(netns, 'auto', without(/tables/))).kind, 'nftables')
    await assert.rejects(create(netns, 'auto', without(/nft|tables/)), /no such command/)
    await assert.rejects(create(netns, 'nftables', without(/^nft$/)), /nftables/)
    await assert.rejects(create(netns, 'iptables-legacy', without(/legacy/)), /iptables-legacy/)
    assert.equal((await create(netns, 'none', without(/./))).kind, 'none')
  })

  for (const [missing, pattern, pods, host] of [
    ['sockets', /socket/, 'soon', 'soon'],
    ['addresses', /addrtype/, 'at once', 'never'],
    ['either', /socket|addrtype/, 'never', 'never'],
  ] as const) {
    test(`a kernel that can not look for ${missing} gets rules that do not`, async () => {
      const exec: Exec = (command, args, input) =>
        pattern.test(input ?? '')
          ? Promise.resolve({ code: 1, stdout: '', stderr: "can't" })
          : netns.exec(command, args, input)
      const interception = await create(netns, 'iptables-nft', exec)
      assert.deepEqual(interception.crashProof, { pods, host })
      assert.equal(interception.wantsLease, missing === 'sockets')
      assert.equal(await interception.ensure({ ...BOTH, own: [OWN[0]!] }), 14)
      await interception.remove(BOTH)
    })
  }

  for (const [why, options, pods, host] of [
    ['addresses are those of others', { linkType: 'none' }, 'at once', 'never'],
    ['all is to stay', { skipTeardown: true }, 'at once', 'never'],
    ['processes of the node are left alone', { hostTraffic: false }, 'at once', 'at once'],
  ] as const) {
    test(`no address goes by itself where ${why}`, async () => {
      const interception = await createInterception(netns.exec, netns.start, {
        ...OPTIONS,
        ...options,
        interception: 'iptables-nft',
      })
      assert.deepEqual([interception.crashProof, interception.wantsLease], [{ pods, host }, false])
    })
  }
})
