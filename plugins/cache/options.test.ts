import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkDirectives, readText } from 'corelet/plugin/testing'
import cache from './index.ts'

const DEFAULTS = {
  zones: ['.'],
  success: { capacity: 10_000, ttl: 3600, minTtl: 5, disabled: [] },
  denial: { capacity: 10_000, ttl: 1800, minTtl: 5, disabled: [] },
  maxBytes: 16 * 2 ** 20,
  prefetch: { amount: 0, within: 60_000, share: 0.1 },
  stale: { window: 0, verify: false, timeout: 0, ttl: 0, recheck: 0, preferPositive: false },
  servfail: 5,
  keepTtl: false,
  snapshot: undefined,
}

const success = (part: Partial<typeof DEFAULTS.success>) => ({ success: { ...DEFAULTS.success, ...part } })
const denial = (part: Partial<typeof DEFAULTS.denial>) => ({ denial: { ...DEFAULTS.denial, ...part } })
const stale = (part: Partial<typeof DEFAULTS.stale>) => ({ stale: { ...DEFAULTS.stale, ...part } })
const prefetch = (part: Partial<typeof DEFAULTS.prefetch>) => ({ prefetch: { ...DEFAULTS.prefetch, ...part } })

describe('good directives', () => {
  const good: [text: string, differs: object][] = [
    ['cache', {}],
    ['cache 30', { ...success({ ttl: 30 }), ...denial({ ttl: 30 }) }],
    ['cache 7200', { ...success({ ttl: 7200 }), ...denial({ ttl: 7200 }) }],
    ['cache Example.ORG 10.0.0.0/8', { zones: ['example.org.', '10.in-addr.arpa.'] }],
    ['cache 30 example.org', { zones: ['example.org.'], ...success({ ttl: 30 }), ...denial({ ttl: 30 }) }],
    ['cache {\nsuccess 100\n}', success({ capacity: 100 })],
    ['cache {\nsuccess 100 60\n}', success({ capacity: 100, ttl: 60 })],
    [
      'cache 30 {\nsuccess 100 60 20\n}',
      { ...success({ capacity: 100, ttl: 60, minTtl: 20 }), ...denial({ ttl: 30 }) },
    ],
    ['cache {\nsuccess 100 60 20 more words\n}', success({ capacity: 100, ttl: 60, minTtl: 20 })],
    ['cache {\nsuccess 100 60\nsuccess 200\n}', success({ capacity: 200, ttl: 60 })],
    ['cache {\ndenial -1 10 0\n}', denial({ capacity: -1, ttl: 10, minTtl: 0 })],
    ['cache {\nmax_bytes 131072\n}', { maxBytes: 131_072 }],
    ['cache {\nmax_bytes 512k\n}', { maxBytes: 524_288 }],
    ['cache {\nmax_bytes 2G\n}', { maxBytes: 2 ** 31 }],
    ['cache {\nsnapshot /var/cache\n}', { snapshot: '/var/cache' }],
    ['cache {\nsnapshot a\nsnapshot b\n}', { snapshot: 'b' }],
    ['cache {\nprefetch 3\n}', prefetch({ amount: 3 })],
    ['cache {\nprefetch 3 90s\n}', prefetch({ amount: 3, within: 90_000 })],
    ['cache {\nprefetch 3 90s 10%\n}', prefetch({ amount: 3, within: 90_000, share: 0.1 })],
    ['cache {\nprefetch 3 90s 90%\n}', prefetch({ amount: 3, within: 90_000, share: 0.9 })],
    ['cache {\nserve_stale\n}', stale({ window: 3600 })],
    ['cache {\nserve_stale 0\n}', stale({ window: 0 })],
    ['cache {\nserve_stale 20s\n}', stale({ window: 20 })],
    ['cache {\nserve_stale 20s IMMEDIATE 30s 5m\n}', stale({ window: 20, ttl: 30, recheck: 300_000 })],
    ['cache {\nserve_stale 20s verify\n}', stale({ window: 20, verify: true })],
    [
      'cache {\nserve_stale 20s Verify 1800ms 4294967295s 10s\n}',
      stale({ window: 20, verify: true, timeout: 1800, ttl: 4_294_967_295, recheck: 10_000 }),
    ],
    ['cache {\nserve_stale 20s verify 1s 30s\nserve_stale 10s\n}', stale({ window: 10 })],
    ['cache {\nserve_stale_policy Prefer_Positive\nserve_stale 10s\n}', stale({ window: 10, preferPositive: true })],
    ['cache {\nservfail 0\n}', { servfail: 0 }],
    ['cache {\nservfail 5m\n}', { servfail: 300 }],
    ['cache {\ndisable success\n}', success({ disabled: ['.'] } as never)],
    ['cache {\ndisable denial a.org 10.0.0.0/8\n}', denial({ disabled: ['a.org.', '10.in-addr.arpa.'] } as never)],
    ['cache {\ndisable denial a.org\ndisable denial b.org\n}', denial({ disabled: ['b.org.'] } as never)],
    ['cache {\nkeepttl\n}', { keepTtl: true }],
  ]
  for (const [text, differs] of good) {
    test(text.replaceAll('\n', ' '), async () => {
      const { options, diagnostics } = await readText(cache, text)
      assert.deepEqual(diagnostics, [])
      assert.deepEqual(options, [{ ...DEFAULTS, ...differs }])
    })
  }

  test('takes the zones of the block', async () => {
    const { options } = await readText(cache, 'cache', ['a.org.', 'b.org.'])
    assert.deepEqual(options[0]?.zones, ['a.org.', 'b.org.'])
  })
})

describe('bad directives', () => {
  test('mistakes are found where they are', async () => {
    await checkDirectives(cache, [
      ['cache 0', '2:7 cache/bad-ttl: cache TTL can not be zero or negative: 0'],
      ['cache -5 example.org', '2:7 cache/bad-ttl: cache TTL can not be zero or negative: -5'],
      ['cache a..b', "2:7 bad-zone: unable to normalize 'a..b'"],
      ['cache 30 40..', "2:10 bad-zone: unable to normalize '40..'"],
      ['cache\ncache', '3:1 once-per-block: this plugin can only be used once per Server Block'],
      [
        'cache {\nsuccess\n}',
        "3:1 wrong-argument-count: Wrong argument count or unexpected line ending after 'success'",
      ],
      ['cache {\nsuccess many\n}', '3:9 bad-integer: strconv.Atoi: parsing "many": invalid syntax'],
      ['cache {\nsuccess 1 0\n}', '3:11 cache/bad-ttl: cache TTL can not be zero or negative: 0'],
      ['cache {\nsuccess 1 x\n}', '3:11 bad-integer: strconv.Atoi: parsing "x": invalid syntax'],
      ['cache {\nsuccess 1 2 -3\n}', '3:13 cache/negative-min-ttl: cache min TTL can not be negative: -3'],
      ['cache {\ndenial\n}', "3:1 wrong-argument-count: Wrong argument count or unexpected line ending after 'denial'"],
      ['cache {\ndenial 1 -1\n}', '3:10 cache/bad-ttl: cache TTL can not be zero or negative: -1'],
      ['cache {\ndenial 1 2 -3\n}', '3:12 cache/negative-min-ttl: cache min TTL can not be negative: -3'],
      ['cache {\nmax_bytes 1T\n}', '3:11 cache/bad-size: invalid value for max_bytes: 1T'],
      ['cache {\nmax_bytes 127K\n}', '3:11 cache/bad-size: invalid value for max_bytes: 127K'],
      [
        'cache {\nprefetch\n}',
        "3:1 wrong-argument-count: Wrong argument count or unexpected line ending after 'prefetch'",
      ],
      [
        'cache {\nprefetch 1 1m 10% x\n}',
        "3:19 wrong-argument-count: Wrong argument count or unexpected line ending after 'x'",
      ],
      ['cache {\nprefetch -1\n}', '3:10 cache/negative-prefetch: prefetch amount should be positive: -1'],
      ['cache {\nprefetch 1 20\n}', '3:12 bad-duration: time: missing unit in duration "20"'],
      [
        'cache {\nprefetch 1 1m 20\n}',
        "3:15 cache/percentage-sign: last character of percentage should be `%`, but is: '0'",
      ],
      ['cache {\nprefetch 1 1m x%\n}', '3:15 bad-integer: strconv.Atoi: parsing "x": invalid syntax'],
      ['cache {\nprefetch 1 1m 9%\n}', '3:15 cache/percentage-range: percentage should fall in range [10, 90]: 9'],
      ['cache {\nprefetch 1 1m 91%\n}', '3:15 cache/percentage-range: percentage should fall in range [10, 90]: 91'],
      ['cache {\nserve_stale -1s\n}', '3:13 cache/stale-negative: invalid negative duration for serve_stale: -1s'],
      ['cache {\nserve_stale immediate\n}', '3:13 bad-duration: time: invalid duration "immediate"'],
      ['cache {\nserve_stale 1h later\n}', '3:16 cache/stale-mode: invalid value for serve_stale refresh mode: later'],
      [
        'cache {\nserve_stale 1h verify -1s\n}',
        '3:23 cache/stale-timeout: invalid negative timeout for serve_stale verify: -1s',
      ],
      [
        'cache {\nserve_stale 1h immediate 1500ms\n}',
        '3:26 cache/stale-ttl-fraction: serve_stale response TTL must be a whole number of seconds: 1500ms',
      ],
      ['cache {\nserve_stale 1h immediate -1s\n}', '3:26 cache/stale-ttl-range: invalid serve_stale response TTL: -1s'],
      [
        'cache {\nserve_stale 1h immediate 4294967296s\n}',
        '3:26 cache/stale-ttl-range: invalid serve_stale response TTL: 4294967296s',
      ],
      [
        'cache {\nserve_stale 1h immediate 1s -1s\n}',
        '3:29 cache/stale-recheck-negative: invalid negative failure recheck for serve_stale: -1s',
      ],
      [
        'cache {\nserve_stale 1h verify 1s 1s 301s\n}',
        '3:29 cache/stale-recheck-range: serve_stale failure recheck cannot exceed 5 minutes: 301s',
      ],
      [
        'cache {\nserve_stale 1h immediate 1s 1s 1s\n}',
        "3:32 wrong-argument-count: Wrong argument count or unexpected line ending after '1s'",
      ],
      [
        'cache {\nserve_stale 1h verify 1s 1s 1s 1s\n}',
        "3:32 wrong-argument-count: Wrong argument count or unexpected line ending after '1s'",
      ],
      [
        'cache {\nserve_stale\nserve_stale_policy\n}',
        "4:1 wrong-argument-count: Wrong argument count or unexpected line ending after 'serve_stale_policy'",
      ],
      ['cache {\nserve_stale\nserve_stale_policy none\n}', '4:20 cache/stale-policy: invalid serve_stale_policy: none'],
      [
        'cache {\nserve_stale\nserve_stale_policy prefer_positive\nserve_stale_policy prefer_positive\n}',
        '5:1 cache/stale-policy-twice: serve_stale_policy can only be specified once',
      ],
      [
        'cache {\nserve_stale_policy prefer_positive\n}',
        '3:1 cache/stale-policy-alone: serve_stale_policy requires serve_stale',
      ],
      [
        'cache {\nservfail\n}',
        "3:1 wrong-argument-count: Wrong argument count or unexpected line ending after 'servfail'",
      ],
      [
        'cache {\nservfail 1s 2s\n}',
        "3:13 wrong-argument-count: Wrong argument count or unexpected line ending after '2s'",
      ],
      ['cache {\nservfail x\n}', '3:10 bad-duration: time: invalid duration "x"'],
      ['cache {\nservfail -1s\n}', '3:10 cache/negative-servfail: invalid negative ttl for servfail: -1s'],
      [
        'cache {\nservfail 301s\n}',
        '3:10 cache/long-servfail: caching SERVFAIL responses over 5 minutes is not permitted: 301s',
      ],
      [
        'cache {\ndisable\n}',
        "3:1 wrong-argument-count: Wrong argument count or unexpected line ending after 'disable'",
      ],
      [
        'cache {\ndisable all\n}',
        "3:9 cache/disable-type: cache type for disable must be 'success' or 'denial', not 'all'",
      ],
      ['cache {\ndisable success a..b\n}', '3:17 cache/disable-zone: invalid disabled zone: a..b'],
      ['cache {\nkeepttl 5\n}', "3:9 wrong-argument-count: Wrong argument count or unexpected line ending after '5'"],
      [
        'cache {\nsucess 5\n}',
        "3:1 cache/unknown-option: Wrong argument count or unexpected line ending after 'sucess'",
      ],
    ])
  })

  test('reports all mistakes of a directive', async () => {
    const { diagnostics } = await readText(
      cache,
      'cache 0 a..b {\nserve_stale x\nserve_stale_policy prefer_positive\n}',
    )
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['cache/bad-ttl', 'bad-zone', 'bad-duration'],
    )
  })

  test('an unknown option gets a suggestion', async () => {
    const { diagnostics } = await readText(cache, 'cache {\nsucess 5\n}')
    assert.equal(diagnostics[0]?.hint, 'did you mean success?')
  })
})

describe('every code', () => {
  for (const [code, { example }] of Object.entries(cache.errors ?? {})) {
    test(`${code} has an example that produces it`, async () => {
      const { diagnostics } = await readText(cache, example.split('\n').slice(1, -1).join('\n'))
      assert.deepEqual(
        diagnostics.map((each) => each.code),
        [`cache/${code}`],
      )
    })
  }
})
