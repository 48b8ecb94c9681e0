import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AD, CD, RCODES } from 'corelet/plugin'
import { type MessageText, settle, toQuery, toReply } from 'corelet/plugin/testing'
import { A, brief, good, NAME, NX, SERVFAIL, start, upstream, waiting } from './testing.ts'

describe('prefetch', () => {
  test('asks anew once a popular name is near its end, while the client is answered at once', async () => {
    const { askNow, ask, clock, asked, count } = await start('cache {\nprefetch 3 1m 20%\n}', good(1), good(2))
    await ask()
    await clock.advance(40_000)
    for (let i = 0; i < 5; i++) askNow()
    await clock.advance(7000)
    askNow()
    assert.equal(asked.length, 1)
    await clock.advance(1000)
    assert.deepEqual(brief(askNow()), ['192.0.2.1', 12])
    assert.equal(asked.length, 2)
    await settle()
    assert.deepEqual(brief(askNow()), ['192.0.2.2', 60])
    assert.equal(count('prefetch'), 1)
    assert.equal(count('served_stale'), 0)
  })

  test('asks over TCP with AD, DO and CD of the client', async () => {
    const { plugin, next, clock, asked } = await start('cache {\nprefetch 1 1m 90%\n}', good(1))
    const query = () => toQuery(NAME, 'A', { dnssecOk: true, flags: CD })
    plugin.askNow(query(), next)
    await clock.advance(10_000)
    plugin.askNow(query(), next)
    assert.equal(asked.length, 2)
    assert.deepEqual([asked[1]!.proto, asked[1]!.flags & (AD | CD), asked[1]!.dnssecOk], ['tcp', AD | CD, true])
  })

  test('takes the last share of the TTL, rounded up', async () => {
    const { askNow, clock, asked } = await start('cache {\nprefetch 1 1h 10%\n}', { answers: [A(15)] })
    askNow()
    await clock.advance(12_000)
    askNow()
    assert.equal(asked.length, 1)
    await clock.advance(1000)
    askNow()
    assert.equal(asked.length, 2)
  })

  test('forgets hits after a pause', async () => {
    const { askNow, clock, asked } = await start('cache {\nprefetch 2 10s 90%\n}', good(1))
    askNow()
    for (let i = 0; i < 4; i++) {
      await clock.advance(11_000)
      askNow()
    }
    assert.equal(asked.length, 1)
    await clock.advance(10_000)
    askNow()
    assert.equal(asked.length, 2)
  })

  test('the new entry takes over the hits', async () => {
    const { askNow, clock, asked } = await start('cache {\nprefetch 3 1m 90%\n}', good(1))
    askNow()
    await clock.advance(10_000)
    for (let i = 0; i < 3; i++) askNow()
    await clock.advance(10_000)
    assert.equal(asked.length, 2)
    askNow()
    assert.equal(asked.length, 3)
  })

  test('has one refresh of an entry under way', async () => {
    const { askNow, ask, clock, asked } = await start('cache {\nprefetch 1 1m 90%\n}', good(1), waiting().step)
    await ask()
    await clock.advance(10_000)
    for (let i = 0; i < 5; i++) askNow()
    assert.equal(asked.length, 2)
  })

  test('a failed one changes nothing, is logged when it throws, and waits 1 s', async () => {
    const { askNow, ask, clock, asked, lines } = await start(
      'cache {\nprefetch 1 1m 90%\n}',
      good(1),
      new Error('broken'),
      () => Promise.reject(new Error('late')),
      SERVFAIL,
      (query) => query.fail(RCODES.SERVFAIL, 'forward', 'timeout'),
      good(2),
    )
    await ask()
    await clock.advance(6000)
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(brief(askNow())[0], '192.0.2.1')
      await clock.advance(999)
      askNow()
      assert.equal(asked.length, 2 + i)
      await clock.advance(1)
    }
    assert.deepEqual(brief(askNow())[0], '192.0.2.2')
    assert.deepEqual(
      lines,
      [
        '[ERROR] plugin/test: refresh of www.example.org. A failed: broken',
        '[ERROR] plugin/test: refresh of www.example.org. A failed: late',
      ].map((line) => line.replace('test', 'cache')),
    )
  })

  test('an answer to a name that was denied takes the place of the denial', async () => {
    const { askNow, clock } = await start('cache {\nprefetch 1 1m 90%\n}', NX, good(2))
    askNow()
    await clock.advance(60_000)
    assert.equal(askNow().rcode, RCODES.NXDOMAIN)
    await settle()
    assert.deepEqual(brief(askNow()), ['192.0.2.2', 60])
  })

  test('a denial of a name that was there takes the place of the answer', async () => {
    const short: MessageText = { rcode: RCODES.NXDOMAIN, authorities: ['org. 5 IN SOA a. b. 1 2 3 4 5'] }
    const { askNow, clock, asked } = await start('cache {\nprefetch 1 1m 90%\n}', good(1), short)
    askNow()
    await clock.advance(10_000)
    askNow()
    await clock.advance(5000)
    assert.equal(askNow().rcode, RCODES.NXDOMAIN)
    assert.equal(asked.length, 3)
  })

  test('a failure is not fetched anew', async () => {
    const { askNow, clock, asked } = await start('cache {\nprefetch 1 1m 90%\n}', SERVFAIL)
    askNow()
    await clock.advance(4000)
    askNow()
    assert.equal(asked.length, 1)
  })

  test('honours disable', async () => {
    const { askNow, clock, asked } = await start('cache {\nprefetch 1 1m 90%\ndisable denial\n}', good(1), NX)
    askNow()
    await clock.advance(10_000)
    askNow()
    await clock.advance(1000)
    assert.equal(asked.length, 2)
    assert.equal(askNow().rcode, RCODES.NOERROR)
  })

  test('no more than a thousand are under way', async () => {
    const { plugin, next, clock, asked } = await start('cache {\nprefetch 1 1m 90%\n}')
    const names = Array.from({ length: 1010 }, (_, i) => `n${i}.org.`)
    const fill = upstream((query) => toReply(query, { answers: [`${query.name} 60 IN A 192.0.2.1`] }))
    for (const name of names) plugin.askNow(toQuery(name), fill)
    await clock.advance(10_000)
    const never = upstream(waiting().step)
    for (const name of names) plugin.askNow(toQuery(name), never)
    assert.equal(never.asked.length, 1000)
    assert.deepEqual([next.asked.length, asked.length], [0, 0])
    assert.equal(plugin.context.metrics.value('corelet_cache_withheld_refreshes_total', 'dns://:53', '.', ''), 10)
  })
})
