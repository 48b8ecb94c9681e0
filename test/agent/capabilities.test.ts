import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { createTestNode } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { killLeftovers } from '../kit/process.ts'

const TEMPLATE = '.:53 {\n    bind 0.0.0.0\n    health :8080\n    hosts {\n        192.0.2.1 a.test\n    }\n}\n'

/** A command that runs others as root with these capabilities and no way to more. */
const withOnly = (...capabilities: string[]) => [
  'setpriv',
  `--bounding-set=-all${capabilities.map((each) => `,+${each}`).join('')}`,
  '--inh-caps=-all',
  '--no-new-privs',
]

test('in the network of a pod it needs no capability but that for port 53, and makes nothing', {
  skip: !canMakeNetns,
}, async (context) => {
  const node = createTestNode(TEMPLATE)
  context.after(() => {
    killLeftovers()
    node.remove()
  })
  const off = ['-setupinterface=false', '-setupiptables=false', '-skipteardown=true']
  const agent = node.start(['-localip', '169.254.20.10', ...off], {
    inside: [...node.inside, ...withOnly('net_bind_service')],
  })
  await agent.printed(/^corelet-/m)
  const answer = await node.netns.exec('dig', ['@127.0.0.1', 'a.test', '+short'])
  assert.equal(answer.stdout.trim(), '192.0.2.1')
  assert.doesNotMatch(node.netns.run('ip', '-brief', 'link'), /nodelocaldns/)
  assert.equal(node.netns.run('nft', 'list', 'ruleset'), '')
  agent.kill('SIGTERM')
  assert.equal((await agent.ended).code, 0)
  assert.ok(existsSync(node.path('Corefile')))
  assert.doesNotMatch(agent.stdout + agent.stderr, /\[ERROR\]/)
})

test('on a node it needs two capabilities, and makes and removes all with them', {
  skip: !canMakeNetns,
}, async (context) => {
  const node = createTestNode('.:53 {\n    bind __PILLAR__LOCAL__DNS__\n    whoami\n}\n')
  context.after(() => {
    killLeftovers()
    node.remove()
  })
  const agent = await node.serve(['-localip', '169.254.20.10'], {
    inside: [...node.inside, ...withOnly('net_admin', 'net_bind_service')],
  })
  assert.equal((await node.run('status')).code, 0)
  agent.kill('SIGTERM')
  assert.equal((await agent.ended).code, 0)
  assert.doesNotMatch(agent.stdout + agent.stderr, /\[ERROR\]/)
  assert.equal((await node.run('uninstall')).stdout, 'nothing of an agent is left in this network\n')
})
