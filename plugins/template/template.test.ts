import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, formatRecord, type Query, RA, RCODES, type Reply } from 'corelet/plugin'
import {
  checkDirectives,
  fakeContext,
  readText,
  startPlugin,
  startServer,
  toQuery,
  toReply,
} from 'corelet/plugin/testing'
import template from './index.ts'

const block = (head: string, ...lines: string[]) => `template ${head} {\n${lines.join('\n')}\n}`

/** Asks through templates; `passed` tells whether the next plugin was asked. */
async function run(
  text: string,
  question: Query,
  ask: (query: Query) => Reply | Promise<Reply> = (each) => toReply(each, {}),
) {
  const context = fakeContext({ plugin: 'template', ask })
  const started = await startPlugin(template, text, context)
  let passed = false
  const reply = await started.ask(question, (each) => {
    passed = true
    return toReply(each, {})
  })
  const show = (list: Reply['answers']) => list.map((record) => formatRecord(record).replaceAll('\t', ' '))
  return {
    reply,
    passed,
    answers: show(reply.answers),
    authorities: show(reply.authorities),
    additionals: show(reply.additionals),
    metrics: context.metrics,
  }
}

describe('what a template is for', () => {
  const cases: [head: string, name: string, type: string, qclass: number, passed: boolean][] = [
    ['IN A', 'a.example.', 'A', 1, false],
    ['IN A', 'a.example.', 'AAAA', 1, true],
    ['IN ANY', 'a.example.', 'AAAA', 1, false],
    ['ANY ANY', 'a.example.', 'TXT', 3, false],
    ['IN A', 'a.example.', 'A', 3, true],
    ['IN AAAA', 'a.example.', 'ANY', 1, false],
    ['IN A example.org', 'a.example.', 'A', 1, true],
    ['IN A example.org example', 'A.Example.', 'A', 1, false],
  ]
  for (const [head, name, type, qclass, passed] of cases) {
    test(`${head}: ${name} ${type} of class ${qclass} ${passed ? 'passes' : 'is answered'}`, async () => {
      assert.equal((await run(block(head, 'rcode NXDOMAIN'), toQuery(name, type, { qclass }))).passed, passed)
    })
  }

  test('a template without any line answers with nothing', async () => {
    const { reply } = await run('template IN A', toQuery('a.example.'))
    assert.deepEqual([reply.kind, reply.rcode, reply.flags & (AA | RA), reply.answers.length], ['answer', 0, AA, 0])
  })
})

describe('patterns', () => {
  test('the first that matches gives the groups', async () => {
    const text = block(
      'IN A',
      'match ^ip-(?P<a>\\d+)-(\\d+)\\.example\\.$ ^(?P<a>b)\\.',
      'match ^never',
      'answer "{{ .Name }} 60 IN TXT {{ .Group.a }} {{ index .Match 1 }} {{ .Regex | len }}"',
    )
    assert.deepEqual((await run(text, toQuery('IP-1-2.Example.'))).answers, ['ip-1-2.example. 60 IN TXT "1" "1" "32"'])
    assert.deepEqual((await run(text, toQuery('b.example.'))).answers, ['b.example. 60 IN TXT "b" "b" "11"'])
  })

  test('no match is SERVFAIL, or the next plugin with fallthrough', async () => {
    const { reply, passed } = await run(block('IN A', 'match ^x'), toQuery('a.example.'))
    assert.deepEqual([reply.kind, reply.rcode, passed], ['failure', RCODES.SERVFAIL, false])
    assert.equal((await run(block('IN A', 'match ^x', 'fallthrough'), toQuery('a.example.'))).passed, true)
    assert.equal((await run(block('IN A', 'match ^x', 'fallthrough example'), toQuery('a.example.'))).passed, true)
    assert.equal((await run(block('IN A', 'match ^x', 'fallthrough org'), toQuery('a.example.'))).passed, false)
  })

  test('templates are tried in order', async () => {
    const text = [
      block('IN A', 'match ^x', 'answer "x. A 192.0.2.1"', 'fallthrough'),
      block('IN A', 'answer "{{ .Name }} A 192.0.2.2"'),
    ].join('\n')
    assert.deepEqual((await run(text, toQuery('a.example.'))).answers, ['a.example. 3600 IN A 192.0.2.2'])
  })
})

describe('var and expr', () => {
  const text = block(
    'IN A',
    'match ^(?P<n>\\d+)\\.',
    'var number int(group("n"))',
    'var double number * 2',
    'expr number < 100',
    'expr "group(1) != \'7\'"',
    'answer "{{ .Name }} 1 IN TXT {{ .Var.double }}"',
    'fallthrough',
  )
  test('make values for one another and for templates', async () => {
    assert.deepEqual((await run(text, toQuery('21.example.'))).answers, ['21.example. 1 IN TXT "42"'])
  })
  test('what is false counts as no match', async () => {
    for (const name of ['100.example.', '7.example.']) assert.equal((await run(text, toQuery(name))).passed, true)
    const other = await run(block('IN A', 'expr name()'), toQuery('a.example.'))
    assert.deepEqual([other.passed, other.reply.rcode], [false, RCODES.SERVFAIL], 'a text is not true')
  })
  test('what has no value is SERVFAIL even with fallthrough', async () => {
    const failing = block('IN A', 'var x int(name())', 'fallthrough')
    const { passed, reply } = await run(failing, toQuery('a.example.'))
    assert.deepEqual([passed, reply.kind, reply.rcode], [false, 'failure', RCODES.SERVFAIL])
  })
})

describe('replies', () => {
  test('have the records of all sections, relative to the root', async () => {
    const text = block(
      'IN MX example',
      'answer "{{ .Name }} 60 IN MX 10 mail.{{ .Zone }}" "{{ .Name }} MX 20 b"',
      'additional "mail.{{ .Zone }} 60 IN A 192.0.2.1"',
      'authority "example. 60 IN NS ns.example."',
    )
    const { answers, additionals, authorities, reply, metrics } = await run(text, toQuery('a.example.', 'MX'))
    assert.deepEqual(answers, ['a.example. 60 IN MX 10 mail.example.', 'a.example. 3600 IN MX 20 b.'])
    assert.deepEqual([additionals, authorities].flat(), [
      'mail.example. 60 IN A 192.0.2.1',
      'example. 60 IN NS ns.example.',
    ])
    assert.equal(reply.flags & (AA | RA), AA)
    assert.equal(metrics.value('coredns_template_matches_total', 'dns://:53', 'example.', '', 'IN', 'MX'), 1)
  })

  test('data of the query can be written into them', async () => {
    const answer =
      'answer "{{ .Name }} 1 IN TXT {{ .Class }} {{ .Type }} {{ .Zone }} {{ .Remote }} {{ .Question.Name }} {{ .Message.Id }} {{ .Meta \\"a/b\\" }}x"'
    const query = toQuery('a.example.', 'ANY')
    query.setMetadata('a/b', () => 'meta')
    assert.deepEqual((await run(block('IN TXT', answer), query)).answers, [
      'a.example. 1 IN TXT "IN" "TXT" "." "192.0.2.53" "a.example." "4711" "metax"',
    ])
  })

  test('have an rcode of choice, once', async () => {
    for (const rcode of ['NXDOMAIN', 'REFUSED', 'NOTIMP', 'FORMERR'] as const) {
      const { reply } = await run(
        block('IN A', `rcode ${rcode}`, 'authority "example. 60 IN SOA a. b. 1 1 1 1 1"'),
        toQuery('a.example.'),
      )
      assert.deepEqual([reply.kind, reply.rcodeName, reply.authorities.length], ['answer', rcode, 1])
    }
    const { reply } = await run(
      block('IN A', 'rcode SERVFAIL', 'ederror 15 x', 'answer "a. A 192.0.2.1"'),
      toQuery('a.example.'),
    )
    assert.deepEqual([reply.kind, reply.rcode, reply.options], ['failure', RCODES.SERVFAIL, []])
  })

  test('have an extended error', async () => {
    const { reply } = await run(block('IN A', 'rcode NXDOMAIN', 'ederror 21 "Blocked here"'), toQuery('a.example.'))
    assert.deepEqual(reply.options, [{ code: 15, data: new Uint8Array([0, 21, ...Buffer.from('Blocked here')]) }])
  })

  test('a template that can not be filled in is SERVFAIL and counted', async () => {
    for (const [source, counter] of [
      ['{{ .Nope }}', 'coredns_template_template_failures_total'],
      ['{{ .Name }} 60 IN A nowhere', 'coredns_template_rr_failures_total'],
    ] as const) {
      const { reply, metrics } = await run(block('IN A', `answer "${source}"`), toQuery('a.example.'))
      assert.deepEqual([reply.kind, reply.rcode], ['failure', RCODES.SERVFAIL])
      assert.equal(metrics.value(counter, 'dns://:53', '.', '', 'IN', 'A', 'answer', source), 1)
    }
  })

  test('a template that gives no text makes no record', async () => {
    const { answers, reply } = await run(
      block('IN A', 'answer "{{ if false }}a. A 192.0.2.1{{ end }}"'),
      toQuery('a.example.'),
    )
    assert.deepEqual([answers, reply.kind], [[], 'answer'])
  })

  test('CNAMEs are followed for addresses', async () => {
    const text = block('IN ANY', 'answer "{{ .Name }} 60 IN CNAME b.example."')
    const found = (each: Query) =>
      toReply(each, { answers: [`${each.name} 5 IN ${each.type} 192.0.2.9`], flags: 0x0200 })
    const { answers, reply } = await run(text, toQuery('a.example.'), found)
    assert.deepEqual(answers, ['a.example. 60 IN CNAME b.example.', 'b.example. 5 IN A 192.0.2.9'])
    assert.equal(reply.truncated, true)
    assert.equal((await run(text, toQuery('a.example.', 'TXT'), found)).answers.length, 1)
    const failing = await run(text, toQuery('a.example.'), async (each) => each.fail(RCODES.SERVFAIL, 'x', 'no'))
    assert.deepEqual([failing.answers.length, failing.reply.rcode], [1, 0])
  })
})

describe('mistakes', () => {
  test('mistakes are found where they are', async () => {
    await checkDirectives(template, [
      ['template', '2:1 wrong-argument-count'],
      ['template IN', '2:10 wrong-argument-count'],
      ['template in A', '2:10 template/invalid-class'],
      ['template IN a', '2:13 template/invalid-type'],
      ['template IN A a..b', '2:15 bad-zone'],
      [block('IN A', 'match'), '3:1 wrong-argument-count'],
      [block('IN A', 'match ('), '3:7 template/invalid-regex'],
      [block('IN A', `match ${'a'.repeat(10_001)}`), '3:7 template/invalid-regex'],
      [block('IN A', 'answer'), '3:1 wrong-argument-count'],
      [block('IN A', 'answer "{{ .Name "'), '3:8 template/invalid-template'],
      [block('IN A', 'additional "{{ nope }}"'), '3:12 template/invalid-template'],
      [block('IN A', 'authority "{{ if }}"'), '3:11 template/invalid-template'],
      [block('IN A', 'rcode nxdomain'), '3:7 template/unknown-rcode'],
      [block('IN A', 'rcode'), '3:1 wrong-argument-count'],
      [block('IN A', 'ederror'), '3:1 wrong-argument-count'],
      [block('IN A', 'ederror 65536'), '3:9 template/bad-ederror'],
      [block('IN A', 'ederror 1 a b'), '3:13 wrong-argument-count'],
      [block('IN A', 'var x'), '3:5 wrong-argument-count'],
      [block('IN A', 'var 1x 1'), '3:5 template/invalid-variable'],
      [block('IN A', 'var len 1'), '3:5 template/reserved-variable'],
      [block('IN A', 'var group 1'), '3:5 template/reserved-variable'],
      [block('IN A', 'var let 1'), '3:5 template/reserved-variable'],
      [block('IN A', 'var x y'), '3:7 template/bad-expression'],
      [block('IN A', 'expr'), '3:1 wrong-argument-count'],
      [block('IN A', 'expr ('), '3:6 template/bad-expression'],
      [block('IN A', 'answers x'), '3:1 template/unknown-word'],
    ])
  })
  test('upstream is read and ignored', async () => {
    assert.deepEqual((await readText(template, block('IN A', 'upstream', 'upstream 192.0.2.1'))).diagnostics, [])
  })
})

test('a refused query gets one packet', async () => {
  const server = await startServer('.:0 {\ntemplate IN A {\nrcode REFUSED\nauthority "a. 1 IN NS b."\n}\n}\n')
  try {
    const { rcode, authorities } = await server.query('a.example.', 'A')
    assert.deepEqual([rcode, authorities.length], [RCODES.REFUSED, 1])
  } finally {
    await server.stop()
  }
})
