import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { createTestNode, type TestNode, until } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { type Cli, killLeftovers, startCli } from '../kit/process.ts'

const ADDRESS = '169.254.20.10'

/** @param answer of `a.test` @param more lines of the block */
const template = (answer: string, more = '') => `.:53 {
    errors
    reload
    bind __PILLAR__LOCAL__DNS__
    hosts {
        ${answer} a.test
        fallthrough
    }
    ${more}
}
`

describe('the Corefile of an agent', { skip: !canMakeNetns }, () => {
  let node: TestNode
  let agent: Cli
  before(async () => {
    node = createTestNode(template('192.0.2.1'))
    agent = await node.serve(['-localip', ADDRESS, '-custom-corefiles', node.path('.')])
  })
  after(() => {
    killLeftovers()
    node.remove()
  })

  const ask = async (name: string) => {
    const words = [`@${ADDRESS}`, name, '+short', '+timeout=1', '+tries=1']
    return (await node.netns.exec('dig', words)).stdout.trim()
  }
  const answers = (name: string, address: string) =>
    until(async () => (await ask(name)) === address, `the answer ${address} for ${name}`)
  const logged = (pattern: RegExp) => until(() => pattern.test(agent.stdout), `a log line ${pattern}`)
  const configmapErrors = async () => {
    const { stdout } = await node.netns.exec('curl', ['-s', 'http://127.0.0.1:9353/metrics'])
    return Number(/^coredns_nodecache_setup_errors_total\{errortype="configmap"\} (\d+)$/m.exec(stdout)?.[1])
  }

  test('a template that changes is used at once, without a restart', async () => {
    assert.equal(await ask('a.test'), '192.0.2.1')
    node.write('Corefile.base', template('192.0.2.2'))
    await answers('a.test', '192.0.2.2')
    assert.doesNotMatch(agent.stdout, /not led here/)
  })

  test('one that the server would refuse is not used: said, counted, the last one stays', async () => {
    const before = readFileSync(node.path('Corefile'), 'utf8')
    node.write('Corefile.base', template('192.0.2.3', 'cahe 30'))
    await logged(/Unknown directive 'cahe'[\s\S]*\[unknown-directive\]/)
    assert.equal(await configmapErrors(), 1)
    assert.equal(readFileSync(node.path('Corefile'), 'utf8'), before)
    assert.equal(await ask('a.test'), '192.0.2.2')
    node.write('Corefile.base', template('192.0.2.4'))
    await answers('a.test', '192.0.2.4')
    assert.equal(await configmapErrors(), 1)
  })

  test('custom files take effect when they come and when they change', async () => {
    const server = (address: string) => `b.test {\n  bind ${ADDRESS}\n  hosts {\n    ${address} b.test\n  }\n}\n`
    node.write('b.server', server('192.0.2.5'))
    await answers('b.test', '192.0.2.5')
    node.write('b.server', server('192.0.2.6'))
    await answers('b.test', '192.0.2.6')
  })

  test('nameservers in a file are followed when it changes, and this server is none of them', async () => {
    const serve = async (address: string, answer: string) => {
      const input = `.:53 {\n  bind ${address}\n  hosts {\n    ${answer} c.test\n  }\n}\n`
      const upstream = startCli(['-conf', 'stdin'], { inside: node.inside, input })
      await upstream.printed(/^corelet-/m)
    }
    await serve('127.0.0.2', '192.0.2.7')
    await serve('127.0.0.3', '192.0.2.8')
    node.write('resolv.conf', `nameserver ${ADDRESS}\nnameserver 127.0.0.2\n`)
    node.write('Corefile.base', template('192.0.2.4', `forward . ${node.path('resolv.conf')}\n    loop`))
    await answers('c.test', '192.0.2.7')
    await logged(/resolv\.conf lists 169\.254\.20\.10, which is this server: it is left out/)
    node.write('resolv.conf', `nameserver ${ADDRESS}\nnameserver 127.0.0.3\n`)
    await answers('c.test', '192.0.2.8')
    assert.doesNotMatch(agent.stdout, /Loop \(/)
  })
})

for (const [flags, applied] of [
  [[], false],
  [['-reloadwithsignal'], true],
] as const) {
  test(`without reload a new Corefile is ${applied ? '' : 'not '}read with ${flags.join() || 'no flag'}`, {
    skip: !canMakeNetns,
  }, async (context) => {
    const withoutReload = (answer: string) => template(answer).replace('    reload\n', '')
    const node = createTestNode(withoutReload('192.0.2.1'))
    context.after(() => {
      killLeftovers()
      node.remove()
    })
    const agent = await node.serve(['-localip', ADDRESS, ...flags])
    node.write('Corefile.base', withoutReload('192.0.2.2'))
    await until(() => readFileSync(node.path('Corefile'), 'utf8').includes('192.0.2.2'), 'the Corefile')
    if (applied) await agent.printed(/Reloading complete/)
    const { stdout } = await node.netns.exec('dig', [`@${ADDRESS}`, 'a.test', '+short'])
    assert.equal(stdout.trim(), applied ? '192.0.2.2' : '192.0.2.1')
    assert.equal(/Reloading/.test(agent.stdout), applied)
  })
}
