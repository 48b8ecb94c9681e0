import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives, startPlugin } from 'corelet/plugin/testing'
import proxyproto from './index.ts'

const good: [text: string, listed: string, other: string, tracking: object | undefined][] = [
  ['proxyproto', 'use', 'use', undefined],
  ['proxyproto {\n}', 'use', 'use', undefined],
  ['proxyproto {\n  allow 10.0.0.0/8\n}', 'use', 'ignore', undefined],
  ['proxyproto {\n  allow 192.0.2.0/24\n  allow 10.0.0.0/8 ::1/128\n}', 'use', 'ignore', undefined],
  ['proxyproto {\n  allow 10.0.0.0/8\n  default reject\n}', 'use', 'reject', undefined],
  ['proxyproto {\n  allow\n}', 'use', 'use', undefined],
  ['proxyproto {\n  default SKIP\n}', 'skip', 'skip', undefined],
  ['proxyproto {\n  default use\n  allow 10.0.0.0/8\n}', 'use', 'use', undefined],
  ['proxyproto {\n  udp_session_tracking 1m\n}', 'use', 'use', { milliseconds: 60_000, most: 10_240 }],
  ['proxyproto {\n  udp_session_tracking 500ms 7\n}', 'use', 'use', { milliseconds: 500, most: 7 }],
  ['proxyproto {\n  udp_session_tracking 0\n}', 'use', 'use', undefined],
  ['proxyproto {\n  udp_session_tracking -1s 7\n}', 'use', 'use', undefined],
]
for (const [text, listed, other, tracking] of good) {
  test(`${JSON.stringify(text)} is good`, async () => {
    const { settings, running } = await startPlugin(proxyproto, text)
    assert.equal(settings.proxy!.policyOf('10.1.2.3'), listed)
    assert.equal(settings.proxy!.policyOf('198.51.100.1'), other)
    assert.deepEqual(settings.proxy!.tracking, tracking)
    assert.equal(running.handler, undefined)
  })
}

test('mistakes are found where they are', async () => {
  await checkDirectives(proxyproto, [
    ['proxyproto on', '2:12 wrong-argument-count'],
    ['proxyproto {\n  allow\n}', '3:3 proxyproto/believes-all'],
    ['proxyproto {\n  allow\n  allow 10.0.0.0/8\n}'],
    ['proxyproto {\n  allow\n  default reject\n}'],
    ['proxyproto {\n  allow 10.0.0.0/33\n}', '3:9 bad-network: invalid CIDR address: 10.0.0.0/33'],
    ['proxyproto {\n  default\n}', '3:3 wrong-argument-count'],
    ['proxyproto {\n  default use ignore\n}', '3:15 wrong-argument-count'],
    ['proxyproto {\n  default believe\n}', '3:11 proxyproto/unknown-policy'],
    ['proxyproto {\n  udp_session_tracking soon\n}', '3:24 bad-duration'],
    ['proxyproto {\n  udp_session_tracking 1m 0\n}', '3:27 proxyproto/bad-sessions'],
    ['proxyproto {\n  udp_session_tracking 1m many\n}', '3:27 proxyproto/bad-sessions'],
    ['proxyproto {\n  deny 10.0.0.0/8\n}', '3:3 proxyproto/unknown-option'],
  ])
})

test('refused headers are logged now and then', async () => {
  const { settings, context } = await startPlugin(proxyproto, 'proxyproto')
  for (let i = 0; i < 5; i++) settings.proxy!.refused('10.0.0.1', 'the header is malformed')
  await context.clock.advance(10_000)
  settings.proxy!.refused('10.0.0.2', 'headers are rejected')
  assert.deepEqual(context.lines, [
    '[WARNING] plugin/proxyproto: refused 10.0.0.1: the header is malformed',
    '[WARNING] plugin/proxyproto: refused 10.0.0.2: headers are rejected, and 4 more since',
  ])
})
