import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, AD, isPending, type Query, RA, RCODES, type Reply, scanReply, TC } from 'corelet/plugin'
import { fakeContext, fakeListener, type MessageText, startPlugin, toNext, toQuery } from 'corelet/plugin/testing'
import cache from '../cache/index.ts'
import plugin from './index.ts'
import { A, AAAA, ask, NAME, records, SOA, signature, upstream } from './testing.ts'

describe('AAAA', () => {
  test('is answered with NODATA at once, with a SOA and EDE 17', async () => {
    const { reply, asked, filtered } = await ask('aaaa-filter', toQuery('WWW.example.org', 'AAAA'))
    assert.deepEqual([asked.length, filtered], [0, 1])
    assert.deepEqual([reply.kind, reply.rcode, reply.answers, reply.additionals], ['answer', RCODES.NOERROR, [], []])
    assert.equal(reply.flags & (AA | AD), AA)
    assert.deepEqual(reply.authorities, [
      {
        name: '.',
        type: 'SOA',
        class: 'IN',
        ttl: 60,
        data: {
          mname: 'aaaa-filter.invalid.',
          rname: 'hostmaster.invalid.',
          serial: 1,
          refresh: 7200,
          retry: 1800,
          expire: 86_400,
          minimum: 60,
        },
      },
    ])
    assert.deepEqual(reply.options, [{ code: 15, data: Uint8Array.of(0, 17) }])
    assert.deepEqual([reply.plugin, reply.reason], ['aaaa-filter', 'AAAA hidden'])
  })

  test('the SOA is of the zone that matched, with the TTL told', async () => {
    for (const [name, owner] of [
      ['www.Example.ORG.', 'example.org.'],
      ['example.org.', 'example.org.'],
      ['a.b.sub.example.org.', 'sub.example.org.'],
    ] as const) {
      const { reply } = await ask('aaaa-filter example.org sub.example.org {\nttl 7\n}', toQuery(name, 'AAAA'))
      const { name: zone, ttl, data } = reply.authorities[0]!
      assert.deepEqual([zone.toLowerCase(), ttl, (data as { minimum: number }).minimum], [owner, 7, 7])
    }
  })

  test('answers to names of one length keep their questions', async () => {
    const { askNow } = await startPlugin(plugin, 'aaaa-filter')
    for (const name of ['aaa.example.org.', 'bbb.example.org.', 'bbb.example.com.']) {
      const query = toQuery(name, 'AAAA')
      const reply = askNow(query)
      assert.equal(reply.scan!.key, query.key)
      const question = (octets: Uint8Array) => [...octets.subarray(12, query.questionEnd)]
      assert.deepEqual(question(reply.wire!), question(query.packet))
      assert.deepEqual(scanReply(reply.wire!), reply.scan)
    }
  })

  test('with rcode NXDOMAIN the name is denied', async () => {
    const { reply } = await ask('aaaa-filter {\nrcode NXDOMAIN\n}', toQuery(NAME, 'AAAA'))
    assert.deepEqual([reply.rcode, reply.scan!.rcode, reply.scan!.soa], [RCODES.NXDOMAIN, RCODES.NXDOMAIN, true])
  })

  test('other types, classes, opcodes and reverse names pass', async () => {
    for (const query of [
      toQuery(NAME, 'A'),
      toQuery(NAME, 'ANY'),
      toQuery(NAME, 'HTTPS'),
      toQuery(NAME, 'RRSIG'),
      toQuery('1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.', 'PTR'),
      toQuery(NAME, 'AAAA', { qclass: 3 }),
      toQuery(NAME, 'AAAA').with({ flags: 4 << 11 }),
    ]) {
      const { asked, filtered } = await ask('aaaa-filter', query)
      assert.deepEqual([asked.length, filtered], [1, 0])
    }
  })

  test('only in the zones, and not in the excepted ones', async () => {
    const text = 'aaaa-filter example.org {\nexcept v6.example.org\n}'
    for (const [name, hidden] of [
      [NAME, true],
      ['example.org.', true],
      ['v6.example.org.', false],
      ['www.V6.example.org.', false],
      ['notv6.example.org.', true],
      ['example.com.', false],
    ] as const) {
      const { asked } = await ask(text, toQuery(name, 'AAAA'))
      assert.equal(asked.length, hidden ? 0 : 1, name)
    }
  })

  test('only from clients in the networks', async () => {
    const cases: [nets: string, address: string, hidden: boolean][] = [
      ['10.0.0.0/8', '10.255.1.2', true],
      ['10.0.0.0/8', '11.0.0.1', false],
      ['10.0.0.0/8', '::ffff:10.1.2.3', true],
      ['10.0.0.0/8', '::10.1.2.3', false],
      ['0.0.0.0/0', '203.0.113.9', true],
      ['0.0.0.0/0', '::ffff:203.0.113.9', true],
      ['0.0.0.0/0', '2001:db8::1', false],
      ['::/0', '2001:db8::1', true],
      ['::/0', '203.0.113.9', false],
      ['::/0', '::ffff:203.0.113.9', false],
      ['::ffff:10.0.0.0/104', '10.9.9.9', true],
      ['::ffff:0.0.0.0/90', '10.9.9.9', false],
      ['192.0.2.128/25', '192.0.2.127', false],
      ['192.0.2.128/25', '192.0.2.128', true],
      ['2001:db8:8000::/33', '2001:db8:7fff::1', false],
      ['2001:db8:8000::/33 192.0.2.1', '192.0.2.1', true],
      ['fe80::/10', 'fe80::1%eth0', true],
      ['0.0.0.0/0 ::/0', 'nonsense', false],
    ]
    for (const [nets, address, hidden] of cases) {
      const query = toQuery(NAME, 'AAAA', { client: { address, port: 1 } })
      const { asked } = await ask(`aaaa-filter {\nnet ${nets}\n}`, query)
      assert.equal(asked.length, hidden ? 0 : 1, `${address} in ${nets}`)
    }
  })

  test('counts with server, zone and view', async () => {
    const context = fakeContext()
    const { askNow } = await startPlugin(plugin, 'aaaa-filter org example.org', {
      ...context,
      block: { ...context.block, view: 'inside' },
    })
    const listener = fakeListener({ server: 'tls://:853' })
    askNow(toQuery(NAME, 'AAAA', { listener }))
    askNow(toQuery(NAME, 'AAAA'))
    askNow(toQuery('x.org.', 'AAAA'))
    assert.deepEqual(
      [...context.metrics.values],
      [
        ['coredns_aaaa_filter_filtered_requests_total|tls://:853|example.org.|inside', 1],
        ['coredns_aaaa_filter_filtered_requests_total|dns://:53|example.org.|inside', 1],
        ['coredns_aaaa_filter_filtered_requests_total|dns://:53|org.|inside', 1],
      ],
    )
  })
})

describe('DNSSEC', () => {
  const query = () => toQuery(NAME, 'AAAA', { dnssecOk: true })
  const signed = { AAAA: { answers: [AAAA, signature('AAAA')], flags: AD | RA } }

  test('a signed answer is left alone for a client that sets DO', async () => {
    const { reply, asked, filtered } = await ask('aaaa-filter', query(), signed)
    assert.deepEqual([asked, filtered, records(reply.answers)], [['AAAA'], 0, [`${NAME} AAAA`, `${NAME} RRSIG`]])
    assert.equal(reply.flags & AD, AD)
  })

  test('an unsigned one is hidden', async () => {
    const { reply, asked, filtered } = await ask('aaaa-filter', query(), { AAAA: { answers: [AAAA], flags: AD | RA } })
    assert.deepEqual([asked, filtered, reply.answers, reply.scan!.soa], [['AAAA'], 1, [], true])
    assert.equal(reply.flags & (AD | RA), RA)
  })

  test('NXDOMAIN, no data and failures pass unchanged', async () => {
    for (const message of [
      { rcode: RCODES.NXDOMAIN, authorities: [SOA] },
      { authorities: [SOA] },
      { rcode: RCODES.SERVFAIL },
    ]) {
      const { reply, filtered } = await ask('aaaa-filter', query(), { AAAA: message })
      assert.deepEqual([reply.plugin, reply.rcode, filtered], ['upstream', message.rcode ?? RCODES.NOERROR, 0])
    }
  })

  test('break_dnssec hides signed ones too, at once', async () => {
    const { reply, asked } = await ask('aaaa-filter {\nbreak_dnssec\n}', query(), signed)
    assert.deepEqual([asked, reply.answers], [[], []])
  })
})

describe('only_with_a', () => {
  const text = 'aaaa-filter {\nonly_with_a\n}'
  const query = () => toQuery(NAME, 'AAAA')

  test('hides AAAA of a name that has an A record', async () => {
    const { reply, asked, filtered } = await ask(text, query(), {
      AAAA: { answers: [AAAA], authorities: ['example.org. 300 IN NS ns.example.org.'], flags: RA | AD | TC },
      A: { answers: [A] },
    })
    assert.deepEqual([asked, filtered], [['AAAA', 'A'], 1])
    assert.deepEqual([reply.rcode, reply.answers, records(reply.authorities)], [RCODES.NOERROR, [], ['. SOA']])
    assert.equal(reply.flags & (RA | AD | TC), RA)
    assert.equal(reply.reason, 'AAAA hidden, the name has an A record')
  })

  const stands: [string, MessageText, string[]][] = [
    ['without an A record', { authorities: [SOA] }, ['AAAA', 'A']],
    ['when A is NXDOMAIN', { rcode: RCODES.NXDOMAIN, authorities: [SOA] }, ['AAAA', 'A']],
    ['when A fails', { rcode: RCODES.SERVFAIL }, ['AAAA', 'A']],
  ]
  for (const [what, message, asks] of stands) {
    test(`AAAA stands ${what}`, async () => {
      const { reply, asked, filtered } = await ask(text, query(), { AAAA: { answers: [AAAA] }, A: message })
      assert.deepEqual([asked, filtered, records(reply.answers)], [asks, 0, [`${NAME} AAAA`]])
    })
  }

  test('NXDOMAIN, no data and failures pass unchanged, without a question for A', async () => {
    for (const message of [
      { rcode: RCODES.NXDOMAIN, authorities: [SOA] },
      { authorities: [SOA] },
      { rcode: RCODES.SERVFAIL },
      { answers: [`${NAME} 300 IN CNAME b.`], authorities: [SOA] },
    ]) {
      const { reply, asked } = await ask(text, query(), { AAAA: message, A: { answers: [A] } })
      assert.deepEqual([asked, reply.plugin], [['AAAA'], 'upstream'])
    }
  })

  test('keeps CNAMEs and takes the AAAA at their end away', async () => {
    for (const [target, owner] of [
      ['b.example.org.', 'example.org.'],
      ['b.example.com.', 'b.example.com.'],
    ] as const) {
      const cname = `${NAME} 300 IN CNAME ${target}`
      const { reply } = await ask('aaaa-filter example.org {\nonly_with_a\n}', query(), {
        AAAA: {
          answers: [cname, `${target} 300 IN AAAA 2001:db8::1`, `${target} 300 IN AAAA 2001:db8::2`],
          flags: RA | AD,
        },
        A: { answers: [cname, `${target} 300 IN A 192.0.2.1`] },
      })
      assert.deepEqual(records(reply.answers), [`${NAME} CNAME`])
      assert.deepEqual(records(reply.authorities), [`${owner} SOA`])
      assert.equal(reply.flags & (RA | AD), RA)
      assert.deepEqual(reply.options, [{ code: 15, data: Uint8Array.of(0, 17) }])
    }
  })

  test('signed answers stay for DO, and lose their signatures with break_dnssec', async () => {
    const target = 'b.example.org.'
    const answers = [
      `${NAME} 300 IN CNAME ${target}`,
      signature('CNAME'),
      `${target} 300 IN AAAA 2001:db8::1`,
      signature('AAAA', target),
    ]
    const messages = { AAAA: { answers }, A: { answers: [A] } }
    const signed = () => toQuery(NAME, 'AAAA', { dnssecOk: true })
    const left = await ask(text, signed(), messages)
    assert.deepEqual([left.asked, left.reply.answers.length], [['AAAA'], 4])
    const broken = await ask('aaaa-filter {\nonly_with_a\nbreak_dnssec\n}', signed(), messages)
    assert.deepEqual(records(broken.reply.answers), [`${NAME} CNAME`, `${NAME} RRSIG`])
  })

  test('waits for answers that come later', async () => {
    const { askNow: _, ask: askLater } = await startPlugin(plugin, text)
    const next = upstream({ AAAA: { answers: [AAAA] }, A: { answers: [A] } })
    const reply = await askLater(query(), async (each) => next(each))
    assert.deepEqual([reply.answers, next.asked], [[], ['AAAA', 'A']])
  })
})

describe('before a cache', () => {
  /** The filter with the cache behind it, in front of an upstream. */
  async function chain(text: string, messages: Record<string, MessageText>) {
    const cached = await startPlugin(cache, 'cache')
    const filter = await startPlugin(plugin, text)
    const next = upstream(messages)
    const rest = toNext((query) => cached.running.handler!(query, toNext(next)))
    const ask = (query: Query): Reply => {
      const reply = filter.running.handler!(query, rest)
      assert.ok(!isPending(reply))
      return reply
    }
    return { ask, asked: next.asked, clock: cached.context.clock }
  }

  test('a client outside the networks gets the AAAA that others do not', async () => {
    const { ask } = await chain('aaaa-filter {\nonly_with_a\nnet 10.0.0.0/8\n}', {
      AAAA: { answers: [AAAA] },
      A: { answers: [A] },
    })
    const from = (address: string) => ask(toQuery(NAME, 'AAAA', { client: { address, port: 1 } })).scan!.answers
    assert.deepEqual([from('10.0.0.1'), from('192.0.2.1'), from('10.0.0.1'), from('192.0.2.1')], [0, 1, 0, 1])
  })

  test('hits are filtered with the time that is left', async () => {
    const cname = `${NAME} 300 IN CNAME b.example.org.`
    const messages = {
      AAAA: { answers: [cname, 'b.example.org. 300 IN AAAA 2001:db8::1'] },
      A: { answers: [cname, 'b.example.org. 300 IN A 192.0.2.1'] },
      HTTPS: { answers: [`${NAME} 300 IN HTTPS 1 . ipv6hint=2001:db8::1`], additionals: [AAAA] },
    }
    const { ask, asked, clock } = await chain('aaaa-filter {\nonly_with_a\nttl 200\nstrip ipv6hint\n}', messages)
    for (const [wait, ttl, hints] of [
      [0, 200, 300],
      [50, 200, 250],
      [70, 180, 180],
    ] as const) {
      await clock.advance(wait * 1000)
      const reply = ask(toQuery(NAME, 'AAAA'))
      if (wait > 0) assert.deepEqual([reply.answers[0]!.ttl, reply.authorities[0]!.ttl], [ttl, ttl])
      assert.deepEqual(records(reply.answers), [`${NAME} CNAME`])
      const service = ask(toQuery(NAME, 'HTTPS'))
      assert.deepEqual([service.answers[0]!.ttl, (service.answers[0]!.data as { params: object }).params], [hints, {}])
    }
    assert.deepEqual(asked, ['AAAA', 'A', 'HTTPS'])
  })

  test('an A that appears later hides AAAA that stood with stripped additionals', async () => {
    const cname = `${NAME} 300 IN CNAME b.org.`
    let answers = [cname]
    const messages = {
      AAAA: {
        answers: [cname, 'b.org. 300 IN AAAA 2001:db8::1'],
        additionals: ['x.org. 300 IN A 192.0.2.9', 'x.org. 300 IN AAAA 2001:db8::9'],
      },
      get A() {
        return { answers, authorities: ['. 5 IN SOA a. b. 1 2 3 4 5'] }
      },
    }
    const { ask, clock } = await chain('aaaa-filter {\nonly_with_a\nstrip additional\n}', messages)
    const query = () => toQuery(NAME, 'AAAA')
    ask(query())
    const stands = [ask(query()), ask(query())]
    assert.deepEqual(
      stands.map(({ scan }) => [scan!.answers, scan!.additionals]),
      [
        [2, 1],
        [2, 1],
      ],
    )
    assert.equal(stands[0]!.wire, stands[1]!.wire)
    answers = [cname, 'b.org. 300 IN A 192.0.2.1']
    await clock.advance(5000)
    assert.equal(ask(query()).scan!.answers, 1)
  })
})
