import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { canMakeNetns, createNetns, type Netns } from '../../test/kit/netns.ts'
import { Link } from './link.ts'
import { NodeError } from './node-error.ts'

describe('link', { skip: !canMakeNetns }, () => {
  let netns: Netns
  before(() => {
    netns = createNetns()
  })
  after(() => netns.remove())

  test('a link of our own comes with its addresses, is mended, and goes', async () => {
    const link = new Link(netns.exec, 'nodelocaldns', 'auto')
    const addresses = ['169.254.20.10', '10.96.0.10', 'fd00:0:0::A']
    assert.ok((await link.ensure(addresses, [])) > 0)
    assert.equal(await link.ensure(addresses, []), 0)
    assert.deepEqual((await link.look())?.addresses, ['169.254.20.10', '10.96.0.10', 'fd00::a'])
    netns.run('ip', 'address', 'del', '10.96.0.10/32', 'dev', 'nodelocaldns')
    netns.run('ip', 'link', 'set', 'nodelocaldns', 'down')
    assert.ok((await link.ensure(addresses, [])) >= 2)
    assert.deepEqual(new Set((await link.look())?.addresses), new Set(['169.254.20.10', '10.96.0.10', 'fd00::a']))
    netns.run('ip', 'link', 'del', 'nodelocaldns')
    assert.ok((await link.ensure(addresses, [])) > 0)
    await link.remove(addresses, [])
    assert.equal((await link.look())?.addresses, undefined)
    await link.remove(addresses, [])
  })

  test('leased addresses stay while they are renewed, and go when they are not', async () => {
    const link = new Link(netns.exec, 'nodelocaldns', 'auto', true)
    const addresses = ['10.96.0.10', 'fd00:96::a']
    await link.ensure(addresses, [])
    for (let time = 0; time < 6; time++) {
      await sleep(500)
      await link.renew(addresses)
    }
    assert.deepEqual((await link.look())?.addresses, addresses)
    assert.equal(await link.ensure(addresses, []), 0)
    while ((await link.look())?.addresses.length);
    await link.remove(addresses, [])
  })

  test('addresses of former times go, those of other agents stay', async () => {
    const link = new Link(netns.exec, 'nodelocaldns', 'bridge')
    await link.ensure(['169.254.25.10', '10.96.0.11'], [])
    await link.ensure(['169.254.20.10'], ['10.96.0.11'])
    assert.deepEqual((await link.look())?.addresses, ['10.96.0.11', '169.254.20.10'])
    await link.remove(['169.254.20.10'], ['10.96.0.11'])
    assert.deepEqual((await link.look())?.addresses, ['10.96.0.11'])
    await link.remove([], [])
    assert.equal((await link.look())?.addresses, undefined)
  })

  test('of an existing link only our addresses are ours', async () => {
    netns.run('ip', 'link', 'add', 'cbr0', 'type', 'bridge')
    netns.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'cbr0')
    netns.run('ip', 'address', 'add', '192.0.2.9/32', 'dev', 'cbr0')
    const link = new Link(netns.exec, 'cbr0', 'existing')
    assert.equal(await link.ensure(['10.96.0.10'], []), 1)
    assert.deepEqual((await link.look())?.addresses, ['192.0.2.9', '10.96.0.10'])
    await link.remove(['10.96.0.10'], [])
    assert.deepEqual((await link.look())?.addresses, ['192.0.2.9'])
    assert.match(netns.run('ip', 'address', 'show', 'dev', 'cbr0'), /192\.0\.2\.1\/24/)
  })

  test('what the kernel refuses is said with node-cache’s label', async () => {
    const problem = (expected: string) => (error: unknown) =>
      error instanceof NodeError && error.problem === expected && error.message !== ''
    await assert.rejects(
      new Link(netns.exec, 'nowhere0', 'existing').ensure(['10.0.0.1'], []),
      problem('interface_check'),
    )
    await assert.rejects(new Link(netns.exec, 'a/b', 'bridge').ensure(['10.0.0.1'], []), problem('interface_add'))
    const fails: Link = new Link(
      (command, args, input) =>
        args.includes('add')
          ? Promise.resolve({ code: 2, stdout: '', stderr: 'no' })
          : netns.exec(command, args, input),
      'x0',
      'dummy',
    )
    await assert.rejects(fails.ensure(['10.0.0.1'], []), problem('interface_add'))
  })
})
