import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AA } from 'corelet/plugin'
import { answering, checkDirectives, startPlugin, toQuery } from 'corelet/plugin/testing'
import any from './index.ts'

test('the directive takes nothing', async () => {
  await checkDirectives(any, [
    ['any'],
    ['any\nany'],
    ['any extra', '2:5 wrong-argument-count'],
    ['any {\n  x\n}', '2:1 unexpected-block'],
  ])
})

test('ANY of any class gets one HINFO of class IN', async () => {
  const { askNow } = await startPlugin(any, 'any')
  for (const qclass of [1, 3]) {
    const reply = askNow(toQuery('eXample.ORG.', 'ANY', { qclass }))
    assert.deepEqual(reply.answers, [
      {
        name: 'eXample.ORG.',
        type: 'HINFO',
        class: 'IN',
        ttl: 8482,
        data: { cpu: 'ANY obsoleted', os: 'See RFC 8482' },
      },
    ])
    assert.deepEqual([reply.rcode, reply.flags & AA, reply.authorities, reply.additionals], [0, 0, [], []])
  }
})

test('other types pass', async () => {
  const { askNow } = await startPlugin(any, 'any')
  const next = answering({})
  for (const type of ['A', 'HINFO', 'TXT']) assert.equal(askNow(toQuery('example.org.', type), next).plugin, 'test')
  assert.equal(next.asked.length, 3)
})
