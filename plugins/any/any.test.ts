import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AA } from 'corelet/plugin'
import { answering, readText, startPlugin, toQuery } from 'corelet/plugin/testing'
import any from './index.ts'

test('the directive takes nothing', async () => {
  const cases: [text: string, codes: [code: string, line: number, column: number][]][] = [
    ['any', []],
    ['any\nany', []],
    ['any extra', [['wrong-argument-count', 2, 5]]],
    ['any {\n  x\n}', [['unexpected-block', 2, 1]]],
  ]
  for (const [text, codes] of cases) {
    const { diagnostics } = await readText(any, text)
    assert.deepEqual(
      diagnostics.map(({ code, line, column }) => [code, line, column]),
      codes,
      text,
    )
  }
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
