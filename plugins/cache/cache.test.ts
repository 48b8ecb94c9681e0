import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, AD, CD, QR, RA, RCODES, RD } from 'corelet/plugin'
import { fakeContext, fakeListener, type MessageText, startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import cache from './index.ts'
import { A, NAME, replay, SOA, ttls, upstream } from './testing.ts'

const DO = { dnssecOk: true }

describe('hits', () => {
  test('are served without asking and without a promise', async () => {
    const { last, asked } = await replay('cache', { answers: [A(300)], flags: RA }, [100])
    assert.equal(asked.length, 1)
    assert.equal(last.plugin, 'cache')
    assert.equal(last.reason, 'hit, 200 s left')
    assert.deepEqual(last.answers, [{ name: NAME, type: 'A', class: 'IN', ttl: 200, data: '192.0.2.1' }])
  })

  test('count whole seconds and end with the last one', async () => {
    const { replies, asked } = await replay('cache', { answers: [A(10)] }, [0.999, 1, 9.9, 10])
    assert.deepEqual(replies.flatMap(ttls), [10, 10, 9, 1, 10])
    assert.equal(asked.length, 2)
  })

  test('have AA, the RA of the upstream, and RD and CD of the client', async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    const next = upstream({ answers: [A(300)], flags: RA })
    askNow(toQuery(NAME, 'A', { flags: CD }), next)
    const plain = toQuery(NAME, 'A', { flags: CD })
    assert.equal(askNow(plain, next).flags, QR | AA | RD | RA | CD)
    assert.equal(askNow(plain.with({ flags: CD }), next).flags, QR | AA | RA | CD)
    assert.equal(next.asked.length, 1)
  })

  test('have AD only for those that set DO or AD', async () => {
    for (const parts of [{}, DO]) {
      const { askNow } = await startPlugin(cache, 'cache')
      const next = upstream({ answers: [A(300)], flags: AD })
      const flags = (extra: number) => askNow(toQuery(NAME, 'A', { ...parts, flags: extra }), next).flags & AD
      const plain = parts === DO ? AD : 0
      assert.deepEqual([flags(0), flags(0), flags(AD), flags(0)], [plain, plain, AD, plain])
      assert.equal(next.asked.length, 1)
    }
  })

  test('keep the rcode, all sections and wildcard', async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    const glue = 'ns.example.org. 60 IN A 192.0.2.53'
    const next = upstream((query) => {
      query.setMetadata('zone/wildcard', () => '*.example.org.')
      return toReply(query, { rcode: RCODES.NXDOMAIN, authorities: [SOA], additionals: [glue] })
    })
    askNow(toQuery(NAME), next)
    const query = toQuery(NAME)
    const hit = askNow(query, next)
    assert.equal(hit.rcode, RCODES.NXDOMAIN)
    assert.deepEqual(ttls(hit), [60, 60])
    assert.equal(query.metadata('zone/wildcard'), '*.example.org.')
  })

  test('keepttl sends the original TTL', async () => {
    const { replies, asked } = await replay('cache {\nkeepttl\n}', { answers: [A(300)] }, [100, 299, 300])
    assert.deepEqual(replies.flatMap(ttls), [300, 300, 300, 300])
    assert.equal(asked.length, 2)
  })

  test('do not change when the octets of the upstream do', async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    let wire: Uint8Array | undefined
    const next = upstream((query) => {
      const reply = toReply(query, { answers: [A(300)] })
      wire = reply.wire
      return reply
    })
    askNow(toQuery(NAME), next)
    wire!.fill(0xff)
    assert.equal(askNow(toQuery(NAME), next).answers[0]?.data, '192.0.2.1')
  })
})

describe('keys', () => {
  const separate: [string, Parameters<typeof toQuery>, Parameters<typeof toQuery>][] = [
    ['types', [NAME, 'A'], [NAME, 'AAAA']],
    ['rare types', [NAME, 'TYPE65280'], [NAME, 'TYPE256']],
    ['classes', [NAME, 'A'], [NAME, 'A', { qclass: 3 }]],
    ['DO', [NAME, 'A'], [NAME, 'A', DO]],
    ['CD', [NAME, 'A'], [NAME, 'A', { flags: CD }]],
    ['DO and CD', [NAME, 'A', DO], [NAME, 'A', { flags: CD }]],
    ['one label and two', ['www.example.', 'A'], ['www\\.example.', 'A']],
    ['a name and its parent', ['a.b.', 'A'], ['b.', 'A']],
  ]
  for (const [what, first, second] of separate) {
    test(`${what} are separate`, async () => {
      const { askNow } = await startPlugin(cache, 'cache')
      const next = upstream({ rcode: RCODES.NXDOMAIN, authorities: ['. 300 IN SOA a. b. 1 2 3 4 300'] })
      for (const each of [first, second, first, second]) askNow(toQuery(...each), next)
      assert.equal(next.asked.length, 2)
    })
  }

  test('case, RD, AD, protocol, client and EDNS size make no difference', async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    const next = upstream({ answers: [A(300)] })
    askNow(toQuery(NAME), next)
    for (const query of [
      toQuery('wWw.ExAmPlE.oRg.'),
      toQuery(NAME, 'A', { flags: AD }),
      toQuery(NAME).with({ flags: 0 }),
      toQuery(NAME, 'A', { proto: 'tcp' }),
      toQuery(NAME, 'A', { client: { address: '2001:db8::1', port: 1 } }),
      toQuery(NAME, 'A', { udpSize: 4096 }),
    ]) {
      assert.equal(askNow(query, next).plugin, 'cache')
    }
  })
})

describe('misses', () => {
  test('ask with AD set and pass the answer on with the time it is kept as TTL', async () => {
    const plugin = await startPlugin(cache, 'cache')
    const next = upstream({
      answers: [A(300), A(20, '192.0.2.2')],
      additionals: ['x.org. 77 IN A 192.0.2.9'],
      flags: RA | AD,
      options: [{ code: 15, data: Uint8Array.of(0, 3) }],
    })
    const query = toQuery(NAME)
    const reply = plugin.askNow(query, next)
    assert.equal(next.asked[0]!.flags, RD | AD)
    assert.equal(next.asked[0]!.origin, query)
    assert.equal(reply.plugin, 'upstream')
    assert.equal(reply.flags, QR | RD | RA)
    assert.deepEqual(ttls(reply), [20, 20, 20])
    assert.deepEqual(reply.options, [])
  })

  test('keep AD for a client that asked for it', async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    const query = toQuery(NAME, 'A', { flags: AD })
    const next = upstream({ answers: [A(300)], flags: AD })
    assert.equal(askNow(query, next).flags & AD, AD)
    assert.equal(next.asked[0], query)
  })

  test('have the RD of the client', async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    const query = toQuery(NAME).with({ flags: 0 })
    assert.equal(askNow(query, upstream({ answers: [A(300)], flags: RD })).flags & RD, 0)
  })

  test('wait for a promise', async () => {
    const plugin = await startPlugin(cache, 'cache')
    const next = upstream(async (query) => toReply(query, { answers: [A(300)] }))
    assert.deepEqual(ttls(await plugin.ask(toQuery(NAME), next)), [300])
    assert.equal(plugin.askNow(toQuery(NAME), next).plugin, 'cache')
  })

  test('an error of the rest of the chain reaches the server', async () => {
    const plugin = await startPlugin(cache, 'cache')
    assert.throws(() => plugin.askNow(toQuery(NAME), upstream(new Error('broken'))), /broken/)
    await assert.rejects(
      plugin.ask(
        toQuery(NAME),
        upstream(() => Promise.reject(new Error('late'))),
      ),
      /late/,
    )
  })

  test('silence passes and is not kept', async () => {
    const { askNow } = await startPlugin(cache, 'cache')
    const next = upstream((query) => query.drop('upstream', 'no'))
    assert.deepEqual([askNow(toQuery(NAME), next).kind, askNow(toQuery(NAME), next).kind], ['drop', 'drop'])
    assert.equal(next.asked.length, 2)
  })
})

describe('zones', () => {
  test('names outside pass by uncounted', async () => {
    const plugin = await startPlugin(cache, 'cache example.org 10.0.0.0/8')
    const next = upstream({ authorities: [SOA] })
    for (const name of [NAME, 'EXAMPLE.org.', '1.10.in-addr.arpa.', 'notexample.org.', 'org.']) {
      plugin.askNow(toQuery(name), next)
      plugin.askNow(toQuery(name), next)
    }
    assert.equal(next.asked.length, 7)
    const label = 'example.org.,10.in-addr.arpa.'
    assert.equal(plugin.context.metrics.value('coredns_cache_requests_total', 'dns://:53', label, ''), 6)
    assert.equal(next.asked.at(-1)!.flags & AD, 0)
  })

  test('a NOTIFY passes by', async () => {
    const plugin = await startPlugin(cache, 'cache')
    const next = upstream({ authorities: [SOA] })
    plugin.askNow(toQuery(NAME, 'SOA'), next)
    plugin.askNow(toQuery(NAME, 'SOA').with({ flags: 4 << 11 }), next)
    assert.equal(next.asked.length, 2)
  })

  test('disable keeps nothing of a kind below some zones', async () => {
    const cases: [text: string, answers: number, denials: number][] = [
      ['disable success', 2, 1],
      ['disable denial', 1, 2],
      ['disable success example.org', 2, 1],
      ['disable denial other.org', 1, 1],
      ['disable success\ndisable denial org', 2, 2],
    ]
    for (const [text, answers, denials] of cases) {
      const plugin = await startPlugin(cache, `cache {\n${text}\n}`)
      const good = upstream({ answers: [A(300)] })
      const bad = upstream({ rcode: RCODES.NXDOMAIN, authorities: [SOA] })
      for (let i = 0; i < 2; i++) plugin.askNow(toQuery(NAME), good)
      for (let i = 0; i < 2; i++) plugin.askNow(toQuery('none.example.org.'), bad)
      assert.deepEqual([good.asked.length, bad.asked.length], [answers, denials], text)
    }
  })
})

describe('both parts', () => {
  const NX = { rcode: RCODES.NXDOMAIN, authorities: [SOA] }

  test('a SERVFAIL does not hide an answer that is still good', async () => {
    const plugin = await startPlugin(cache, 'cache')
    const gates = [Promise.withResolvers<MessageText>(), Promise.withResolvers<MessageText>()]
    let count = 0
    const next = upstream((query) => gates[count++]!.promise.then((message) => toReply(query, message)))
    const both = [plugin.ask(toQuery(NAME), next), plugin.ask(toQuery(NAME), next)]
    gates[0]!.resolve({ answers: [A(300)] })
    gates[1]!.resolve({ rcode: RCODES.SERVFAIL })
    await Promise.all(both)
    assert.equal(plugin.askNow(toQuery(NAME), next).rcode, RCODES.NOERROR)
  })

  test('the later of two concurrent answers stays', async () => {
    for (const order of [
      [{ answers: [A(300)] }, NX],
      [NX, { answers: [A(300)] }],
    ]) {
      const plugin = await startPlugin(cache, 'cache')
      const gates = [Promise.withResolvers<MessageText>(), Promise.withResolvers<MessageText>()]
      let count = 0
      const next = upstream((query) => gates[count++]!.promise.then((message) => toReply(query, message)))
      const both = [plugin.ask(toQuery(NAME), next), plugin.ask(toQuery(NAME), next)]
      gates[0]!.resolve(order[0]!)
      await both[0]
      gates[1]!.resolve(order[1]!)
      await both[1]
      assert.equal(plugin.askNow(toQuery(NAME), next).rcode, (order[1] as MessageText).rcode ?? RCODES.NOERROR)
    }
  })
})

describe('metrics', () => {
  test('the number of entries is there from the start, and not that of the cache before a reload', async () => {
    const context = fakeContext()
    const before = await startPlugin(cache, 'cache', context)
    before.askNow(toQuery(NAME), upstream({ answers: [A(300)] }))
    const entries = () => context.metrics.value('coredns_cache_entries', 'dns://:53', 'success', '.', '')
    assert.equal(entries(), 1)
    const { running } = await startPlugin(cache, 'cache', context)
    running.listening!()
    assert.equal(entries(), 0)
  })

  test('have server, zones and view', async () => {
    const context = fakeContext({ zones: ['a.', 'b.'] })
    const block = { ...context.block, zones: ['a.', 'b.'], view: 'inside' }
    const plugin = await startPlugin(cache, 'cache', { ...context, block })
    const listener = fakeListener({ server: 'tls://:853' })
    const next = upstream({ rcode: RCODES.NXDOMAIN, authorities: [SOA] })
    for (let i = 0; i < 3; i++) plugin.askNow(toQuery('x.a.', 'A', { listener }), next)
    plugin.askNow(toQuery('y.b.'), next)
    const { metrics } = context
    assert.equal(metrics.value('coredns_cache_requests_total', 'tls://:853', 'a.,b.', 'inside'), 3)
    assert.equal(metrics.value('coredns_cache_misses_total', 'tls://:853', 'a.,b.', 'inside'), 1)
    assert.equal(metrics.value('coredns_cache_hits_total', 'tls://:853', 'denial', 'a.,b.', 'inside'), 2)
    assert.equal(metrics.value('coredns_cache_requests_total', 'dns://:53', 'a.,b.', 'inside'), 1)
    assert.equal(metrics.value('coredns_cache_entries', 'dns://:53', 'denial', 'a.,b.', 'inside'), 2)
    assert.equal(metrics.value('coredns_cache_entries', 'dns://:53', 'success', 'a.,b.', 'inside'), 0)
  })
})
