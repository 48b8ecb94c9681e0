import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, OPTIONS, RCODES } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  fakeContext,
  fakeListener,
  startPlugin,
  startServer,
  toQuery,
} from 'corelet/plugin/testing'
import acl from './index.ts'

test('the directive takes zones and policies', async () => {
  await checkDirectives(acl, [
    ['acl {\nallow\n}'],
    ['acl'],
    ['acl example.org 10.0.0.0/8 {\nblock type A AAAA net 192.0.2.0/24 2001:db8::/32 192.0.2.1 ::1\n}'],
    ['acl {\nALLOW NET 192.0.2.1 TYPE A\nDrop type * net *\nfilter net * nonsense type * nonsense\n}'],
    ['acl {\nfilter type A type AAAA\n}'],
    ['acl a..b {\nallow\n}', '2:5 bad-zone'],
    ['acl {\ndeny\n}', '3:1 acl/bad-action'],
    ['acl {\nblock 192.0.2.1\n}', '3:7 acl/bad-section'],
    ['acl {\nblock types A\n}', '3:7 acl/bad-section'],
    ['acl {\nblock type\n}', '3:7 acl/empty-section'],
    ['acl {\nblock type A net\n}', '3:14 acl/empty-section'],
    ['acl {\nblock type net 192.0.2.1\n}', '3:7 acl/empty-section'],
    ['acl {\nblock type a\n}', '3:12 acl/bad-type'],
    ['acl {\nblock type A NOPE\n}', '3:14 acl/bad-type'],
    [
      'acl {\nblock net 192.0.2.1/33 nowhere 2001:db8::/129\n}',
      '3:11 acl/bad-source',
      '3:24 acl/bad-source',
      '3:32 acl/bad-source',
    ],
    ['acl {\nallow\n}\nacl {\nno\n}', '6:1 acl/bad-action'],
  ])
})

interface Asked {
  name?: string
  type?: string
  address?: string
}

async function decide(text: string, { name = 'www.example.org.', type = 'A', address = '192.0.2.53' }: Asked) {
  const { askNow, context } = await startPlugin(acl, text, fakeContext({ plugin: 'acl', zones: ['example.org.', '.'] }))
  const next = answering({})
  const reply = askNow(toQuery(name, type, { client: { address, port: 1 } }), next)
  const outcome = next.asked.length > 0 ? 'allowed' : reply.reason
  return { reply, outcome, context }
}

describe('the first policy that fits decides', () => {
  const cases: [text: string, asked: Asked, outcome: string][] = [
    ['acl {\nblock\n}', {}, 'blocked'],
    ['acl {\nfilter\n}', {}, 'filtered'],
    ['acl {\ndrop\n}', {}, 'dropped'],
    ['acl {\nallow\n}', {}, 'allowed'],
    ['acl', {}, 'allowed'],
    ['acl {\nblock net 192.0.2.0/24\n}', {}, 'blocked'],
    ['acl {\nblock net 192.0.2.53\n}', {}, 'blocked'],
    ['acl {\nblock net 192.0.2.54\n}', {}, 'allowed'],
    ['acl {\nblock net 192.0.2.0/24\n}', { address: '192.0.3.1' }, 'allowed'],
    ['acl {\nblock net 192.0.2.0/24\n}', { address: '::ffff:192.0.2.9' }, 'blocked'],
    ['acl {\nblock net fe80::/10\n}', { address: 'fe80::1%eth0' }, 'blocked'],
    ['acl {\nblock net 2001:db8::/32\n}', { address: '2001:db8::1' }, 'blocked'],
    ['acl {\nblock net ::1\n}', { address: '::2' }, 'allowed'],
    ['acl {\nallow net 192.0.2.53\nblock net 192.0.2.0/24\n}', {}, 'allowed'],
    ['acl {\nallow net 192.0.2.53\nblock net 192.0.2.0/24\n}', { address: '192.0.2.54' }, 'blocked'],
    ['acl {\nblock net 192.0.2.0/24\nallow net 192.0.2.53\n}', {}, 'blocked'],
    ['acl {\nblock type AAAA\n}', {}, 'allowed'],
    ['acl {\nblock type AAAA MX\n}', { type: 'MX' }, 'blocked'],
    ['acl {\nblock type A type AAAA\n}', {}, 'blocked'],
    ['acl {\nblock type A net 10.0.0.0/8\n}', {}, 'allowed'],
    ['acl {\nblock net 10.0.0.0/8 * type *\n}', {}, 'blocked'],
    ['acl {\nblock type A\n}', { type: 'ANY' }, 'allowed'],
    ['acl {\nblock type ANY\n}', { type: 'ANY' }, 'blocked'],
    ['acl {\nblock type *\n}', { type: 'ANY' }, 'blocked'],
    ['acl {\nblock type ANY\n}', {}, 'allowed'],
    ['acl example.com {\nblock\n}', {}, 'allowed'],
    ['acl Example.ORG {\nblock\n}', { name: 'WWW.example.org.' }, 'blocked'],
    ['acl example.org {\nblock type MX\n}\nacl {\nfilter\n}', {}, 'filtered'],
    ['acl example.org {\nallow\n}\nacl {\nblock\n}', {}, 'allowed'],
    ['acl example.org {\nallow\n}\nacl {\nblock\n}', { name: 'example.com.' }, 'blocked'],
    ['acl {\nblock net 192.0.2.0/24\n}', { address: 'nonsense' }, 'blocked'],
    ['acl {\nallow net 192.0.2.0/24\n}', { address: 'nonsense' }, 'blocked'],
  ]
  for (const [text, asked, outcome] of cases) {
    test(`${text.replaceAll('\n', ' ')} for ${Object.values(asked).join(' ') || 'the usual query'}`, async () => {
      assert.equal((await decide(text, asked)).outcome, outcome)
    })
  }
})

test('what is blocked is REFUSED with EDE 15, what is filtered empty with EDE 17', async () => {
  const blocked = (await decide('acl {\nblock\n}', {})).reply
  assert.deepEqual([blocked.kind, blocked.rcode, blocked.answers], ['answer', RCODES.REFUSED, []])
  assert.deepEqual(blocked.options, [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 15) }])
  const filtered = (await decide('acl {\nfilter\n}', {})).reply
  assert.deepEqual([filtered.rcode, filtered.answers, filtered.authorities, filtered.flags & AA], [0, [], [], 0])
  assert.deepEqual(filtered.options, [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 17) }])
  assert.equal((await decide('acl {\ndrop\n}', {})).reply.kind, 'drop')
})

test('an address that is none is logged', async () => {
  const { context } = await decide('acl {\nallow net 192.0.2.0/24\n}', { address: 'nonsense' })
  assert.deepEqual(context.lines, ['[ERROR] plugin/acl: Blocking request. Unable to parse source address: nonsense'])
})

test('each outcome is counted', async () => {
  const context = fakeContext()
  const inside = { ...context, block: { ...context.block, view: 'inside' } }
  const text = 'acl example.org {\nblock type A\nfilter type AAAA\ndrop type MX\n}'
  const { askNow } = await startPlugin(acl, text, inside)
  const listener = fakeListener({ server: 'tls://:853' })
  for (const type of ['A', 'AAAA', 'AAAA', 'MX', 'TXT']) {
    askNow(toQuery('www.example.org.', type, { listener }), answering({}))
  }
  askNow(toQuery('example.com.'), answering({}))
  assert.deepEqual([...context.metrics.values].sort(), [
    ['coredns_acl_allowed_requests_total|dns://:53|inside', 1],
    ['coredns_acl_allowed_requests_total|tls://:853|inside', 1],
    ['coredns_acl_blocked_requests_total|tls://:853|example.org.|inside', 1],
    ['coredns_acl_dropped_requests_total|tls://:853|example.org.|inside', 1],
    ['coredns_acl_filtered_requests_total|tls://:853|example.org.|inside', 2],
  ])
})

test('clients hear of it, those without EDNS without an OPT', async () => {
  const server = await startServer('. {\nacl {\nblock type TXT\ndrop type MX\n}\nwhoami\n}')
  try {
    const plain = await server.query('example.org', 'TXT')
    assert.deepEqual([plain.rcode, plain.opt], [RCODES.REFUSED, undefined])
    const edns = await server.query('example.org', 'TXT', { udpSize: 1232 })
    assert.deepEqual(edns.opt?.options, [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 15) }])
    assert.equal((await server.query('example.org', 'A')).rcode, 0)
    await assert.rejects(server.query('example.org', 'MX', { timeout: 200 }), /no answer/)
  } finally {
    await server.stop()
  }
})
