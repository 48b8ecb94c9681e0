import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, AD, formatRecord, type Query, RA, RCODES, type Reply } from 'corelet/plugin'
import {
  checkDirectives,
  fakeContext,
  type MessageText,
  type QueryParts,
  readText,
  startPlugin,
  toQuery,
  toReply,
} from 'corelet/plugin/testing'
import dns64 from './index.ts'
import { embed, WELL_KNOWN } from './prefix.ts'

const V6: QueryParts = { client: { address: '2001:db8::1', port: 53 } }
const A: MessageText = {
  answers: ['a.example. 300 IN CNAME b.example.', 'b.example. 300 IN A 192.0.2.33'],
  authorities: ['example. 300 IN NS ns.example.'],
  additionals: ['ns.example. 300 IN A 192.0.2.1'],
  rcode: RCODES.NOERROR,
  flags: AA | RA | AD,
}

/** Asks for AAAA; the rest of the chain answers with `message`, a look-up of A with `found`. */
async function run(
  text: string,
  query: Query,
  message: MessageText | ((query: Query) => Reply) = {},
  found: MessageText | ((query: Query) => Reply) = A,
) {
  const answer = (what: typeof message) => (each: Query) =>
    typeof what === 'function' ? what(each) : toReply(each, what)
  const asked: string[] = []
  const context = fakeContext({
    plugin: 'dns64',
    ask(each) {
      asked.push(`${each.name} ${each.type}`)
      return answer(found)(each)
    },
  })
  const { askNow } = await startPlugin(dns64, text, context)
  const reply = askNow(query, answer(message))
  const records = (list: Reply['answers']) => list.map((record) => formatRecord(record).replaceAll('\t', ' '))
  return {
    reply,
    asked,
    answers: records(reply.answers),
    others: records([...reply.authorities, ...reply.additionals]),
    translated: context.metrics.value('coredns_dns64_requests_translated_total', 'dns://:53') ?? 0,
  }
}

const aaaa = (parts: QueryParts = V6) => toQuery('a.example.', 'AAAA', parts)

describe('an answer without IPv6 addresses', () => {
  test('is made of the IPv4 addresses', async () => {
    const { reply, answers, others, asked, translated } = await run('dns64', aaaa(), { flags: AA | RA | AD })
    assert.deepEqual(asked, ['a.example. A'])
    assert.deepEqual(answers, ['a.example. 300 IN CNAME b.example.', 'b.example. 300 IN AAAA 64:ff9b::c000:221'])
    assert.deepEqual(others, ['example. 300 IN NS ns.example.', 'ns.example. 300 IN A 192.0.2.1'])
    assert.equal(reply.flags & (AA | RA | AD), 0)
    assert.equal(translated, 1)
  })

  test('lives no longer than its SOA or ten minutes', async () => {
    const soa = { authorities: ['example. 60 IN SOA a. b. 1 1 1 1 1'] }
    assert.match((await run('dns64', aaaa(), soa)).answers[1]!, /^b\.example\. 60 /)
    const long = { answers: ['a.example. 7200 IN A 192.0.2.33'] }
    assert.match((await run('dns64', aaaa(), {}, long)).answers[0]!, /^a\.example\. 600 /)
  })

  test('may be an error reply; the rcode is NOERROR then, whatever that of the look-up', async () => {
    for (const rcode of [RCODES.SERVFAIL, RCODES.REFUSED]) {
      const { reply, answers } = await run('dns64', aaaa(), { rcode })
      assert.deepEqual([reply.rcode, answers.length], [RCODES.NOERROR, 2])
    }
    const { reply, translated } = await run('dns64', aaaa(), {}, { rcode: RCODES.NXDOMAIN })
    assert.deepEqual([reply.rcode, reply.answers.length, translated], [RCODES.NOERROR, 0, 1])
  })

  test('may say that the name does not exist, behind a CNAME', async () => {
    const { reply, asked } = await run('dns64', aaaa(), {
      rcode: RCODES.NXDOMAIN,
      answers: ['a.example. 60 IN CNAME b.example.'],
    })
    assert.deepEqual([asked.length, reply.rcode, reply.answers.length], [1, RCODES.NOERROR, 2])
  })

  test('is cut when that of the look-up was', async () => {
    assert.equal((await run('dns64', aaaa(), {}, { ...A, flags: 0x0200 })).reply.truncated, true)
  })

  test('is SERVFAIL when nothing can be looked up', async () => {
    const { reply, translated } = await run('dns64', aaaa(), {}, (query) =>
      query.fail(RCODES.SERVFAIL, 'forward', 'down'),
    )
    assert.deepEqual([reply.kind, reply.rcode, translated], ['failure', RCODES.SERVFAIL, 0])
  })
})

describe('what passes', () => {
  const passes: [what: string, text: string, query: Query, message: MessageText | ((query: Query) => Reply)][] = [
    ['another type', 'dns64', toQuery('a.example.', 'A', V6), {}],
    ['another class', 'dns64', aaaa({ ...V6, qclass: 3 }), {}],
    ['a client on IPv4', 'dns64', aaaa({}), {}],
    ['NXDOMAIN', 'dns64', aaaa(), { rcode: RCODES.NXDOMAIN, authorities: ['example. 60 IN SOA a. b. 1 1 1 1 1'] }],
    ['NXDOMAIN without a SOA', 'dns64', aaaa(), { rcode: RCODES.NXDOMAIN }],
    ['an IPv6 address', 'dns64', aaaa(), { answers: ['a.example. 60 IN AAAA 2001:db8::1'] }],
    ['a failure', 'dns64', aaaa(), (query) => query.fail(RCODES.SERVFAIL, 'forward', 'down')],
    ['silence', 'dns64', aaaa(), (query) => query.drop('acl', '')],
  ]
  for (const [what, text, query, message] of passes) {
    test(what, async () => assert.deepEqual((await run(text, query, message)).asked, []))
  }
})

test('translate_all translates where there are IPv6 addresses, allow_ipv4 for everybody', async () => {
  const message = { answers: ['a.example. 60 IN AAAA 2001:db8::1'] }
  assert.equal((await run('dns64 {\ntranslate_all\n}', aaaa(), message)).answers.length, 2)
  assert.equal((await run('dns64 {\nallow_ipv4\n}', aaaa({}))).answers.length, 2)
})

test('addresses are embedded as RFC 6052 §2.4 shows', async () => {
  const cases = [
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100:0'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
  ] as const
  for (const [prefix, address] of cases) {
    const { options } = await readText(dns64, `dns64 ${prefix}`)
    assert.equal(embed(options[0]!.prefix, '192.0.2.33'), address, prefix)
  }
})

describe('the directive', () => {
  const good: [text: string, prefix: string, all: boolean, ipv4: boolean][] = [
    ['dns64', '64:ff9b::', false, false],
    ['dns64 64:1337::/64', '64:1337::', false, false],
    ['dns64 {\nprefix 64:1337::/64\n}', '64:1337::', false, false],
    ['dns64 {\ntranslate_all\nallow_ipv4\n}', '64:ff9b::', true, true],
    ['dns64 64:1337::/32 {\ntranslate_all\n}', '64:1337::', true, false],
    ['dns64 64:1337::/32\ndns64 {\nallow_ipv4\n}', '64:1337::', false, true],
  ]
  for (const [text, address, all, ipv4] of good) {
    test(`takes ${text.replaceAll('\n', ' ')}`, async () => {
      const [options] = (await readText(dns64, text)).options
      assert.ok(embed(options!.prefix, '0.0.0.0').startsWith(address.replace(/::$/, '')))
      assert.deepEqual([options!.translateAll, options!.allowIpv4], [all, ipv4])
    })
  }
  test('mistakes are found where they are', async () => {
    await checkDirectives(dns64, [
      ['dns64 64:ff9b::', '2:7 dns64/invalid-prefix'],
      ['dns64 foo/96', '2:7 dns64/invalid-prefix'],
      ['dns64 64:ff9b::/129', '2:7 dns64/invalid-prefix'],
      ['dns64 10.0.0.0/32', '2:7 dns64/wrong-family'],
      ['dns64 64:ff9b::/97', '2:7 dns64/invalid-length'],
      ['dns64 64:ff9b::/24', '2:7 dns64/invalid-length'],
      ['dns64 64:ff9b::/33', '2:7 dns64/invalid-length'],
      ['dns64 a b', '2:7 dns64/invalid-prefix', '2:9 wrong-argument-count'],
      ['dns64 {\nprefix\n}', '3:1 wrong-argument-count'],
      ['dns64 {\ntranslate_all now\n}', '3:15 wrong-argument-count'],
      ['dns64 {\ntranslate\n}', '3:1 unknown-property'],
    ])
  })
  test('the well-known prefix is 64:ff9b::/96', () =>
    assert.equal(embed(WELL_KNOWN, '192.0.2.33'), '64:ff9b::c000:221'))
})
