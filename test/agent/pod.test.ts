import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { createTestNode } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { killLeftovers } from '../kit/process.ts'

const TEMPLATE = '.:53 {\n    bind 0.0.0.0\n    health :8080\n    hosts {\n        192.0.2.1 a.test\n    }\n}\n'

test('in the network of a pod it needs no capability but that for port 53, and makes nothing', {
  skip: !canMakeNetns,
}, async (context) => {
  const node = createTestNode(TEMPLATE)
  context.after(() => {
    killLeftovers()
    node.remove()
  })
  const capabilities = ['--bounding-set=-all,+net_bind_service', '--inh-caps=-all', '--no-new-privs']
  const off = ['-setupinterface=false', '-setupiptables=false', '-skipteardown=true']
  const agent = node.start(['-localip', '169.254.20.10', ...off], {
    inside: [...node.inside, 'setpriv', ...capabilities],
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
