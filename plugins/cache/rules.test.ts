/** Rules of RFCs about what an answer may be used for, and for how long. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { FakeClock, fakeContext, startPlugin, toQuery, type toReply } from 'corelet/plugin/testing'
import cache from './index.ts'
import { A, brief, NAME, NODATA, NX, SOA, start, upstream } from './testing.ts'

describe('records of another name in an answer are never an answer to that name (RFC 5452 §6)', () => {
  const VICTIM = 'bank.test.'
  const forged = `${VICTIM} 300 IN A 203.0.113.66`
  const cases: [what: string, message: Parameters<typeof toReply>[1]][] = [
    ['in the answer', { answers: [A(300), forged] }],
    ['behind a CNAME', { answers: [`${NAME} 300 IN CNAME ${VICTIM}`, forged] }],
    ['in the authority section', { answers: [A(300)], authorities: [`org. 300 IN NS ${VICTIM}`, forged] }],
    ['in the additional section', { answers: [A(300)], additionals: [forged] }],
    ['of NXDOMAIN', { rcode: RCODES.NXDOMAIN, authorities: [`${VICTIM} 300 IN SOA a. b. 1 2 3 4 300`] }],
  ]
  for (const [what, message] of cases) {
    test(what, async () => {
      const plugin = await startPlugin(cache, 'cache')
      const next = upstream(message, { answers: [`${VICTIM} 300 IN A 192.0.2.1`] })
      plugin.askNow(toQuery(NAME), next)
      const reply = plugin.askNow(toQuery(VICTIM), next)
      assert.deepEqual([reply.plugin, brief(reply)[0], next.asked.length], ['upstream', '192.0.2.1', 2])
    })
  }
})

describe('denials', () => {
  test('NXDOMAIN of a name says nothing about names below it (RFC 8020: some servers deny empty non-terminals)', async () => {
    const plugin = await startPlugin(cache, 'cache')
    const next = upstream(NX, { answers: [`deep.${NAME} 300 IN A 192.0.2.1`] })
    plugin.askNow(toQuery(NAME), next)
    assert.equal(plugin.askNow(toQuery(`deep.${NAME}`), next).rcode, RCODES.NOERROR)
  })

  test('NODATA is of one type (RFC 2308 §5)', async () => {
    const plugin = await startPlugin(cache, 'cache')
    const next = upstream(NODATA, { answers: [`${NAME} 300 IN AAAA 2001:db8::1`] })
    for (const type of ['A', 'A', 'AAAA', 'AAAA']) plugin.askNow(toQuery(NAME, type), next)
    assert.equal(next.asked.length, 2)
  })

  test('go out with their SOA and the rest of its TTL (RFC 2308 §3, §6)', async () => {
    for (const message of [NX, NODATA]) {
      const { askNow, clock } = await start('cache', message)
      askNow()
      await clock.advance(40_000)
      const [soa] = askNow().authorities
      assert.deepEqual([soa?.type, soa?.ttl], ['SOA', 260])
    }
  })

  test('take the place of a stale answer at once (RFC 8767 §4)', async () => {
    for (const message of [NX, NODATA]) {
      const { ask, clock } = await start('cache {\nserve_stale 1h verify\n}', { answers: [A(60)] }, message)
      await ask()
      await clock.advance(61_000)
      const replies = [await ask(), await ask()]
      assert.deepEqual(
        replies.map(({ answers, authorities }) => [answers.length, authorities.length]),
        [
          [0, 1],
          [0, 1],
        ],
      )
    }
  })
})

test('an upstream that never answers well is asked once a second at most for a name (RFC 9520 §3.2)', async () => {
  const plugin = await startPlugin(cache, 'cache')
  const next = upstream((query) => query.fail(RCODES.SERVFAIL, 'forward', 'timeout'))
  for (let i = 0; i < 100; i++) {
    plugin.askNow(toQuery(NAME), next)
    await plugin.context.clock.advance(30)
  }
  assert.ok(next.asked.length <= 3, `${next.asked.length} queries in 3 s`)
})

/** A wall clock that can be set. */
class SetClock extends FakeClock {
  jump = 0

  override wall(): number {
    return super.wall() + this.jump
  }
}

test('a wall clock that is set a day forth or back changes nothing', async () => {
  for (const jump of [86_400_000, -86_400_000]) {
    const clock = new SetClock()
    const context = Object.assign(fakeContext({ plugin: 'cache' }), { clock })
    const plugin = await startPlugin(cache, 'cache {\nserve_stale\nprefetch 2\n}', context)
    const next = upstream({ answers: [A(300)], authorities: [SOA] }, { answers: [A(300, '192.0.2.2')] })
    plugin.askNow(toQuery(NAME), next)
    await clock.advance(100_000)
    clock.jump = jump
    assert.deepEqual(brief(plugin.askNow(toQuery(NAME), next)), ['192.0.2.1', 200])
    await clock.advance(199_000)
    assert.deepEqual(brief(plugin.askNow(toQuery(NAME), next)), ['192.0.2.1', 1])
    await clock.advance(1000)
    assert.deepEqual(brief(plugin.askNow(toQuery(NAME), next)), ['192.0.2.1', 0])
    await clock.advance(0)
    assert.deepEqual(brief(plugin.askNow(toQuery(NAME), next)), ['192.0.2.2', 300])
  }
})
