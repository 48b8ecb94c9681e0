import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RCODES, Reply, scanReply, TC, WireError } from 'corelet/plugin'
import { type MessageText, readText, startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import fc from 'fast-check'
import cache from './index.ts'
import { A, NAME, replay, SOA, ttls, upstream } from './testing.ts'
import { judge } from './verdict.ts'

const {
  options: [OPTIONS],
} = await readText(cache, 'cache')
const EXPIRED = `${NAME} 300 IN RRSIG A 8 3 300 20200101000000 20190101000000 1 example.org. AAAA`
const VALID = `${NAME} 300 IN RRSIG A 8 3 300 20300101000000 20190101000000 1 example.org. AAAA`

describe('times', () => {
  const NX = { rcode: RCODES.NXDOMAIN }
  const soa = (ttl: number, minimum: number) => `org. ${ttl} IN SOA a. b. 1 2 3 4 ${minimum}`
  const cases: [what: string, text: string, message: MessageText, ttl: number][] = [
    ['lowest TTL of all sections', 'cache', { answers: [A(300)], authorities: ['org. 90 IN NS ns.org.'] }, 90],
    ['at least MINTTL', 'cache', { answers: [A(0)] }, 5],
    ['at least the MINTTL of success', 'cache {\nsuccess 1000 3600 40\n}', { answers: [A(7)] }, 40],
    ['at most an hour', 'cache', { answers: [A(86_400)] }, 3600],
    ['at most the TTL of success', 'cache {\nsuccess 1000 60\n}', { answers: [A(300)] }, 60],
    ['more than an hour when told', 'cache 7200', { answers: [A(86_400)] }, 7200],
    ['TTL wins over MINTTL', 'cache {\nsuccess 1000 60 90\n}', { answers: [A(70)] }, 60],
    [
      'never over 31 bits',
      'cache 9999999999 {\nsuccess 1000 9999999999 9999999998\n}',
      { answers: [A(70)] },
      0x7fffffff,
    ],
    ['NXDOMAIN as its SOA', 'cache', { ...NX, authorities: [soa(90, 3600)] }, 90],
    ['NXDOMAIN at most MINIMUM', 'cache', { ...NX, authorities: [soa(900, 45)] }, 45],
    ['NXDOMAIN at most half an hour', 'cache', { ...NX, authorities: [soa(0x7fffffff, 0xffffffff)] }, 1800],
    ['NODATA at most the TTL of denial', 'cache {\ndenial 1000 60\n}', { authorities: [soa(90, 90)] }, 60],
    ['NODATA at least the MINTTL of denial', 'cache {\ndenial 1000 600 30\n}', { authorities: [soa(9, 9)] }, 30],
    ['a referral 5 s', 'cache', { authorities: ['org. 3600 IN NS ns.org.'] }, 5],
    ['what is not kept has its TTL changed too', 'cache', { rcode: RCODES.REFUSED, answers: [A(300)] }, 5],
  ]
  for (const [what, text, message, ttl] of cases) {
    test(what, async () => {
      const { replies } = await replay(text, message, [0])
      for (const reply of replies) assert.deepEqual(new Set(ttls(reply)), new Set([ttl]))
    })
  }
})

test('a TTL of 0 is not kept when MINTTL is 0', async () => {
  for (const [text, message] of [
    ['cache {\nsuccess 1000 3600 0\n}', { answers: [A(0)] }],
    ['cache {\ndenial 1000 3600 0\n}', { rcode: RCODES.NXDOMAIN, authorities: ['org. 300 IN SOA a. b. 1 2 3 4 0'] }],
  ] as const) {
    const { asked, replies } = await replay(text, message, [0])
    assert.equal(asked.length, 2)
    for (const reply of replies) assert.deepEqual(ttls(reply), [0])
  }
})

test('a TTL with its top bit set counts as the longest there is (RFC 8767 §4)', async () => {
  const plugin = await startPlugin(cache, 'cache')
  const next = upstream((query) => {
    const wire = toReply(query, { answers: [A(300)] }).wire!.slice()
    wire[wire.length - 10] = 0x80
    return Reply.fromWire(wire, scanReply(wire), 'upstream', 'answered')
  })
  assert.deepEqual(ttls(plugin.askNow(toQuery(NAME), next)), [3600])
})

describe('what is kept', () => {
  const cname = (owner: string, target: string) => `${owner} 300 IN CNAME ${target}`
  const kept: [what: string, message: MessageText, part: string | undefined, type?: string][] = [
    ['an answer', { answers: [A(300)] }, 'success'],
    ['an answer in another case', { answers: ['WWW.example.ORG. 300 IN A 192.0.2.1'] }, 'success'],
    [
      'an answer at the end of CNAMEs',
      { answers: ['c. 300 IN A 192.0.2.1', cname(NAME, 'b.'), cname('B.', 'C.')] },
      'success',
    ],
    [
      'an answer with a CNAME twice',
      { answers: [cname(NAME, 'b.'), cname(NAME, 'B.'), 'b. 300 IN A 192.0.2.1'] },
      'success',
    ],
    ['a CNAME that was asked for', { answers: [cname(NAME, 'b.')] }, 'success', 'CNAME'],
    ['anything for ANY', { answers: [cname(NAME, 'b.')] }, 'success', 'ANY'],
    ['a referral', { authorities: ['org. 300 IN NS ns.org.'] }, 'success'],
    ['NXDOMAIN', { rcode: RCODES.NXDOMAIN, authorities: [SOA] }, 'denial'],
    ['NODATA', { authorities: [SOA] }, 'denial'],
    ['CNAMEs that end without data', { answers: [cname(NAME, 'b.')], authorities: [SOA] }, 'denial'],
    ['SERVFAIL', { rcode: RCODES.SERVFAIL }, 'denial'],
    ['NOTIMP', { rcode: RCODES.NOTIMP }, 'denial'],
    ['a signed answer', { answers: [A(300), VALID], ednsFlags: 0x8000 }, 'success'],
    ['no CNAMEs that end nowhere', { answers: [cname(NAME, 'b.')] }, undefined],
    ['no answer to another name', { answers: ['other.org. 300 IN A 192.0.2.1'] }, undefined],
    ['no answer of another type', { answers: [`${NAME} 300 IN AAAA 2001:db8::1`] }, undefined],
    ['no answer of another class', { answers: [`${NAME} 300 CH A 192.0.2.1`] }, undefined],
    [
      'no name with two targets',
      { answers: [cname(NAME, 'b.'), cname(NAME, 'c.'), 'b. 300 IN A 192.0.2.1', 'c. 300 IN A 192.0.2.1'] },
      undefined,
    ],
    ['no loop', { answers: [cname(NAME, 'b.'), cname('b.', NAME), A(300)] }, undefined],
    ['no loop onto itself', { answers: [cname(NAME, NAME), A(300)] }, undefined],
    [
      'no DNAME without its CNAME',
      { answers: ['example.org. 300 IN DNAME example.com.', 'www.example.com. 300 IN A 192.0.2.1'] },
      undefined,
    ],
    ['no NODATA without SOA', {}, undefined],
    ['no NXDOMAIN without SOA', { rcode: RCODES.NXDOMAIN }, undefined],
    [
      'no NXDOMAIN with an answer',
      { rcode: RCODES.NXDOMAIN, answers: [cname(NAME, 'b.')], authorities: [SOA] },
      undefined,
    ],
    ['no REFUSED', { rcode: RCODES.REFUSED }, undefined],
    ['nothing truncated', { answers: [A(300)], flags: TC }, undefined],
    ['no answer with an expired signature', { answers: [A(300), EXPIRED], ednsFlags: 0x8000 }, undefined],
    ['no zone transfer', { answers: [SOA] }, undefined, 'AXFR'],
  ]
  for (const [what, message, part, type] of kept) {
    test(what, async () => {
      const { replies, asked, metrics } = await replay('cache', message, [0], type)
      assert.equal(asked.length, part ? 1 : 2)
      assert.equal(replies[1]!.plugin, part ? 'cache' : 'upstream')
      assert.equal(replies[1]!.rcode, message.rcode ?? RCODES.NOERROR)
      assert.equal(replies[1]!.scan!.answers, message.answers?.length ?? 0)
      for (const each of ['success', 'denial']) {
        assert.equal(
          metrics.value('coredns_cache_hits_total', 'dns://:53', each, '.', ''),
          part === each ? 1 : undefined,
        )
        if (part) {
          const entries = metrics.value('coredns_cache_entries', 'dns://:53', each, '.', '')
          assert.equal(entries, part === each ? 1 : 0)
        }
      }
    })
  }

  test('no answer to another question: it is passed on and counted', async () => {
    for (const other of [toQuery('other.org.'), toQuery(NAME, 'AAAA'), toQuery(NAME, 'A', { qclass: 3 })]) {
      const plugin = await startPlugin(cache, 'cache')
      const next = upstream(() => toReply(other, { authorities: [SOA] }))
      plugin.askNow(toQuery(NAME), next)
      assert.equal(plugin.askNow(toQuery(NAME), next).scan!.key, other.key)
      assert.equal(next.asked.length, 2)
      assert.equal(plugin.context.metrics.value('coredns_cache_drops_total', 'dns://:53', '.', ''), 2)
    }
  })

  test('SERVFAIL for 5 s, or as servfail says', async () => {
    const message = { rcode: RCODES.SERVFAIL }
    assert.equal((await replay('cache', message, [4, 5])).asked.length, 2)
    assert.equal((await replay('cache {\nservfail 20s\n}', message, [5, 19, 20])).asked.length, 2)
    assert.equal((await replay('cache {\nservfail 0\n}', message, [0])).asked.length, 2)
    assert.equal((await replay('cache {\nservfail 500ms\n}', message, [0])).asked.length, 2)
  })

  test('a failure of the rest of the chain for 1 s, with its error', async () => {
    for (const [text, asked] of [
      ['cache', 2],
      ['cache {\nservfail 0\n}', 4],
      ['cache {\ndisable denial\n}', 4],
    ] as const) {
      const plugin = await startPlugin(cache, text)
      const next = upstream((query) => query.fail(RCODES.SERVFAIL, 'forward', new Error('timeout')))
      for (const wait of [0, 500, 499, 1]) {
        await plugin.context.clock.advance(wait)
        const reply = plugin.askNow(toQuery(NAME), next)
        assert.deepEqual([reply.kind, reply.rcode, reply.plugin], ['failure', RCODES.SERVFAIL, 'forward'])
        assert.match(String(reply.error), /timeout/)
      }
      assert.equal(next.asked.length, asked)
    }
  })

  test('no failure of another kind', async () => {
    const plugin = await startPlugin(cache, 'cache')
    const next = upstream((query) => query.fail(RCODES.REFUSED, 'forward', 'no'))
    plugin.askNow(toQuery(NAME), next)
    plugin.askNow(toQuery(NAME), next)
    assert.equal(next.asked.length, 2)
  })
})

test('any octets that pass for a reply are judged', () => {
  const sample = toReply(toQuery(NAME), {
    answers: [`${NAME} 300 IN CNAME b.example.org.`, 'b.example.org. 300 IN A 192.0.2.1'],
    authorities: [SOA],
  }).wire!
  const change = fc.tuple(fc.nat({ max: sample.length - 1 }), fc.nat({ max: 255 }))
  let judged = 0
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const wire = sample.slice()
      for (const [at, octet] of changes) wire[at] = octet
      let reply: Reply
      try {
        reply = Reply.fromWire(wire, scanReply(wire), 'upstream', 'answered')
      } catch (error) {
        assert.ok(error instanceof WireError)
        return
      }
      judged++
      const { ttl } = judge(toQuery(NAME), reply, OPTIONS!, 0)
      assert.ok(Number.isInteger(ttl) && ttl >= 5 && ttl <= 3600)
    }),
    { numRuns: 2000 },
  )
  assert.ok(judged > 200)
})
