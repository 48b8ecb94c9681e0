import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeOption, encodeOption, formatOption, parseOption, type TypedOption } from './edns.ts'
import { TextError, WireError } from './errors.ts'
import { toLossless } from './octet-text.ts'
import { name } from './testing/arbitraries.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** Octets, value and text, which is dig's but for the options that it does not know. */
const samples: [code: number, octets: string, value: TypedOption, text: string][] = [
  [3, '', { type: 'NSID', data: '' }, 'NSID:'],
  [3, '67 70 22 01', { type: 'NSID', data: 'gp"\x01' }, 'NSID: 67 70 22 01 ("gp".")'],
  [
    8,
    '0001 18 00 c00002',
    { type: 'ECS', data: { family: 1, sourcePrefixLength: 24, scopePrefixLength: 0, ip: '192.0.2.0' } },
    'CLIENT-SUBNET: 192.0.2.0/24/0',
  ],
  [
    8,
    '0002 38 20 20010db8000000',
    { type: 'ECS', data: { family: 2, sourcePrefixLength: 56, scopePrefixLength: 32, ip: '2001:db8::' } },
    'CLIENT-SUBNET: 2001:db8::/56/32',
  ],
  [
    8,
    '0001 00 00',
    { type: 'ECS', data: { family: 1, sourcePrefixLength: 0, scopePrefixLength: 0, ip: '0.0.0.0' } },
    'CLIENT-SUBNET: 0.0.0.0/0/0',
  ],
  [
    8,
    '0000 00 00',
    { type: 'ECS', data: { family: 0, sourcePrefixLength: 0, scopePrefixLength: 0, ip: '0' } },
    'CLIENT-SUBNET: 0/0/0',
  ],
  [9, '', { type: 'EXPIRE', data: undefined }, 'EXPIRE:'],
  [9, '00093a80', { type: 'EXPIRE', data: 604800 }, 'EXPIRE: 604800'],
  [
    10,
    '0102030405060708',
    { type: 'COOKIE', data: { client: hex('0102030405060708'), server: hex('') } },
    'COOKIE: 0102030405060708',
  ],
  [
    10,
    '0102030405060708 0a0b0c0d0e0f0001',
    { type: 'COOKIE', data: { client: hex('0102030405060708'), server: hex('0a0b0c0d0e0f0001') } },
    'COOKIE: 01020304050607080a0b0c0d0e0f0001',
  ],
  [11, '', { type: 'KEEPALIVE', data: undefined }, 'TCP KEEPALIVE:'],
  [11, '012d', { type: 'KEEPALIVE', data: 30.1 }, 'TCP KEEPALIVE: 30.1 secs'],
  [12, '', { type: 'PADDING', data: 0 }, 'PAD:'],
  [12, '00000000', { type: 'PADDING', data: 4 }, 'PAD: (4 bytes)'],
  [13, '0161 00', { type: 'CHAIN', data: 'a.' }, 'CHAIN: a.'],
  [15, '0016', { type: 'EDE', data: { infoCode: 22, extraText: '' } }, 'EDE: 22 (No Reachable Authority)'],
  [
    15,
    '0003 616c6c20286f6c6429',
    { type: 'EDE', data: { infoCode: 3, extraText: 'all (old)' } },
    'EDE: 3 (Stale Answer): (all (old))',
  ],
  [15, '03e7', { type: 'EDE', data: { infoCode: 999, extraText: '' } }, 'EDE: 999'],
  [18, '0161 00', { type: 'REPORT_CHANNEL', data: 'a.' }, 'REPORT-CHANNEL: a.'],
  [65001, '', { type: 'OPT65001', data: hex('') }, 'OPT=65001:'],
  [65001, '01ff', { type: 'OPT65001', data: hex('01ff') }, 'OPT=65001: 01 ff'],
]

describe('options', () => {
  for (const [code, octets, value, text] of samples) {
    test(text, () => {
      const option = { code, data: hex(octets) }
      assert.deepEqual(decodeOption(option), value)
      assert.deepEqual(encodeOption(value), option)
      assert.equal(formatOption(option), text)
      assert.deepEqual(parseOption(text), option)
    })
  }

  test('those that break their rules stay octets', () => {
    const broken: [number, string][] = [
      [8, '0001 18 00 c000'],
      [8, '0001 18 00 c0000201'],
      [8, '0001 17 00 c00001'],
      [8, '0001 21 00 c000020101'],
      [8, '0003 08 00 c0'],
      [8, '0001'],
      [9, '0001'],
      [10, '01020304050607'],
      [10, '0102030405060708 01'],
      [10, '01'.repeat(41)],
      [11, '01'],
      [12, '0001'],
      [13, '0161'],
      [13, '0161 00 00'],
      [15, '00'],
      [18, 'c000'],
    ]
    for (const [code, octets] of broken) {
      const option = { code, data: hex(octets) }
      assert.deepEqual(decodeOption(option), { type: `OPT${code}`, data: hex(octets) })
      assert.deepEqual(parseOption(formatOption(option)), option)
    }
  })

  test('any value survives octets and text', () => {
    const octets = fc.uint8Array({ maxLength: 50 })
    const value: fc.Arbitrary<TypedOption> = fc.oneof(
      octets.map((data): TypedOption => ({ type: 'NSID', data: toLossless(data) })),
      fc.nat(65535).map((tenths): TypedOption => ({ type: 'KEEPALIVE', data: tenths / 10 })),
      fc.nat(0xffffffff).map((data): TypedOption => ({ type: 'EXPIRE', data })),
      fc.nat(500).map((data): TypedOption => ({ type: 'PADDING', data })),
      name.map((data): TypedOption => ({ type: 'CHAIN', data })),
      fc
        .tuple(fc.nat(65535), octets)
        .map(([infoCode, extra]): TypedOption => ({ type: 'EDE', data: { infoCode, extraText: toLossless(extra) } })),
    )
    fc.assert(
      fc.property(value, (each) => {
        const option = encodeOption(each)
        assert.deepEqual(decodeOption(option), each)
        assert.deepEqual(parseOption(formatOption(option)), option)
      }),
    )
  })

  test('any octets give a value and a text', () => {
    const option = fc.record({ code: fc.oneof(fc.nat(20), fc.nat(65535)), data: fc.uint8Array({ maxLength: 40 }) })
    fc.assert(
      fc.property(option, (each) => {
        assert.deepEqual(encodeOption(decodeOption(each)), { ...each })
        assert.deepEqual(parseOption(formatOption(each)), { ...each })
      }),
      { numRuns: 1000 },
    )
  })

  test('any text gives an option or a TextError', () => {
    const label = fc.constantFrom(
      'NSID: ',
      'EDE: ',
      'COOKIE: ',
      'CLIENT-SUBNET: ',
      'PAD: ',
      'EXPIRE: ',
      'OPT=9: ',
      'CHAIN: ',
    )
    fc.assert(
      fc.property(label, fc.string(), (start, text) => {
        try {
          parseOption(start + text)
        } catch (error) {
          assert.ok(error instanceof TextError, String(error))
        }
      }),
    )
  })

  test('values out of range are refused', () => {
    const bad = [
      { type: 'ECS', data: { family: 1, sourcePrefixLength: 8, scopePrefixLength: 0, ip: '192.0.2.1' } },
      { type: 'ECS', data: { family: 1, sourcePrefixLength: 33, scopePrefixLength: 0, ip: '192.0.2.1' } },
      { type: 'ECS', data: { family: 2, sourcePrefixLength: 8, scopePrefixLength: 0, ip: '10.0.0.0' } },
      { type: 'COOKIE', data: { client: hex('01'), server: hex('') } },
      { type: 'KEEPALIVE', data: 6554 },
      { type: 'EDE', data: { infoCode: 65536, extraText: '' } },
      { type: 'PADDING', data: -1 },
      { type: 'OPT70000', data: hex('') },
      { type: 'BOGUS', data: hex('') },
    ]
    for (const each of bad) assert.throws(() => encodeOption(each as TypedOption), WireError, JSON.stringify(each))
  })
})
