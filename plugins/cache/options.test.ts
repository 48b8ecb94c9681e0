import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readText } from 'corelet/plugin/testing'
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
  const bad: [text: string, code: string, line: number, column: number, message: string][] = [
    ['cache 0', 'cache/bad-ttl', 2, 7, 'cache TTL can not be zero or negative: 0'],
    ['cache -5 example.org', 'cache/bad-ttl', 2, 7, 'cache TTL can not be zero or negative: -5'],
    ['cache a..b', 'bad-zone', 2, 7, "unable to normalize 'a..b'"],
    ['cache 30 40..', 'bad-zone', 2, 10, "unable to normalize '40..'"],
    ['cache\ncache', 'once-per-block', 3, 1, 'this plugin can only be used once per Server Block'],
    [
      'cache {\nsuccess\n}',
      'wrong-argument-count',
      3,
      1,
      "Wrong argument count or unexpected line ending after 'success'",
    ],
    ['cache {\nsuccess many\n}', 'bad-integer', 3, 9, 'strconv.Atoi: parsing "many": invalid syntax'],
    ['cache {\nsuccess 1 0\n}', 'cache/bad-ttl', 3, 11, 'cache TTL can not be zero or negative: 0'],
    ['cache {\nsuccess 1 x\n}', 'bad-integer', 3, 11, 'strconv.Atoi: parsing "x": invalid syntax'],
    ['cache {\nsuccess 1 2 -3\n}', 'cache/negative-min-ttl', 3, 13, 'cache min TTL can not be negative: -3'],
    [
      'cache {\ndenial\n}',
      'wrong-argument-count',
      3,
      1,
      "Wrong argument count or unexpected line ending after 'denial'",
    ],
    ['cache {\ndenial 1 -1\n}', 'cache/bad-ttl', 3, 10, 'cache TTL can not be zero or negative: -1'],
    ['cache {\ndenial 1 2 -3\n}', 'cache/negative-min-ttl', 3, 12, 'cache min TTL can not be negative: -3'],
    ['cache {\nmax_bytes 1T\n}', 'cache/bad-size', 3, 11, 'invalid value for max_bytes: 1T'],
    ['cache {\nmax_bytes 127K\n}', 'cache/bad-size', 3, 11, 'invalid value for max_bytes: 127K'],
    [
      'cache {\nprefetch\n}',
      'wrong-argument-count',
      3,
      1,
      "Wrong argument count or unexpected line ending after 'prefetch'",
    ],
    [
      'cache {\nprefetch 1 1m 10% x\n}',
      'wrong-argument-count',
      3,
      19,
      "Wrong argument count or unexpected line ending after 'x'",
    ],
    ['cache {\nprefetch -1\n}', 'cache/negative-prefetch', 3, 10, 'prefetch amount should be positive: -1'],
    ['cache {\nprefetch 1 20\n}', 'bad-duration', 3, 12, 'time: missing unit in duration "20"'],
    [
      'cache {\nprefetch 1 1m 20\n}',
      'cache/percentage-sign',
      3,
      15,
      "last character of percentage should be `%`, but is: '0'",
    ],
    ['cache {\nprefetch 1 1m x%\n}', 'bad-integer', 3, 15, 'strconv.Atoi: parsing "x": invalid syntax'],
    ['cache {\nprefetch 1 1m 9%\n}', 'cache/percentage-range', 3, 15, 'percentage should fall in range [10, 90]: 9'],
    ['cache {\nprefetch 1 1m 91%\n}', 'cache/percentage-range', 3, 15, 'percentage should fall in range [10, 90]: 91'],
    ['cache {\nserve_stale -1s\n}', 'cache/stale-negative', 3, 13, 'invalid negative duration for serve_stale: -1s'],
    ['cache {\nserve_stale immediate\n}', 'bad-duration', 3, 13, 'time: invalid duration "immediate"'],
    [
      'cache {\nserve_stale 1h later\n}',
      'cache/stale-mode',
      3,
      16,
      'invalid value for serve_stale refresh mode: later',
    ],
    [
      'cache {\nserve_stale 1h verify -1s\n}',
      'cache/stale-timeout',
      3,
      23,
      'invalid negative timeout for serve_stale verify: -1s',
    ],
    [
      'cache {\nserve_stale 1h immediate 1500ms\n}',
      'cache/stale-ttl-fraction',
      3,
      26,
      'serve_stale response TTL must be a whole number of seconds: 1500ms',
    ],
    [
      'cache {\nserve_stale 1h immediate -1s\n}',
      'cache/stale-ttl-range',
      3,
      26,
      'invalid serve_stale response TTL: -1s',
    ],
    [
      'cache {\nserve_stale 1h immediate 4294967296s\n}',
      'cache/stale-ttl-range',
      3,
      26,
      'invalid serve_stale response TTL: 4294967296s',
    ],
    [
      'cache {\nserve_stale 1h immediate 1s -1s\n}',
      'cache/stale-recheck-negative',
      3,
      29,
      'invalid negative failure recheck for serve_stale: -1s',
    ],
    [
      'cache {\nserve_stale 1h verify 1s 1s 301s\n}',
      'cache/stale-recheck-range',
      3,
      29,
      'serve_stale failure recheck cannot exceed 5 minutes: 301s',
    ],
    [
      'cache {\nserve_stale 1h immediate 1s 1s 1s\n}',
      'wrong-argument-count',
      3,
      32,
      "Wrong argument count or unexpected line ending after '1s'",
    ],
    [
      'cache {\nserve_stale 1h verify 1s 1s 1s 1s\n}',
      'wrong-argument-count',
      3,
      32,
      "Wrong argument count or unexpected line ending after '1s'",
    ],
    [
      'cache {\nserve_stale\nserve_stale_policy\n}',
      'wrong-argument-count',
      4,
      1,
      "Wrong argument count or unexpected line ending after 'serve_stale_policy'",
    ],
    [
      'cache {\nserve_stale\nserve_stale_policy none\n}',
      'cache/stale-policy',
      4,
      20,
      'invalid serve_stale_policy: none',
    ],
    [
      'cache {\nserve_stale\nserve_stale_policy prefer_positive\nserve_stale_policy prefer_positive\n}',
      'cache/stale-policy-twice',
      5,
      1,
      'serve_stale_policy can only be specified once',
    ],
    [
      'cache {\nserve_stale_policy prefer_positive\n}',
      'cache/stale-policy-alone',
      3,
      1,
      'serve_stale_policy requires serve_stale',
    ],
    [
      'cache {\nservfail\n}',
      'wrong-argument-count',
      3,
      1,
      "Wrong argument count or unexpected line ending after 'servfail'",
    ],
    [
      'cache {\nservfail 1s 2s\n}',
      'wrong-argument-count',
      3,
      13,
      "Wrong argument count or unexpected line ending after '2s'",
    ],
    ['cache {\nservfail x\n}', 'bad-duration', 3, 10, 'time: invalid duration "x"'],
    ['cache {\nservfail -1s\n}', 'cache/negative-servfail', 3, 10, 'invalid negative ttl for servfail: -1s'],
    [
      'cache {\nservfail 301s\n}',
      'cache/long-servfail',
      3,
      10,
      'caching SERVFAIL responses over 5 minutes is not permitted: 301s',
    ],
    [
      'cache {\ndisable\n}',
      'wrong-argument-count',
      3,
      1,
      "Wrong argument count or unexpected line ending after 'disable'",
    ],
    [
      'cache {\ndisable all\n}',
      'cache/disable-type',
      3,
      9,
      "cache type for disable must be 'success' or 'denial', not 'all'",
    ],
    ['cache {\ndisable success a..b\n}', 'cache/disable-zone', 3, 17, 'invalid disabled zone: a..b'],
    ['cache {\nkeepttl 5\n}', 'wrong-argument-count', 3, 9, "Wrong argument count or unexpected line ending after '5'"],
    [
      'cache {\nsucess 5\n}',
      'cache/unknown-option',
      3,
      1,
      "Wrong argument count or unexpected line ending after 'sucess'",
    ],
  ]
  for (const [text, code, line, column, message] of bad) {
    test(text.replaceAll('\n', ' '), async () => {
      const { diagnostics } = await readText(cache, text)
      assert.deepEqual(
        diagnostics.map((each) => [each.code, each.line, each.column, each.message.slice(0, message.length)]),
        [[code, line, column, message]],
      )
    })
  }

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
