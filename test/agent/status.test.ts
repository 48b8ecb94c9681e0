import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createTestNode, type TestNode } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { type Cli, killLeftovers, startCli } from '../kit/process.ts'

const TEMPLATE = `.:53 {
    errors
    cache 30
    bind __PILLAR__LOCAL__DNS__
    hosts {
        192.0.2.1 hot.test
        fallthrough
    }
    forward . 127.0.0.1:5399 /etc/resolv.conf
}
`
const SECRET = '0'.repeat(32)

describe('corelet status', { skip: !canMakeNetns }, () => {
  let node: TestNode
  let agent: Cli
  before(async () => {
    node = createTestNode(TEMPLATE)
    agent = await node.serve(['-localip', '169.254.20.10,10.96.0.10,fd00::a'])
  })
  after(() => {
    killLeftovers()
    node.remove()
  })

  test('says what an agent does and that its addresses are answered by it', async () => {
    for (let i = 0; i < 2; i++) node.netns.run('dig', '@10.96.0.10', 'hot.test', '+short')
    const { code, stdout, stderr } = await node.run('status')
    assert.deepEqual([code, stderr], [0, ''])
    const [, id] = /^agent ([0-9a-f]{8}), process (\d+)\n/.exec(stdout)!
    assert.match(stdout, /^ {2}link +nodelocaldns \((bridge|dummy), up\) with 169\.254\.20\.10 10\.96\.0\.10 fd00::a$/m)
    assert.match(stdout, /^ {2}interception +\S+, on$/m)
    assert.match(stdout, /^ {2}if it dies +pods: kube-proxy has their queries at once; the node: /m)
    assert.match(stdout, /^ {2}upstreams +127\.0\.0\.1:5399 \/etc\/resolv\.conf$/m)
    assert.match(stdout, /^ {2}server +cache [1-9]\d* hits [1-9]\d* misses/m)
    assert.match(stdout, /^ {2}errors +none$/m)
    for (const address of ['169.254.20.10', '10.96.0.10', 'fd00::a']) {
      assert.match(stdout, new RegExp(`^  ${address} +UDP agent ${id}, TCP agent ${id}$`, 'm'))
    }
    assert.match(stdout, /\nqueries are answered by the agent\n$/)
  })

  test('-format json has all of it', async () => {
    const { code, stdout } = await node.run('status', '-format=json')
    const report = JSON.parse(stdout)
    assert.deepEqual([code, report.effective, report.reasons], [0, true, []])
    const [{ id, status, counts }] = report.agents
    assert.equal(status.pid, agent.pid)
    assert.deepEqual(report.asked[0].udp, { agent: id })
    assert.equal(typeof counts.cacheHits, 'number')
  })

  test('asks an address with a secret, as from a pod, and says who answers without one', async () => {
    const { agents } = JSON.parse((await node.run('status', '-format', 'json')).stdout)
    const elsewhere = (...args: string[]) => node.run('status', '-address', '169.254.20.10', ...args)
    assert.equal((await elsewhere('-secret', agents[0].status.secret)).code, 0)
    const wrong = await node.run('status', '-address', '169.254.20.99')
    assert.equal(wrong.code, 1)
    assert.match(wrong.stdout, /169\.254\.20\.99: UDP: /)
  })

  test('a server that is not the agent’s is none, and is named', async () => {
    const other = startCli(['-conf', 'stdin'], {
      inside: node.inside,
      input: '.:5398 {\n  bind 127.0.0.1\n  chaos Other-1.0\n  whoami\n}\n',
    })
    await other.printed(/^corelet-/m)
    const { code, stdout } = await node.run('status', '-address=127.0.0.1', '-dns.port=5398', '-secret', SECRET)
    other.kill('SIGTERM')
    await other.ended
    assert.equal(code, 1)
    assert.match(stdout, /127\.0\.0\.1: UDP: another server answers \(Other-1\.0\)/)
    assert.match(stdout, /127\.0\.0\.1: TCP: another server answers \(Other-1\.0\)/)
  })

  test('an agent that hangs is no good one', async () => {
    agent.kill('SIGSTOP')
    const { code, stdout } = await node.run('status')
    agent.kill('SIGCONT')
    assert.equal(code, 1)
    assert.match(stdout, /agent [0-9a-f]{8} does not answer/)
  })

  test('without an agent it says so', async () => {
    agent.kill('SIGTERM')
    await agent.ended
    const { code, stdout } = await node.run('status')
    assert.deepEqual(
      [code, stdout],
      [1, 'queries are NOT all answered by the agent:\n  no agent lives in this network\n'],
    )
    assert.match((await node.run('status', '-address', '127.0.0.1')).stdout, /127\.0\.0\.1: UDP: \S/)
  })

  test('what leads queries elsewhere is seen, whatever the agent and the rules say', async () => {
    const other = startCli(['-conf', 'stdin'], {
      inside: node.inside,
      input: '.:5398 {\n  bind 127.0.0.1\n  chaos Cluster-1.0\n  whoami\n}\n',
    })
    await other.printed(/^corelet-/m)
    const address = '10.96.0.11'
    const led = 'ip daddr 10.96.0.11 meta l4proto { tcp, udp } th dport 53 dnat to 127.0.0.1:5398'
    node.netns.run('nft', `add table ip nat; add chain ip nat output { type nat hook output priority -100; }`)
    node.netns.run('nft', `add rule ip nat output ${led}`)
    agent = await node.serve(['-localip', address, '-host-traffic=false'])
    const { code, stdout } = await node.run('status')
    assert.equal(code, 1)
    assert.match(stdout, /^ {2}interception +\S+, on$/m)
    assert.match(stdout, /^ {2}10\.96\.0\.11: UDP: another server answers \(Cluster-1\.0\)$/m)
    assert.match(
      stdout,
      /-host-traffic=false\): ask from a pod, with corelet status -address ADDRESS -secret [0-9a-f]{32}$/m,
    )
    other.kill('SIGTERM')
    agent.kill('SIGTERM')
    await agent.ended
  })

  for (const args of [['-format=xml'], ['-address=x'], ['-secret=1'], ['-dns.port=0'], ['more'], ['-nothing']]) {
    test(`${args} is wrong use`, async () => {
      const { code, stderr, stdout } = await node.run('status', ...args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /\nUsage of corelet status:/)
    })
  }
})
