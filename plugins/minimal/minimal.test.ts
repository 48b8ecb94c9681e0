import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AA, OPTIONS, RCODES } from 'corelet/plugin'
import { checkDirectives, type MessageText, startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import minimal from './index.ts'

const A = 'example.org. 60 IN A 192.0.2.1'
const NS = 'example.org. 60 IN NS ns.example.org.'
const GLUE = 'ns.example.org. 60 IN A 192.0.2.53'
const SOA = 'example.org. 60 IN SOA ns.example.org. host.example.org. 1 2 3 4 5'

const shorten = async (message: MessageText) => {
  const { askNow } = await startPlugin(minimal, 'minimal')
  const query = toQuery('example.org.')
  const reply = toReply(query, message)
  return { reply, shortened: askNow(query, () => reply) }
}

test('the directive takes nothing', async () => {
  await checkDirectives(minimal, [
    ['minimal'],
    ['minimal\nminimal'],
    ['minimal yes', '2:9 wrong-argument-count'],
    ['minimal {\n  x\n}', '2:1 unexpected-block'],
  ])
})

test('a positive answer keeps its answer section, flags and nothing else', async () => {
  const options = [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 3) }]
  const { reply, shortened } = await shorten({
    answers: [A],
    authorities: [NS],
    additionals: [GLUE],
    flags: AA,
    options,
  })
  assert.deepEqual(shortened.answers, reply.answers)
  assert.deepEqual([shortened.authorities, shortened.additionals, shortened.options], [[], [], []])
  assert.deepEqual([shortened.flags, shortened.rcode], [reply.flags, 0])
})

test('denials, delegations and failures pass unchanged, and so does what is minimal already', async () => {
  for (const message of [
    { rcode: RCODES.NXDOMAIN, authorities: [SOA], additionals: [GLUE] },
    { authorities: [SOA], additionals: [GLUE] },
    { authorities: [NS], additionals: [GLUE] },
    { rcode: RCODES.SERVFAIL, authorities: [NS], additionals: [GLUE] },
    { answers: [A] },
  ]) {
    const { reply, shortened } = await shorten(message)
    assert.equal(shortened, reply, JSON.stringify(message))
  }
})

test('silence and failures without a message pass', async () => {
  const { askNow, ask } = await startPlugin(minimal, 'minimal')
  const query = toQuery('example.org.')
  assert.equal(askNow(query, () => query.drop('test', '')).kind, 'drop')
  assert.equal(askNow(query, () => query.fail(RCODES.SERVFAIL, 'test', undefined)).kind, 'failure')
  const waited = await ask(query, async () => toReply(query, { answers: [A], authorities: [NS] }))
  assert.deepEqual(waited.authorities, [])
})
