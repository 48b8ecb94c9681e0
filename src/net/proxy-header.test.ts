import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toV2 } from '../../test/kit/proxy.ts'
import { ProxiedDatagrams } from './proxied-datagrams.ts'
import { type ProxyPolicy, readProxyHeader } from './proxy-header.ts'
import { StillClock } from './testing.ts'

const v1 = (text: string) => Buffer.from(text, 'latin1')
const ends = (from: string, fromPort: number, to: string, toPort: number) => ({
  peer: { address: from, port: fromPort },
  local: { address: to, port: toPort },
})

const good: [what: string, header: Buffer, ends: object | undefined, isDatagram: boolean][] = [
  ['TCP4', v1('PROXY TCP4 192.0.2.1 192.0.2.2 1234 53\r\n'), ends('192.0.2.1', 1234, '192.0.2.2', 53), false],
  ['TCP6', v1('PROXY TCP6 2001:db8::1 ::1 65535 0\r\n'), ends('2001:db8::1', 65_535, '::1', 0), false],
  ['UNKNOWN', v1('PROXY UNKNOWN\r\n'), undefined, false],
  ['UNKNOWN with more', v1('PROXY UNKNOWN a b c d\r\n'), undefined, false],
  ['v2 TCP4', toV2('192.0.2.1', 1234), ends('192.0.2.1', 1234, '192.0.2.254', 53), false],
  ['v2 UDP4', toV2('192.0.2.1', 1234, { transport: 2 }), ends('192.0.2.1', 1234, '192.0.2.254', 53), true],
  ['v2 TCP6', toV2('2001:db8::1', 9), ends('2001:db8::1', 9, '2001:db8::fe', 53), false],
  ['v2 LOCAL', toV2('192.0.2.1', 1234, { command: 0 }), undefined, false],
  [
    'v2 with TLVs',
    toV2('192.0.2.1', 1234, { tail: Buffer.alloc(100) }),
    ends('192.0.2.1', 1234, '192.0.2.254', 53),
    false,
  ],
]
for (const [what, header, expected, isDatagram] of good) {
  test(`${what} is read, whatever follows, and once it is whole`, () => {
    const whole = { length: header.length, ends: expected, isDatagram }
    assert.deepEqual(readProxyHeader(header), whole)
    assert.deepEqual(readProxyHeader(Buffer.concat([header, Buffer.from('more\r\n')])), whole)
    for (let length = 0; length < header.length; length++) {
      assert.equal(readProxyHeader(header.subarray(0, length)), 'more', `${length} octets`)
    }
  })
}

const bad: [what: string, header: Buffer, verdict: 'malformed' | 'none'][] = [
  ['an address of the other family', v1('PROXY TCP4 ::1 ::1 1 2\r\n'), 'malformed'],
  ['a name', v1('PROXY TCP4 localhost 127.0.0.1 1 2\r\n'), 'malformed'],
  ['a port that is too large', v1('PROXY TCP4 127.0.0.1 127.0.0.1 65536 2\r\n'), 'malformed'],
  ['no ports', v1('PROXY TCP4 127.0.0.1 127.0.0.1\r\n'), 'malformed'],
  ['another protocol', v1('PROXY UDP4 127.0.0.1 127.0.0.1 1 2\r\n'), 'malformed'],
  ['a line without end', v1(`PROXY TCP4 ${'1'.repeat(200)}`), 'malformed'],
  ['another version', Buffer.from(toV2('192.0.2.1', 1).map((octet, i) => (i === 12 ? 0x31 : octet))), 'malformed'],
  ['another command', toV2('192.0.2.1', 1, { command: 2 }), 'malformed'],
  ['too few octets of addresses', toV2('192.0.2.1', 1, { length: 8 }), 'malformed'],
  ['too many octets', toV2('192.0.2.1', 1, { length: 60_000 }), 'malformed'],
  ['a query', Buffer.from([0, 20, 1, 2, 1, 0, 0, 1]), 'none'],
  ['a handshake', Buffer.from([22, 3, 1, 2, 0]), 'none'],
  ['HTTP', v1('POST /dns-query HTTP/1.1\r\n'), 'none'],
]
for (const [what, header, verdict] of bad) {
  test(`${what} is ${verdict}`, () => assert.equal(readProxyHeader(header), verdict))
}

const proxy = { address: '10.0.0.1', port: 4000 }
const query = Buffer.alloc(30, 1)

function datagrams(policy: ProxyPolicy, most?: number) {
  const refused: string[] = []
  const tracking = most === undefined ? undefined : { milliseconds: 60_000, most }
  const settings = {
    policyOf: () => policy,
    tracking,
    refused: (address: string, why: string) => void refused.push(`${address} ${why}`),
  }
  return {
    refused,
    unwrap: (packet: Buffer, peer = proxy) => new ProxiedDatagrams(settings, new StillClock()).unwrap(packet, peer),
    settings,
  }
}

test('datagrams: what becomes of a header with each policy', () => {
  const headed = Buffer.concat([toV2('192.0.2.1', 1234, { transport: 2 }), query])
  assert.equal(datagrams('use').unwrap(headed)!.ends!.peer.address, '192.0.2.1')
  assert.deepEqual(Buffer.from(datagrams('use').unwrap(headed)!.packet), query)
  assert.equal(datagrams('ignore').unwrap(headed)!.ends, undefined)
  assert.deepEqual(Buffer.from(datagrams('ignore').unwrap(headed)!.packet), query)
  const reject = datagrams('reject')
  assert.equal(reject.unwrap(headed), undefined)
  assert.deepEqual(reject.refused, ['10.0.0.1 headers are rejected'])
  assert.equal(datagrams('skip').unwrap(headed)!.packet.length, headed.length)
  for (const policy of ['use', 'ignore', 'reject', 'skip'] as const) {
    assert.deepEqual(datagrams(policy).unwrap(query), { packet: query, ends: undefined })
  }
})

test('datagrams: headers about TCP, cut off or malformed are refused', () => {
  const tcp = datagrams('use')
  assert.equal(tcp.unwrap(Buffer.concat([toV2('192.0.2.1', 1), query])), undefined)
  assert.equal(tcp.unwrap(toV2('192.0.2.1', 1, { transport: 2 }).subarray(0, 20)), undefined)
  assert.equal(tcp.refused.length, 2)
})

test('datagrams: a header alone is remembered for its sender, if that is wanted, for so long and for so many', async () => {
  const { settings } = datagrams('use', 2)
  const clock = new StillClock()
  const tracked = new ProxiedDatagrams(settings, clock)
  const at = (port: number) => ({ ...proxy, port })
  for (const port of [1, 2, 3]) {
    assert.equal(tracked.unwrap(toV2(`192.0.2.${port}`, 1234, { transport: 2 }), at(port)), undefined)
  }
  assert.equal(tracked.unwrap(query, at(3))!.ends!.peer.address, '192.0.2.3')
  assert.equal(tracked.unwrap(query, at(2))!.ends!.peer.address, '192.0.2.2')
  assert.equal(tracked.unwrap(query, at(1))!.ends, undefined)
  await clock.advance(40_000)
  assert.equal(tracked.unwrap(query, at(2))!.ends!.peer.address, '192.0.2.2')
  await clock.advance(40_000)
  assert.equal(tracked.unwrap(query, at(2))!.ends!.peer.address, '192.0.2.2', 'use makes it last')
  assert.equal(tracked.unwrap(query, at(3))!.ends, undefined)
  const forgetful = new ProxiedDatagrams(datagrams('use').settings, clock)
  forgetful.unwrap(toV2('192.0.2.1', 1, { transport: 2 }), proxy)
  assert.equal(forgetful.unwrap(query, proxy)!.ends, undefined)
})
