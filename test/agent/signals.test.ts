import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createTestNode, type TestNode, until } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { killLeftovers } from '../kit/process.ts'

const TEMPLATE = `.:53 {
    errors
    bind __PILLAR__LOCAL__DNS__
    health 127.0.0.1:8080 {
        lameduck 30s
    }
    prometheus __PROMETHEUS__ENDPOINT__
    whoami
}
`
const ADDRESS = '169.254.20.10'
const NO_LAMEDUCK = TEMPLATE.replace('30s', '0s')

describe('the end of an agent', { skip: !canMakeNetns }, () => {
  let node: TestNode
  let flags: string[]
  beforeEach(() => {
    node = createTestNode(NO_LAMEDUCK)
    flags = ['-localip', ADDRESS, '-pidfile', node.path('pid')]
  })
  afterEach(() => {
    killLeftovers()
    node.remove()
  })

  const isFree = async () => /^nothing of an agent is left/.test((await node.run('uninstall')).stdout)

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    test(`${signal} ends it with status 0, and nothing stays on the node`, async () => {
      const agent = await node.serve(flags)
      assert.equal(readFileSync(node.path('pid'), 'utf8'), `${agent.pid}\n`)
      agent.kill(signal)
      const { code } = await agent.ended
      assert.equal(code, 0)
      assert.equal(existsSync(node.path('pid')), false)
      assert.equal(await isFree(), true)
    })
  }

  test('a second SIGINT ends it with status 2 at once, and nothing stays on the node', async () => {
    node.write('Corefile.base', TEMPLATE)
    const agent = await node.serve(flags)
    agent.kill('SIGINT')
    await until(() => !existsSync(node.path('pid')), 'the end of the pidfile')
    agent.kill('SIGINT')
    assert.equal((await agent.ended).code, 2)
    assert.equal(await isFree(), true)
  })

  test('the pidfile goes first, then the rules, while the server still answers', async () => {
    node.write('Corefile.base', TEMPLATE)
    const agent = await node.serve(flags)
    agent.kill('SIGTERM')
    await agent.printed(/are not led here any more: the server ends/)
    assert.equal(existsSync(node.path('pid')), false)
    const { stdout } = await node.netns.exec('dig', [`@${ADDRESS}`, 'a.test', '+short', '+timeout=1'])
    assert.doesNotMatch(stdout, /no servers|timed out|refused/)
    agent.kill('SIGQUIT')
    assert.equal((await agent.ended).code, 0)
  })

  test('with -skipteardown link and rules stay', async () => {
    const agent = await node.serve([...flags, '-skipteardown', '-interception', 'iptables-nft'])
    agent.kill('SIGTERM')
    await agent.ended
    assert.match((await node.run('uninstall')).stdout, /^found:\n {2}iptables-nft: [\s\S]*\n {2}link nodelocaldns/)
  })

  test('SIGHUP is nothing, SIGUSR1 a reload', async () => {
    const agent = await node.serve(flags)
    agent.kill('SIGHUP')
    agent.kill('SIGUSR1')
    await agent.printed(/Reloading complete/)
    agent.kill('SIGTERM')
    assert.equal((await agent.ended).code, 0)
  })

  test('-version and -plugins touch nothing', async () => {
    for (const flag of ['-version', '-plugins']) {
      assert.equal((await node.run(...flags, flag)).code, 0)
      assert.equal(existsSync(node.path('Corefile')), false)
      assert.doesNotMatch(node.netns.run('ip', '-brief', 'link'), /nodelocaldns/)
    }
  })

  test('a server that can not start leaves nothing and ends with status 1', async () => {
    node.write('Corefile.base', '.:53 {\n  bind 192.0.2.1\n  whoami\n}\n')
    const { code, stderr } = await node.start(flags).ended
    assert.equal(code, 1)
    assert.match(stderr, /192\.0\.2\.1:53: bind: cannot assign/)
    assert.equal(await isFree(), true)
  })
})

describe('metrics of agents', { skip: !canMakeNetns }, () => {
  test('two agents share all ports; both endpoints have all metrics, from the start', async (context) => {
    const node = createTestNode(NO_LAMEDUCK)
    context.after(() => {
      killLeftovers()
      node.remove()
    })
    const agents = [await node.serve(['-localip', ADDRESS]), await node.serve(['-localip', ADDRESS])]
    for (const port of [9253, 9353]) {
      const { stdout } = await node.netns.exec('curl', ['-s', `http://127.0.0.1:${port}/metrics`])
      for (const type of ['iptables', 'iptables_lock', 'interface_add', 'interface_check', 'configmap']) {
        assert.match(stdout, new RegExp(`^coredns_nodecache_setup_errors_total\\{errortype="${type}"\\} \\d`, 'm'))
      }
      assert.match(stdout, /^corelet_agent_interception\{state="on"\} 1$/m)
      assert.match(stdout, /^corelet_agent_crash_proof\{kind="\w+",traffic="pods"\} 1$/m)
      assert.match(stdout, /^corelet_agent_lock_waits_total 0$/m)
      assert.match(stdout, /^corelet_agent_lock_wait_seconds_total 0$/m)
      assert.match(stdout, /^coredns_build_info\{/m)
    }
    for (const agent of agents) {
      assert.doesNotMatch(agent.stdout, /EADDRINUSE|address already in use/)
      agent.kill('SIGTERM')
      assert.equal((await agent.ended).code, 0)
    }
  })
})
