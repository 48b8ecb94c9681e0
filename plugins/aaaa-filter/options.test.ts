import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { checkDirectives, readText } from 'corelet/plugin/testing'
import plugin from './index.ts'

const DEFAULTS = {
  zones: ['.'],
  except: [],
  networks: [],
  onlyWithA: false,
  breakDnssec: false,
  rcode: RCODES.NOERROR,
  ttl: 60,
  strip: new Set(),
}

describe('good directives', () => {
  const good: [text: string, differs: object][] = [
    ['aaaa-filter', {}],
    ['aaaa-filter Example.org 10.0.0.0/8', { zones: ['example.org.', '10.in-addr.arpa.'] }],
    ['aaaa-filter {\nonly_with_a\n}', { onlyWithA: true }],
    [
      'aaaa-filter {\nnet 10.0.0.0/8 192.0.2.1\nnet 2001:db8::/32\n}',
      {
        networks: [
          { address: '10.0.0.0', bits: 8 },
          { address: '192.0.2.1', bits: 32 },
          { address: '2001:db8::', bits: 32 },
        ],
      },
    ],
    ['aaaa-filter {\nexcept a.org b.org\nexcept c.org\n}', { except: ['a.org.', 'b.org.', 'c.org.'] }],
    ['aaaa-filter {\nbreak_dnssec\n}', { breakDnssec: true }],
    ['aaaa-filter {\nrcode NOERROR\n}', {}],
    ['aaaa-filter {\nttl 0\n}', { ttl: 0 }],
    ['aaaa-filter {\nttl 86400\n}', { ttl: 86_400 }],
    ['aaaa-filter {\nstrip additional any\nstrip ipv6hint\n}', { strip: new Set(['additional', 'any', 'ipv6hint']) }],
  ]
  for (const [text, differs] of good) {
    test(text.replaceAll('\n', ' '), async () => {
      const { options, diagnostics } = await readText(plugin, text)
      assert.deepEqual(diagnostics, [])
      assert.deepEqual(options, [{ ...DEFAULTS, ...differs }])
    })
  }

  test('zones are those of the block, each use is one of its own', async () => {
    const { options } = await readText(plugin, 'aaaa-filter\naaaa-filter b.org {\nttl 5\n}', ['a.org.'])
    assert.deepEqual(
      options.map(({ zones, ttl }) => [zones, ttl]),
      [
        [['a.org.'], 60],
        [['b.org.'], 5],
      ],
    )
  })

  test('rcode NXDOMAIN is taken with a warning', async () => {
    const { options, diagnostics } = await readText(plugin, 'aaaa-filter {\nrcode NXDOMAIN\n}')
    assert.equal(options[0]?.rcode, RCODES.NXDOMAIN)
    assert.deepEqual(
      diagnostics.map(({ code, severity, line, column }) => [code, severity, line, column]),
      [['aaaa-filter/nxdomain-denies-name', 'warning', 3, 7]],
    )
  })
})

describe('bad directives', () => {
  test('mistakes are found where they are', async () => {
    await checkDirectives(plugin, [
      ['aaaa-filter a..b', '2:13 bad-zone'],
      ['aaaa-filter {\nonly_with_a yes\n}', '3:13 wrong-argument-count'],
      ['aaaa-filter {\nnet\n}', '3:1 wrong-argument-count'],
      ['aaaa-filter {\nnet 10.0.0.0/33\n}', '3:5 bad-network'],
      ['aaaa-filter {\nexcept\n}', '3:1 wrong-argument-count'],
      ['aaaa-filter {\nexcept a..b\n}', '3:8 bad-zone'],
      ['aaaa-filter {\nbreak_dnssec yes\n}', '3:14 wrong-argument-count'],
      ['aaaa-filter {\nrcode\n}', '3:1 wrong-argument-count'],
      ['aaaa-filter {\nrcode REFUSED\n}', '3:7 bad-choice'],
      ['aaaa-filter {\nttl\n}', '3:1 wrong-argument-count'],
      ['aaaa-filter {\nttl 1m\n}', '3:5 bad-integer'],
      ['aaaa-filter {\nttl -1\n}', '3:5 out-of-range'],
      ['aaaa-filter {\nttl 86401\n}', '3:5 out-of-range'],
      ['aaaa-filter {\nstrip\n}', '3:1 wrong-argument-count'],
      ['aaaa-filter {\nstrip hints\n}', '3:7 bad-choice'],
      ['aaaa-filter {\nonly-with-a\n}', '3:1 unknown-property'],
    ])
  })

  test('every code has an example that produces it', async () => {
    for (const [code, { example }] of Object.entries(plugin.errors!)) {
      const { diagnostics } = await readText(plugin, example.split('\n').slice(1, -1).join('\n'))
      assert.deepEqual(
        diagnostics.map((each) => each.code),
        [`aaaa-filter/${code}`],
      )
    }
  })
})
