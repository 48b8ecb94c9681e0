import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, type Query, RA, RCODES } from 'corelet/plugin'
import { fakeContext, type MessageText, startPlugin, startServer, toQuery, toReply } from 'corelet/plugin/testing'
import rewrite from './index.ts'
import { asked, run } from './testing.ts'

describe('names', () => {
  const cases: [rule: string, from: string, to: string][] = [
    ['name a.example b.example', 'A.Example.', 'b.example.'],
    ['name exact a.example. B.example.', 'a.example.', 'b.example.'],
    ['name exact a.example b.example', 'x.a.example.', 'x.a.example.'],
    ['name prefix foo bar', 'foo.example.', 'bar.example.'],
    ['name prefix foo bar', 'foobar.example.', 'foobar.example.'],
    ['name suffix .old.example. .new.example.', 'a.old.example.', 'a.new.example.'],
    ['name suffix old.example new.example', 'very-old.example.', 'very-new.example.'],
    ['name substring b c', 'a.b.b.d.', 'a.c.c.d.'],
    ['name regex (.*)\\.old\\.(example)\\.$ {1}.{2}.new', 'A.B.old.example.', 'a.b.example.new.'],
    ['name regex ^(a)-.*$ {1}.example', 'b.example.', 'b.example.'],
    ['NAME Exact a.example b.example', 'a.example.', 'b.example.'],
    ['stop name a.example b.example', 'a.example.', 'b.example.'],
  ]
  for (const [rule, from, to] of cases) {
    test(`${rule}: ${from}`, async () => assert.equal(await asked(rule, from), `${to} A IN`))
  }

  test('a rule in braces may have several lines', async () => {
    assert.equal(await asked('{\nname exact a.example b.example\nanswer auto\n}', 'a.example.'), 'b.example. A IN')
    assert.equal(await asked('continue {\nname regex\n^a\\. b.\n}', 'a.example.'), 'b. A IN')
  })

  test('a stop rule that fires is the last, a continue rule is not', async () => {
    const rules = ['name a.example b.example', 'name b.example c.example']
    assert.equal(await asked(rules, 'a.example.'), 'b.example. A IN')
    assert.equal(
      await asked(
        rules.map((rule) => `continue ${rule}`),
        'a.example.',
      ),
      'c.example. A IN',
    )
    assert.equal(await asked(['name x.example y.example', 'type A AAAA'], 'a.example.'), 'a.example. AAAA IN')
  })

  test('what is no name any more is SERVFAIL', async () => {
    const { reply, asked } = await run('name regex ^(.*)\\.$ {1}..', ['a.example.'])
    assert.deepEqual(
      [reply.rcode, reply.error, asked],
      [RCODES.SERVFAIL, 'invalid name after rewrite: a.example..', ''],
    )
  })

  test('queries that no rule is for pass untouched', async () => {
    const { query } = await run('name a.example b.example', ['other.example.'])
    assert.equal(query.origin, query)
  })
})

describe('the question in replies is that of the client, in its case', () => {
  for (const rule of ['name a.example b.example', 'continue name a.example b.example', 'type A AAAA', 'class IN CH']) {
    test(rule, async () => {
      const { reply } = await run(rule, ['A.exAmple.'], { flags: RA | AA, answers: ['b.example. 60 IN TXT "x"'] })
      assert.equal(reply.scan!.key, '\x01a\x07example\0')
      assert.equal(Buffer.from(reply.wire!.subarray(12, 23)).toString('latin1'), '\x01A\x07exAmple\0')
      assert.deepEqual([reply.scan!.qtype, reply.flags & AA, reply.answers.length], [1, AA, 1])
    })
  }
})

describe('answers', () => {
  const message = {
    answers: ['b.example. 60 IN CNAME x.b.example.', 'x.b.example. 60 IN A 192.0.2.1'],
    authorities: ['example. 60 IN NS b.example.'],
    additionals: ['b.example. 60 IN SRV 0 0 53 other.example.'],
  }

  test('of exact rules get the old name back, in owners and values, and below', async () => {
    const { records } = await run('name a.example b.example', ['A.example.'], message)
    assert.deepEqual(records, [
      'a.example. 60 IN CNAME x.a.example.',
      'x.a.example. 60 IN A 192.0.2.1',
      'example. 60 IN NS a.example.',
      'a.example. 60 IN SRV 0 0 53 other.example.',
    ])
  })

  test('of other rules stay as they are', async () => {
    const { records } = await run('name prefix a b', ['a.example.'], message)
    assert.equal(records[0], 'b.example. 60 IN CNAME x.b.example.')
  })

  test('auto gives the old name back', async () => {
    const { records } = await run('name prefix a b answer auto', ['a.example.'], message)
    assert.equal(records[0], 'a.example. 60 IN CNAME x.a.example.')
  })

  test('auto gives the old suffix back', async () => {
    const { records } = await run('name suffix .old. .example. answer auto', ['b.old.'], message)
    assert.deepEqual(records.slice(0, 3), [
      'b.old. 60 IN CNAME x.b.old.',
      'x.b.old. 60 IN A 192.0.2.1',
      'example. 60 IN NS b.old.',
    ])
  })

  test('names and values are rewritten by regular expressions, whole', async () => {
    const rule =
      'name regex ^a\\.(.*)\\.$ b.{1} answer name ^(.*)\\.b\\.example\\.$ {1}.seen answer value ^x\\.(.*)\\.$ y.{1}'
    const { records } = await run(rule, ['a.example.'], message)
    assert.deepEqual(records.slice(0, 2), ['b.example. 60 IN CNAME y.b.example.', 'x.seen. 60 IN A 192.0.2.1'])
  })

  test('the word answer may be left out behind the first', async () => {
    const { records } = await run('name prefix a b answer name ^b\\. c. value ^x\\. z.', ['a.example.'], message)
    assert.equal(records[0], 'c. 60 IN CNAME z.')
  })

  test('values are names in SRV, MX, CNAME, NS, DNAME, NAPTR, SOA and PTR', async () => {
    const { records } = await run('name prefix a b answer value ^old\\.$ new', ['a.example.'], {
      answers: [
        'x. 1 IN SRV 0 0 53 old.',
        'x. 1 IN MX 10 old.',
        'x. 1 IN CNAME old.',
        'x. 1 IN NS old.',
        'x. 1 IN DNAME old.',
        'x. 1 IN NAPTR 1 1 "u" "s" "" old.',
        'x. 1 IN SOA old. old. 1 1 1 1 1',
        'x. 1 IN PTR old.',
        'x. 1 IN TXT "old."',
      ],
    })
    assert.deepEqual(
      records.map((record) => record.replace(/^x\. 1 IN /, '')),
      [
        'SRV 0 0 53 new.',
        'MX 10 new.',
        'CNAME new.',
        'NS new.',
        'DNAME new.',
        'NAPTR 1 1 "u" "s" "" new.',
        'SOA new. old. 1 1 1 1 1',
        'PTR new.',
        'TXT "old."',
      ],
    )
  })

  test('rules of continue are applied in reverse order', async () => {
    const rules = ['continue name a.example b.example', 'continue name b.example c.example']
    const { asked, records } = await run(rules, ['a.example.'], { answers: ['c.example. 60 IN A 192.0.2.1'] })
    assert.deepEqual([asked, records], ['c.example. A IN', ['a.example. 60 IN A 192.0.2.1']])
  })

  test('of replies that could not be sent any more are SERVFAIL', async () => {
    const { reply } = await run('name prefix a b answer name ^(.*)\\.$ {1}..', ['a.example.'], message)
    assert.equal(reply.rcode, RCODES.SERVFAIL)
    assert.match(String(reply.error), /empty label/)
  })
})

describe('types and classes', () => {
  test('are asked for instead, and records stay as they are', async () => {
    const { asked, records } = await run('type ANY HINFO', ['a.example.', 'ANY'], {
      answers: ['a.example. 1 IN HINFO a b'],
    })
    assert.deepEqual([asked, records], ['a.example. HINFO IN', ['a.example. 1 IN HINFO "a" "b"']])
    assert.equal(await asked2('class CH IN', 'a.example.', 'A', { qclass: 3 }), 'a.example. A IN')
    assert.equal(await asked2('type aaaa a', 'a.example.', 'AAAA'), 'a.example. A IN')
  })
  const asked2 = (rule: string, ...question: Parameters<typeof run>[1]) => asked(rule, ...question)
})

describe('ttl', () => {
  const cases: [ttl: string, expected: [number, number]][] = [
    ['30', [30, 30]],
    ['30-100', [30, 100]],
    ['30-', [30, 300]],
    ['-100', [10, 100]],
  ]
  for (const [ttl, expected] of cases) {
    test(ttl, async () => {
      const { reply } = await run(`ttl a.example ${ttl}`, ['a.example.'], {
        answers: ['a.example. 10 IN A 192.0.2.1', 'a.example. 300 IN A 192.0.2.2'],
      })
      assert.deepEqual(
        reply.answers.map((record) => record.ttl),
        expected,
      )
    })
  }
  test('only of names that match', async () => {
    const ttl = async (rule: string) =>
      (await run(rule, ['a.example.'], { answers: ['a.example. 10 IN A 192.0.2.1'] })).reply.answers[0]!.ttl
    assert.deepEqual(
      await Promise.all([
        ttl('ttl b.example 30'),
        ttl('ttl suffix example 30'),
        ttl('ttl prefix a 30'),
        ttl('ttl substring exam 30'),
        ttl('ttl regex ^a 30'),
      ]),
      [10, 30, 30, 10, 30],
    )
  })
})

describe('rcode', () => {
  test('is told as another', async () => {
    const rcode = async (rule: string, message: MessageText) => (await run(rule, ['a.example.'], message)).reply.rcode
    assert.equal(await rcode('rcode a.example NXDOMAIN SERVFAIL', { rcode: 3 }), RCODES.SERVFAIL)
    assert.equal(await rcode('rcode a.example 3 0', { rcode: 3, authorities: ['example. 1 IN NS a.'] }), 0)
    assert.equal(await rcode('rcode a.example nxdomain servfail', { rcode: 5 }), 5)
    assert.equal(await rcode('rcode b.example NXDOMAIN SERVFAIL', { rcode: 3 }), 3)
  })

  test('by several rules, one after the other, the last first', async () => {
    const rules = ['continue rcode a.example NXDOMAIN SERVFAIL', 'rcode a.example REFUSED NXDOMAIN']
    const { reply } = await run(rules, ['a.example.'], { rcode: RCODES.REFUSED })
    assert.equal(reply.rcode, RCODES.SERVFAIL)
  })

  test('also of failures, whose error is kept', async () => {
    const { reply } = await run('rcode a.example SERVFAIL NXDOMAIN', ['a.example.'], (query) =>
      query.fail(RCODES.SERVFAIL, 'forward', 'no answer'),
    )
    assert.deepEqual([reply.kind, reply.rcode, reply.error], ['failure', RCODES.NXDOMAIN, 'no answer'])
  })

  test('silence stays silence', async () => {
    const { reply } = await run('rcode a.example SERVFAIL NXDOMAIN', ['a.example.'], (query) => query.drop('acl', ''))
    assert.equal(reply.kind, 'drop')
  })
})

describe('cname', () => {
  const answers = ['a.example. 60 IN CNAME cdn.old.', 'cdn.old. 60 IN CNAME deep.old.', 'deep.old. 60 IN A 192.0.2.1']
  const found = (query: Query) => toReply(query, { answers: [`${query.name} 5 IN A 192.0.2.9`], flags: 0x0200 })
  const cases: [rule: string, target: string][] = [
    ['cname cdn.old cdn.new', 'cdn.new.'],
    ['cname exact CDN.old. cdn.new.', 'cdn.new.'],
    ['cname prefix cdn edge', 'edge.old.'],
    ['cname suffix .old. .new.', 'cdn.new.'],
    ['cname substring old new', 'cdn.new.'],
    ['cname regex ^(\\S+)\\.old\\.$ {1}.new', 'cdn.new.'],
  ]
  for (const [rule, target] of cases) {
    test(rule, async () => {
      const { records, reply } = await run(rule, ['a.example.'], { answers }, found)
      assert.deepEqual(records, [`a.example. 60 IN CNAME ${target}`, `${target} 5 IN A 192.0.2.9`])
      assert.equal(reply.truncated, true)
    })
  }

  test('further down the chain keeps what leads there', async () => {
    const { records } = await run('cname deep.old deep.new', ['a.example.'], { answers }, found)
    assert.deepEqual(records, [
      'a.example. 60 IN CNAME cdn.old.',
      'cdn.old. 60 IN CNAME deep.new.',
      'deep.new. 5 IN A 192.0.2.9',
    ])
  })

  test('a target in other letters is left alone', async () => {
    const upper = ['a.example. 60 IN CNAME CDN.old.']
    const { records } = await run('cname cdn.old cdn.new', ['a.example.'], { answers: upper }, found)
    assert.deepEqual(records, upper)
  })

  test('what fails is logged and leaves the reply', async () => {
    const { records, lines } = await run('cname cdn.old cdn.new', ['a.example.'], { answers }, (query) =>
      query.fail(RCODES.SERVFAIL, 'forward', 'no answer'),
    )
    assert.equal(records.length, 3)
    assert.deepEqual(lines, ['[ERROR] plugin/rewrite: Error upstream request: cdn.new.: no answer'])
  })

  test('waits for a lookup that takes time', async () => {
    const context = fakeContext({ plugin: 'rewrite', ask: async (query) => found(query) })
    const { ask } = await startPlugin(rewrite, 'rewrite cname cdn.old cdn.new\nrewrite ttl a.example 7', context)
    const reply = await ask(toQuery('a.example.'), (query) => toReply(query, { answers }))
    assert.deepEqual(
      reply.answers.map(({ ttl }) => ttl),
      [60, 5],
      'it fires for every query, so it stops rules behind it',
    )
  })
})

test('a whole server rewrites, and its cache keeps what is behind', async () => {
  const server = await startServer(`.:0 {
    rewrite name old.example new.example
    rewrite name suffix .a.example. .b.example. answer auto
    cache
    hosts {
      192.0.2.1 new.example
      192.0.2.2 www.b.example
    }
  }`)
  try {
    for (let i = 0; i < 2; i++) {
      const { answers, question } = await server.query('OLD.example.', 'A')
      assert.deepEqual(
        [question?.name, answers[0]?.name, answers[0]?.data],
        ['OLD.example.', 'old.example.', '192.0.2.1'],
      )
    }
    assert.deepEqual((await server.query('www.a.example.', 'A')).answers[0]?.name, 'www.a.example.')
  } finally {
    await server.stop()
  }
})
