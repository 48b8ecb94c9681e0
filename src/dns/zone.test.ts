import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { addressToOctets, octetsToAddress } from './address.ts'
import { fromClassName, fromRcodeName, fromTypeName, toClassName, toRcodeName, toTypeName } from './constants.ts'
import { TextError } from './errors.ts'
import { cidrToZones, normalizeZone } from './zone.ts'

describe('zones of networks', () => {
  const cases: [network: string, zones: string[] | undefined][] = [
    ['10.0.0.0/8', ['10.in-addr.arpa.']],
    ['192.0.2.77/24', ['2.0.192.in-addr.arpa.']],
    ['192.0.2.1/32', ['1.2.0.192.in-addr.arpa.']],
    ['192.0.2.0/23', ['2.0.192.in-addr.arpa.', '3.0.192.in-addr.arpa.']],
    ['192.0.2.65/31', ['64.2.0.192.in-addr.arpa.', '65.2.0.192.in-addr.arpa.']],
    ['0.0.0.0/0', ['in-addr.arpa.']],
    ['2001:db8::/32', ['8.b.d.0.1.0.0.2.ip6.arpa.']],
    ['2001:db8::/31', ['8.b.d.0.1.0.0.2.ip6.arpa.', '9.b.d.0.1.0.0.2.ip6.arpa.']],
    ['10.0.0.0/33', undefined],
    ['2001:db8::/129', undefined],
    ['10.0.0.0/8.', undefined],
    ['10.0.0/8', undefined],
    ['10.0.0.0', undefined],
    ['a/8', undefined],
  ]
  for (const [network, zones] of cases) test(network, () => assert.deepEqual(cidrToZones(network), zones))

  test('as many as there are, one for each octet or nibble', () => {
    assert.equal(cidrToZones('10.0.0.0/27')!.length, 32)
    assert.equal(cidrToZones('10.0.0.0/17')!.length, 128)
    assert.equal(cidrToZones('2001:db8::/33')!.length, 8)
  })

  test('IPv6 text that begins with a colon or zero is refused', () => {
    assert.throws(() => cidrToZones('::1/128'), TextError)
    assert.throws(() => cidrToZones('0064:ff9b::/96'), TextError)
  })

  test('other text is a name', () => {
    assert.deepEqual(normalizeZone('Example.ORG'), ['example.org.'])
    assert.deepEqual(normalizeZone('10.0.0.0/33'), ['10.0.0.0/33.'])
    assert.throws(() => normalizeZone('a..b'), TextError)
  })
})

describe('addresses', () => {
  test('octets → text → octets changes nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ minLength: 4, maxLength: 4 }),
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
          fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }),
        ),
        (octets) => {
          const text = octetsToAddress(octets, 0, octets.length === 4 ? 4 : 16)
          assert.deepEqual(addressToOctets(text), octets)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('IPv6 is written as RFC 5952 asks', () => {
    const same = [
      '::',
      '::1',
      '1::',
      '2001:db8::1',
      '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1::1',
      '1::2:0:0:3',
      '::ffff:192.0.2.1',
    ]
    for (const text of same) assert.equal(octetsToAddress(addressToOctets(text)!, 0, 16), text)
    assert.equal(octetsToAddress(addressToOctets('2001:DB8:0:0:0:0:0:01')!, 0, 16), '2001:db8::1')
    assert.equal(octetsToAddress(addressToOctets('64:ff9b::192.0.2.1')!, 0, 16), '64:ff9b::c000:201')
  })

  test('other text is no address', () => {
    for (const text of [
      '',
      '1',
      '1.2.3',
      '1.2.3.256',
      '01.2.3.4',
      'fe80::1%eth0',
      ':',
      ':::',
      '1::2::3',
      'g::',
      ' ::1',
    ]) {
      assert.equal(addressToOctets(text), undefined, text)
    }
  })
})

describe('registries', () => {
  test('every number has a name that is read back', () => {
    for (let number = 0; number <= 0xffff; number++) {
      assert.equal(fromTypeName(toTypeName(number)), number)
      assert.equal(fromClassName(toClassName(number)), number)
    }
    for (let number = 0; number <= 0xfff; number++) assert.equal(fromRcodeName(toRcodeName(number)), number)
  })

  test('case does not matter, and names of objects are no types', () => {
    assert.equal(fromTypeName('aaaa'), 28)
    assert.equal(fromTypeName('type28'), 28)
    for (const name of ['', 'TYPE', 'TYPE65536', 'TYPE-1', 'TYPE1x', 'constructor', '__proto__', 'toString']) {
      assert.equal(fromTypeName(name), undefined)
    }
  })
})
