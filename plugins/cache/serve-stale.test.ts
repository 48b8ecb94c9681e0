import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, AD, type Query, RA, RCODES, TC } from 'corelet/plugin'
import { type MessageText, settle, toQuery, toReply } from 'corelet/plugin/testing'
import { brief, good, NAME, NODATA, NX, SERVFAIL, type Step, start, waiting } from './testing.ts'

describe('serve_stale', () => {
  test('is off without the option, and with 0', async () => {
    for (const text of ['cache', 'cache {\nserve_stale 0\n}']) {
      const { askNow, clock, asked } = await start(text, good(1))
      askNow()
      await clock.advance(60_000)
      askNow()
      assert.equal(asked.length, 2)
    }
  })

  test('immediate: answers at once with TTL 0 and asks anew in the background', async () => {
    const { askNow, clock, asked, count } = await start('cache {\nserve_stale\n}', good(1), good(2))
    askNow()
    await clock.advance(72_000)
    const stale = askNow()
    assert.deepEqual(brief(stale), ['192.0.2.1', 0])
    assert.equal(stale.reason, 'stale, expired 12 s ago')
    assert.equal(stale.flags & AA, AA)
    assert.equal(asked.length, 2)
    assert.equal(asked[1]!.proto, 'tcp')
    await settle()
    assert.deepEqual(brief(askNow()), ['192.0.2.2', 60])
    assert.deepEqual([count('served_stale'), count('prefetch'), count('misses')], [1, 1, 1])
  })

  test('ends with its window', async () => {
    for (const [seconds, asked, ttl] of [
      [119, 2, 0],
      [120, 2, 60],
    ] as const) {
      const run = await start('cache {\nserve_stale 1m\n}', good(1))
      run.askNow()
      await run.clock.advance(seconds * 1000)
      assert.deepEqual(brief(run.askNow()), ['192.0.2.1', ttl])
      assert.equal(run.asked.length, asked)
    }
  })

  test('RESPTTL and keepttl set the TTL', async () => {
    for (const [text, ttl] of [
      ['serve_stale 1h immediate 30s', 30],
      ['serve_stale 1h immediate\nkeepttl', 60],
      ['serve_stale 1h immediate 30s\nkeepttl', 30],
    ] as const) {
      const { askNow, clock } = await start(`cache {\n${text}\n}`, good(1))
      askNow()
      await clock.advance(61_000)
      assert.equal(askNow().answers[0]!.ttl, ttl)
    }
  })

  test('a failure never goes stale', async () => {
    for (const failure of [SERVFAIL, { rcode: RCODES.NOTIMP }]) {
      const { askNow, clock, asked } = await start('cache {\nserve_stale\n}', failure)
      askNow()
      await clock.advance(5000)
      askNow()
      assert.equal(asked.length, 2)
    }
  })

  const unfit: [string, Step][] = [
    ['SERVFAIL', SERVFAIL],
    ['REFUSED', { rcode: RCODES.REFUSED }],
    ['a truncated answer', { ...good(2), flags: TC }],
    ['another question', () => toReply(toQuery('other.org.'), NX)],
    ['NXDOMAIN with an answer', { ...good(2), rcode: RCODES.NXDOMAIN }],
    ['a failure', (query) => query.fail(RCODES.SERVFAIL, 'forward', 'timeout')],
    ['silence', (query) => query.drop('forward', 'no')],
    ['an error', new Error('broken')],
    ['a late error', () => Promise.reject(new Error('broken'))],
  ]
  for (const mode of ['immediate', 'verify', 'verify 1s']) {
    for (const [what, step] of unfit) {
      test(`${mode}: ${what} leaves the stale answer in place`, async () => {
        const { ask, clock, asked } = await start(`cache {\nserve_stale 1h ${mode}\n}`, good(1), step)
        await ask()
        await clock.advance(61_000)
        assert.deepEqual(brief(await ask()), ['192.0.2.1', 0])
        await clock.advance(1000)
        assert.deepEqual(brief(await ask()), ['192.0.2.1', 0])
        await settle()
        assert.equal(asked.length, 3)
      })
    }

    test(`${mode}: NXDOMAIN replaces the stale answer`, async () => {
      const { ask, clock, askNow } = await start(`cache {\nserve_stale 1h ${mode}\n}`, good(1), NX)
      await ask()
      await clock.advance(61_000)
      assert.equal((await ask()).rcode, mode === 'immediate' ? RCODES.NOERROR : RCODES.NXDOMAIN)
      await settle()
      assert.equal(askNow().rcode, RCODES.NXDOMAIN)
    })

    test(`${mode}: an answer replaces a stale denial`, async () => {
      const { ask, clock, askNow } = await start(`cache {\nserve_stale 1h ${mode}\n}`, NX, good(2))
      await ask()
      await clock.advance(301_000)
      assert.equal((await ask()).rcode, mode === 'immediate' ? RCODES.NXDOMAIN : RCODES.NOERROR)
      await settle()
      assert.deepEqual(brief(askNow()), ['192.0.2.2', 60])
    })

    test(`${mode}: after a failure no other try for RECHECK`, async () => {
      const times = mode === 'verify' ? '0s 0s 10s' : '0s 10s'
      const { ask, clock, asked } = await start(`cache {\nserve_stale 1h ${mode} ${times}\n}`, good(1), SERVFAIL)
      await ask()
      await clock.advance(61_000)
      await ask()
      await clock.advance(9999)
      await ask()
      assert.equal(asked.length, 2)
      await clock.advance(1)
      await ask()
      await settle()
      assert.equal(asked.length, 3)
    })
  }

  test('verify: the client gets the new answer as a miss would', async () => {
    const { ask, clock, asked, count, plugin, next } = await start('cache {\nserve_stale 1h verify\n}', good(1), {
      ...good(2),
      flags: RA,
    })
    await ask()
    await clock.advance(61_000)
    const query = toQuery(NAME)
    const reply = await plugin.ask(query, next)
    assert.deepEqual([...brief(reply), reply.flags & (AA | RA), reply.plugin], ['192.0.2.2', 60, RA, 'upstream'])
    assert.deepEqual([asked[1]!.proto, asked[1]!.origin], ['udp', query])
    assert.deepEqual([count('served_stale'), count('prefetch'), count('misses')], [0, 0, 1])
  })

  test('verify: queries that come meanwhile wait for the same outcome, each with its own flags', async () => {
    const slow = waiting()
    const { ask, clock, asked, plugin, next } = await start('cache {\nserve_stale 1h verify\n}', good(1), slow.step)
    await ask()
    await clock.advance(61_000)
    const replies = [plugin.ask(toQuery(NAME, 'A', { flags: AD }), next), ask(), ask()]
    slow.answer({ ...good(2), flags: AD })
    const settled = await Promise.all(replies)
    assert.equal(asked.length, 2)
    assert.deepEqual(
      settled.map((reply) => [...brief(reply), reply.flags & AD]),
      [
        ['192.0.2.2', 60, AD],
        ['192.0.2.2', 60, 0],
        ['192.0.2.2', 60, 0],
      ],
    )
  })

  test('verify with a timeout: serves the new answer as a hit when it comes in time', async () => {
    const slow = waiting()
    const { ask, clock, asked, count } = await start('cache {\nserve_stale 1h verify 1800ms\n}', good(1), slow.step)
    await ask()
    await clock.advance(61_000)
    const reply = ask()
    await clock.advance(1799)
    slow.answer(good(2))
    assert.deepEqual([...brief(await reply), (await reply).flags & AA], ['192.0.2.2', 60, AA])
    assert.equal(asked[1]!.proto, 'tcp')
    assert.equal(clock.pending, 0)
    assert.deepEqual([count('served_stale'), count('prefetch')], [0, 0])
  })

  test('verify with a timeout: an answer that is not kept is sent as it is', async () => {
    const { ask, clock } = await start('cache {\nserve_stale 1h verify 1800ms\ndisable denial\n}', good(1), NODATA)
    await ask()
    await clock.advance(61_000)
    const reply = await ask()
    assert.deepEqual([reply.plugin, reply.scan!.answers, reply.scan!.soa], ['upstream', 0, true])
  })

  test('verify with a timeout: serves stale when it runs out, and keeps what comes late', async () => {
    const slow = waiting()
    const { ask, askNow, clock, asked, count } = await start(
      'cache {\nserve_stale 1h verify 1800ms\n}',
      good(1),
      slow.step,
    )
    await ask()
    await clock.advance(61_000)
    const reply = ask()
    await clock.advance(1800)
    assert.deepEqual(brief(await reply), ['192.0.2.1', 0])
    slow.answer(good(2))
    await settle()
    assert.deepEqual(brief(askNow()), ['192.0.2.2', 60])
    assert.equal(asked.length, 2)
    assert.equal(count('served_stale'), 1)
  })

  test('verify with a timeout: a stale answer counts once, also when the new one fails after it', async () => {
    const slow = waiting()
    const { ask, clock, count } = await start('cache {\nserve_stale 1h verify 1s\n}', good(1), slow.step)
    await ask()
    await clock.advance(61_000)
    const reply = ask()
    await clock.advance(1000)
    await reply
    slow.answer(SERVFAIL)
    await settle()
    assert.equal(count('served_stale'), 1)
  })

  for (const mode of ['verify', 'verify 1s']) {
    test(`${mode}: all that wait get the metadata of the new answer, and the lookup has what was known before`, async () => {
      const seen: unknown[] = []
      const { ask, clock, plugin, next } = await start(`cache {\nserve_stale 1h ${mode}\n}`, good(1), async (query) => {
        seen.push(query.metadata('view/name'))
        query.setMetadata('forward/upstream', () => '192.0.2.53:53')
        return toReply(query, good(2))
      })
      await ask()
      await clock.advance(61_000)
      const queries = [toQuery(NAME), toQuery(NAME)]
      for (const query of queries) query.setMetadata('view/name', () => 'inner')
      await Promise.all(queries.map((query) => plugin.ask(query, next)))
      assert.deepEqual(seen, ['inner'])
      for (const query of queries) assert.equal(query.metadata('forward/upstream'), '192.0.2.53:53')
    })
  }

  test('the wildcard of a stale answer is not that of the new one', async () => {
    const wild = (query: Query, number: number, wildcard?: string) => {
      if (wildcard !== undefined) query.setMetadata('zone/wildcard', () => wildcard)
      return toReply(query, good(number))
    }
    const { ask, clock, plugin, next } = await start(
      'cache {\nserve_stale 1h verify\n}',
      (query) => wild(query, 1, '*.example.org.'),
      (query) => wild(query, 2),
    )
    await ask()
    await clock.advance(61_000)
    const queries = [toQuery(NAME), toQuery(NAME)]
    for (const query of queries) {
      await plugin.ask(query, next)
      assert.equal(query.metadata('zone/wildcard'), undefined)
    }
  })
})

describe('serve_stale_policy prefer_positive', () => {
  const REFERRAL: MessageText = { authorities: ['example.org. 300 IN NS ns.example.org.'] }
  const policy = (mode: string) => `cache {\nserve_stale 1h ${mode}\nserve_stale_policy prefer_positive\n}`

  for (const [what, message] of [
    ['NXDOMAIN', NX],
    ['NODATA', NODATA],
    ['a referral', REFERRAL],
  ] as const) {
    test(`immediate: ${what} does not hide the last answer`, async () => {
      const { askNow, clock, asked } = await start(policy('immediate'), good(1), message)
      askNow()
      await clock.advance(61_000)
      askNow()
      await clock.advance(1000)
      assert.deepEqual(brief(askNow()), ['192.0.2.1', 0])
      await settle()
      assert.equal(asked.length, 3)
    })

    test(`verify: ${what} does not hide the last answer, until that is too old`, async () => {
      const { ask, clock } = await start(policy('verify'), good(1), message)
      await ask()
      await clock.advance(61_000)
      assert.deepEqual(brief(await ask()), ['192.0.2.1', 0])
      await clock.advance(3_599_000)
      const reply = await ask()
      assert.deepEqual([reply.rcode, reply.scan!.answers], [message.rcode ?? 0, 0])
    })
  }

  test('a new answer ends it', async () => {
    const { ask, askNow, clock } = await start(policy('verify'), good(1), NX, good(2))
    await ask()
    await clock.advance(61_000)
    await ask()
    await clock.advance(1000)
    assert.deepEqual(brief(await ask()), ['192.0.2.2', 60])
    await settle()
    assert.deepEqual(brief(askNow()), ['192.0.2.2', 60])
  })

  test('without it a denial that is fresh or stale hides the answer', async () => {
    const { ask, askNow, clock } = await start('cache {\nserve_stale 1h verify\n}', good(1), NX, SERVFAIL)
    await ask()
    await clock.advance(61_000)
    assert.equal((await ask()).rcode, RCODES.NXDOMAIN)
    assert.equal(askNow().rcode, RCODES.NXDOMAIN)
    await clock.advance(400_000)
    assert.equal((await ask()).rcode, RCODES.NXDOMAIN)
  })
})
