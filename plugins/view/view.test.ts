import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { checkDirectives, readText, startPlugin, startServer, type TestServer, toQuery } from 'corelet/plugin/testing'
import view from './index.ts'

const passes = async (text: string, query = toQuery('Example.org.', 'A')) => {
  const { running } = await startPlugin(view, text)
  return running.passes!(query)
}

describe('the directive', () => {
  const good = [
    'view a',
    'view a {\n}',
    'view a {\nexpr true\n}',
    "view a {\nexpr type() == 'A' && name() startsWith 'x'\nexpr do()\n}",
    'view a {\nexpr "len(filter([1, 2], # > 1)) == 1"\n}',
    'view a {\nexpr "name() == \\"a.\\""\n}',
  ]
  for (const text of good) {
    test(`takes ${text.replaceAll('\n', ' ')}`, async () => {
      assert.deepEqual((await readText(view, text)).diagnostics, [])
    })
  }

  test('mistakes are found where they are', async () => {
    await checkDirectives(view, [
      ['view', '2:1 wrong-argument-count'],
      ['view a b', '2:8 wrong-argument-count'],
      ['view a\nview b', '3:1 once-per-block'],
      ['view a {\nexpression true\n}', '3:1 unknown-property'],
      ['view a {\nexpr\n}', '3:1 wrong-argument-count'],
      ['view a {\nexpr true and foo()\n}', '3:15 view/bad-expression'],
      ['view a {\nexpr true &&\n}', '3:11 view/bad-expression'],
      ['view a {\nexpr type() == 1\n}', '3:13 view/bad-expression'],
      ['view a {\nexpr 1 + 1\n}', '3:6 view/not-boolean'],
    ])
  })

  test('a { behind nothing but the name opens the block', async () => {
    const { options } = await readText(view, 'view inside {\nexpr true\n}')
    assert.equal(options[0]!.name, 'inside')
  })
})

describe('a query', () => {
  test('passes when all expressions are true', async () => {
    assert.equal(await passes('view a'), true)
    assert.equal(await passes("view a {\nexpr type() == 'A'\nexpr name() == 'example.org.'\n}"), true)
    assert.equal(await passes("view a {\nexpr type() == 'A'\nexpr name() == 'example.net.'\n}"), false)
  })

  test('does not pass when an expression has no value or is no boolean', async () => {
    assert.equal(await passes("view a {\nexpr incidr('nowhere', '10.0.0.0/8')\n}"), false)
    assert.equal(await passes('view a {\nexpr name()\n}'), false)
    assert.equal(await passes('view a {\nexpr first([1])\n}'), false)
    assert.equal(await passes('view a {\nexpr len(1..1000000000) > 1 || true\n}'), false)
  })

  test('is looked at with its metadata and the time of day', async () => {
    const query = toQuery('example.org.')
    query.setMetadata('geoip/country/code', () => 'CA')
    assert.equal(await passes("view a {\nexpr metadata('geoip/country/code') in ['US', 'CA']\n}", query), true)
    assert.equal(await passes("view a {\nexpr metadata('geoip/country/name') == ''\n}", query), true)
    assert.equal(await passes('view a {\nexpr now().Year() == 2026\n}'), true)
  })

  test('learns the name of the view', async () => {
    const { running, settings } = await startPlugin(view, 'view inside')
    const query = toQuery('example.org.')
    running.metadata!(query)
    assert.deepEqual([query.metadata('view/name'), settings.view], ['inside', 'inside'])
  })
})

describe('blocks with views', () => {
  let server: TestServer
  before(async () => {
    const block = (view: string, address: string) => `.:0 {
      ${view}
      metadata
      prometheus 127.0.0.1:0
      hosts {
        ${address} a.example.org b.example.org b.example.com
      }
    }`
    server = await startServer(
      [
        block("view aaaa {\nexpr type() == 'AAAA'\n}", '192.0.2.1'),
        block("view first {\nexpr name() startsWith 'a.'\n}", '192.0.2.1'),
        block("view second {\nexpr name() endsWith '.org.' && metadata('view/name') == 'second'\n}", '192.0.2.2'),
        block('', '192.0.2.3'),
      ].join('\n'),
    )
  })
  after(() => server.stop())

  test('serve what passes, the first of them', async () => {
    const ask = async (name: string) => (await server.query(name, 'A')).answers[0]?.data
    assert.deepEqual(
      [await ask('a.example.org.'), await ask('b.example.org.'), await ask('b.example.com.')],
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
    )
  })

  test('are told apart in metrics', async () => {
    await server.query('b.example.org.', 'A')
    assert.match(await server.metrics(), /coredns_dns_requests_total\{[^}]*view="second"[^}]*\} \d/)
  })
})

test('what no view lets in is refused', async () => {
  const server = await startServer('.:0 {\nview none {\nexpr false\n}\nwhoami\n}\n')
  try {
    assert.equal((await server.query('example.org.', 'A')).rcode, 5)
  } finally {
    await server.stop()
  }
})

test('a zone may be served once without a view', async () => {
  const blocks = '.:1053 {\nview a\nwhoami\n}\n.:1053 {\nwhoami\n}\n.:1053 {\nwhoami\n}\n'
  await assert.rejects(startServer(blocks), /already defined/)
})
