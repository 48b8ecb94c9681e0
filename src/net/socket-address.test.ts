import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadLibc } from './libc.ts'
import { CONTROL, ENDS } from './message-vector.ts'
import {
  addressAt,
  familyAt,
  INET6_SIZE,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  localAddressAt,
  portAt,
  toSocketAddress,
  turnPacketInfo,
} from './socket-address.ts'

const libc = (await loadLibc())!
const skip = !libc

function toWords(address: string, port: number): Uint32Array {
  const octets = new Uint8Array(INET6_SIZE)
  octets.set(toSocketAddress(libc, address, port))
  return new Uint32Array(octets.buffer)
}

test('addresses go there and back', { skip }, () => {
  for (const address of [
    '0.0.0.0',
    '127.0.0.1',
    '192.0.2.254',
    '255.255.255.255',
    '::',
    '::1',
    '2001:db8::53',
    'fe80::1',
    'fe80::1%lo',
    'fe80::1%7777',
  ]) {
    const words = toWords(address, 53)
    assert.equal(addressAt(libc, words, 0), address)
    assert.equal(familyAt(words, 0), address.includes(':') ? 2 : 1)
  }
})

test('IPv4 mapped to IPv6 is IPv4', { skip }, () => {
  const words = toWords('::ffff:192.0.2.254', 53)
  assert.deepEqual([addressAt(libc, words, 0), familyAt(words, 0)], ['192.0.2.254', 1])
})

test('ports', { skip }, () => {
  for (const port of [0, 1, 255, 256, 53, 5353, 65_535]) assert.equal(portAt(toWords('127.0.0.1', port), 0), port)
})

test('what is no address, and interfaces that are not there', { skip }, () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', '::g', '12345::', 'fe80::1%no-such']) {
    assert.throws(() => toSocketAddress(libc, text, 53), RangeError, text)
  }
})

function withControl(level: number, type: number, ...data: number[]): Uint32Array {
  const words = new Uint32Array(ENDS)
  words.set([0, 0, level, type, ...data], CONTROL)
  return words
}

test('the local address of a datagram is sent back as the source, without its interface', { skip }, () => {
  const local = toWords('192.0.2.1', 0)[1]!
  const four = withControl(IPPROTO_IP, IP_PKTINFO, 3, local, 0)
  assert.equal(turnPacketInfo(four, 0, 32), 32)
  assert.equal(localAddressAt(libc, four, 0), '192.0.2.1')
  assert.equal(four[CONTROL + 4], 0)
  const global = withControl(IPPROTO_IPV6, IPV6_PKTINFO, ...toWords('2001:db8::1', 0).subarray(2, 6), 3)
  assert.equal(turnPacketInfo(global, 0, 40), 40)
  assert.equal(localAddressAt(libc, global, 0), '2001:db8::1')
  assert.equal(global[CONTROL + 8], 0)
})

test('a link-local address keeps its interface', { skip }, () => {
  const linkLocal = withControl(IPPROTO_IPV6, IPV6_PKTINFO, ...toWords('fe80::1', 0).subarray(2, 6), 1)
  assert.equal(turnPacketInfo(linkLocal, 0, 40), 40)
  assert.equal(localAddressAt(libc, linkLocal, 0), 'fe80::1%lo')
})

test('no control message, and ones of another kind', { skip }, () => {
  assert.equal(turnPacketInfo(withControl(IPPROTO_IP, IP_PKTINFO, 3, 1, 0), 0, 0), 0)
  assert.equal(turnPacketInfo(withControl(1, 29, 1, 2), 0, 32), 0)
})
