import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TextError, WireError } from './errors.ts'
import { fromBase32, fromBase64, fromLossless, toBase32, toLossless } from './octet-text.ts'
import type { ResourceRecord } from './record.ts'
import { formatRecord, parseRecord } from './text.ts'
import { txtStrings } from './types/strings.ts'
import { Words } from './words.ts'

/** What is read, and what is printed for it. */
const read: [text: string, printed: string][] = [
  ['Example.ORG A 192.0.2.1', 'Example.ORG. 3600 IN A 192.0.2.1'],
  ['example.org. 60 A 192.0.2.1', 'example.org. 60 IN A 192.0.2.1'],
  ['example.org. IN 60 A 192.0.2.1', 'example.org. 60 IN A 192.0.2.1'],
  ['example.org. 60 ch a 192.0.2.1', 'example.org. 60 CH A 192.0.2.1'],
  ['example.org. CLASS1 TYPE1 192.0.2.1 ; a comment', 'example.org. 3600 IN A 192.0.2.1'],
  ['a. ( 60 IN A\n 192.0.2.1 ; comment )\n )', 'a. 60 IN A 192.0.2.1'],
  ['a. 1 AAAA 2001:DB8:0:0:0:0:0:1', 'a. 1 IN AAAA 2001:db8::1'],
  ['a. 1 TXT one "two three" fo\\"ur "" ü', 'a. 1 IN TXT "one" "two three" "fo\\"ur" "" "\\195\\188"'],
  ['a. 1 TXT "a;b(c)" \\;', 'a. 1 IN TXT "a;b(c)" ";"'],
  ['a. 1 TXT "a\nb"', 'a. 1 IN TXT "a\\010b"'],
  ['a. 1 CNAME b\\046c.', 'a. 1 IN CNAME b\\.c.'],
  ['a. 1 A \\# 4 C0 00 02 01', 'a. 1 IN A 192.0.2.1'],
  ['a. 1 TXT \\# 0', 'a. 1 IN TXT \\# 0'],
  ['a. 1 LOC \\# 3 010203', 'a. 1 IN TYPE29 \\# 3 010203'],
  ['a. 1 TYPE65280 \\# 2 AbCd', 'a. 1 IN TYPE65280 \\# 2 ABCD'],
  ['a. 1 DS 1 8 2 DEAD be ef', 'a. 1 IN DS 1 8 2 DEADBEEF'],
  ['a. 1 CERT 1 2 RSASHA256 AAAA AAAA', 'a. 1 IN CERT PKIX 2 RSASHA256 AAAAAAAA'],
  ['a. 1 CERT 999 2 200 AAAA', 'a. 1 IN CERT 999 2 200 AAAA'],
  ['a. 1 NSEC b. NS A A TYPE1', 'a. 1 IN NSEC b. A NS'],
  ['a. 1 RRSIG A 8 1 1 1893456000 0 1 . AAAA', 'a. 1 IN RRSIG A 8 1 1 20300101000000 19700101000000 1 . AAAA'],
  ['a. 1 HTTPS 1 . port=53 alpn=h2', 'a. 1 IN HTTPS 1 . alpn="h2" port=53'],
  ['a. 1 LOC 52 N 4 30 W 10', 'a. 1 IN LOC 52 0 0.000 N 4 30 0.000 W 10.00m 1m 10000m 10m'],
  ['a. 1 LOC 52 1 2.5 S 4 E -5.5m 30 0.01m', 'a. 1 IN LOC 52 1 2.500 S 4 0 0.000 E -5.50m 30m 0.01m 10m'],
]

const bad: [text: string, column: number, message: RegExp][] = [
  ['', 0, /name is missing/],
  ['a.', 2, /type is missing/],
  ['a..b A 192.0.2.1', 2, /empty label/],
  ['a. BOGUS x', 3, /unknown record type/],
  ['a. 1 2 A 192.0.2.1', 5, /unknown record type/],
  ['a. 2147483648 A 192.0.2.1', 3, /TTL/],
  ['a. A', 4, /address is missing/],
  ['a. A 192.0.2', 5, /IPv4/],
  ['a. A 192.0.2.1 x', 15, /too many words/],
  ['a. AAAA 192.0.2.1', 8, /IPv6/],
  ['a. MX 65536 b.', 6, /0 to 65535/],
  ['a. MX -1 b.', 6, /0 to 65535/],
  ['a. MX 1 b..c', 10, /empty label/],
  ['a. TXT', 6, /text is missing/],
  ['a. TXT "open', 7, /quote/],
  ['a. TXT x\\', 8, /escape/],
  ['a. TXT \\256', 7, /no octet/],
  ['a. TXT \\12', 7, /bad escape/],
  [`a. TXT ${'x'.repeat(256)}`, 7, /255 octets/],
  ['a. DS 1 8 2 ABC', 12, /hexadecimal/],
  ['a. OPENPGPKEY AAA', 14, /base64/],
  ['a. NSEC3 1 0 0 - 1W', 17, /base32hex/],
  ['a. NSEC b. BOGUS', 11, /unknown record type/],
  ['a. RRSIG A 8 1 1 20300230000000 20200101000000 1 . AAAA', 17, /not a time/],
  ['a. TYPE65280 abc', 13, /\\# LENGTH HEX/],
  ['a. TYPE65280 \\# 2 AB', 16, /length differs/],
  ['a. A \\# 3 010203', 8, /cut short/],
  ['a. A \\# 5 0102030405', 8, /left over/],
  ['a. LOC 91 N 0 E 0m', 7, /bad position/],
  ['a. LOC 1 60 N 0 E 0m', 7, /bad position/],
  ['a. LOC 1 N 0 E', 14, /altitude/],
  ['a. LOC 1 N 0 E 1e3', 15, /not metres/],
  ['a. HTTPS 1 . bogus=1', 13, /unknown service parameter/],
  ['a. HTTPS 1 . key65535', 13, /unknown service parameter/],
  ['a. HTTPS 1 . ohttp=1', 13, /takes no value/],
  ['a. HTTPS 1 . port=x', 9, /0 to 65535/],
  ['a. HTTPS 1 . ipv4hint=::1', 9, /IPv4/],
  ['a. TSIG b. 1 1 3 AAAA 1 BADNEWS 0', 24, /0 to 65535/],
  ['a. TSIG b. 1 1 4 AAAA 1 NOERROR 0', 15, /length differs/],
]

describe('parseRecord', () => {
  for (const [text, printed] of read) {
    test(text, () => assert.equal(formatRecord(parseRecord(text)).replaceAll('\t', ' '), printed))
  }

  for (const [text, column, message] of bad) {
    test(`${text.slice(0, 60)} is refused`, () => {
      assert.throws(
        () => parseRecord(text),
        (error) => {
          assert.ok(error instanceof TextError, String(error))
          assert.match(error.message, message)
          assert.equal(error.column, column)
          return true
        },
      )
    })
  }

  test('the TTL may have another default', () => {
    assert.equal(parseRecord('a. A 192.0.2.1', { ttl: 5 }).ttl, 5)
    assert.equal(parseRecord('a. 9 A 192.0.2.1', { ttl: 5 }).ttl, 9)
  })
})

describe('formatRecord', () => {
  test('names and text are escaped, IN is supplied', () => {
    const record: ResourceRecord = { name: 'a b', type: 'TXT', ttl: 1, data: Uint8Array.of(0x22, 0x80) }
    assert.equal(formatRecord(record), 'a\\032b.\t1\tIN\tTXT\t"\\"\\128"')
  })

  test('octets under the name of a known type are printed as octets', () => {
    assert.equal(
      formatRecord({ name: 'a.', type: 'TYPE1', ttl: 1, data: Uint8Array.of(1) }),
      'a.\t1\tIN\tTYPE1\t\\# 1 01',
    )
  })

  test('objects that are not right are refused', () => {
    assert.throws(() => formatRecord({ name: 'a..', type: 'A', ttl: 1, data: '192.0.2.1' }), TextError)
    assert.throws(
      () => formatRecord({ name: 'a.', type: 'TYPE9', ttl: 1, data: 'x' as unknown as Uint8Array }),
      WireError,
    )
  })
})

describe('octets in text', () => {
  test('what is not UTF-8 survives', () => {
    const cases: [octets: number[], text: string][] = [
      [[0x61, 0xc3, 0xbc], 'aü'],
      [[0xc3, 0xbc, 0x2c, 0x80], 'ü,\udc80'],
      [[0xf0, 0x9f, 0x99, 0x82], '🙂'],
      [[0xed, 0xa0, 0x80], '\udced\udca0\udc80'],
      [[0xc0, 0x80], '\udcc0\udc80'],
      [[0xef, 0xbb, 0xbf], '\ufeff'],
    ]
    for (const [octets, text] of cases) {
      assert.equal(toLossless(Uint8Array.from(octets)), text)
      assert.deepEqual([...fromLossless(text)], octets)
    }
  })

  test('base64 and base32hex of a wrong length or with other characters are refused', () => {
    for (const text of ['A', 'AA', 'AAA', 'AA=A', 'AA-_', '====']) assert.throws(() => fromBase64(text), TextError)
    for (const text of ['0', '000', 'W0']) assert.throws(() => fromBase32(text), TextError)
    assert.equal(toBase32(fromBase32('c1208')), 'C1208')
  })

  test('strings of TXT', () => {
    assert.deepEqual(txtStrings('a'), ['a'])
    assert.deepEqual(txtStrings(['a', Uint8Array.of(0x62)]), ['a', 'b'])
    assert.deepEqual(txtStrings(Uint8Array.of(0xff)), ['\udcff'])
  })

  test('columns of words', () => {
    const words = new Words(' a "b c" (d) ; e')
    const columns = []
    while (!words.done) columns.push([words.column, words.next('').text])
    assert.deepEqual(columns, [
      [1, 'a'],
      [3, 'b c'],
      [10, 'd'],
    ])
    assert.equal(words.column, 16)
  })
})

test('records are objects that a plugin author can write and read', () => {
  const records: ResourceRecord[] = [
    { name: 'a.', type: 'A', ttl: 1, data: '192.0.2.1' },
    { name: 'a.', type: 'TXT', class: 'CH', ttl: 1, data: 'text' },
    { name: 'a.', type: 'TXT', ttl: 1, data: ['text', Uint8Array.of(1)] },
    { name: 'a.', type: 'SRV', ttl: 1, data: { priority: 1, weight: 2, port: 53, target: 'b.' } },
    {
      name: 'a.',
      type: 'HTTPS',
      ttl: 1,
      data: { priority: 1, target: '.', params: { alpn: ['h2'], key999: Uint8Array.of(1) } },
    },
    { name: 'a.', type: 'DNSKEY', ttl: 1, data: { flags: 257, algorithm: 8, key: Uint8Array.of(1) } },
    { name: 'a.', type: 'TYPE65280', ttl: 1, data: Uint8Array.of(1) },
    { name: 'a.', type: 'APL', ttl: 1, data: Uint8Array.of(1) },
    // @ts-expect-error: SRV data is an object
    { name: 'a.', type: 'SRV', ttl: 1, data: '1 2 53 b.' },
    // @ts-expect-error: no such type
    { name: 'a.', type: 'BOGUS', ttl: 1, data: Uint8Array.of(1) },
  ]
  const ports = records.flatMap((record) =>
    record.type === 'SRV' && typeof record.data === 'object' ? record.data.port : [],
  )
  assert.deepEqual(ports, [53])
})
