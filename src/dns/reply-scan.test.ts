import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeMessage, type MessageParts } from './codec.ts'
import { AA, OPCODES, QR, RA } from './constants.ts'
import { WireError } from './errors.ts'
import { keyOf } from './name.ts'
import type { ResourceRecord } from './record.ts'
import { classify, type ResponseType, scanReply } from './reply-scan.ts'
import { parseRecord } from './text.ts'

const question = { name: 'www.example.org.', type: 'A' }
const a = parseRecord('www.example.org. 300 IN A 192.0.2.1')
const soa = parseRecord('example.org. 60 IN SOA ns.example.org. host.example.org. 1 2 3 4 5')
const ns = parseRecord('example.org. 30 IN NS ns.example.org.')
const rrsig = parseRecord('www.example.org. 300 IN RRSIG A 8 3 300 20260201000000 20260101000000 1 example.org. AAAA')
const within = Date.UTC(2026, 0, 15) / 1000
const opt = { udpSize: 1232, version: 0, flags: 0x8000, options: [{ code: 3, data: Uint8Array.of(1) }] }

const scanOf = (parts: MessageParts) => scanReply(encodeMessage({ flags: QR | RA, question, ...parts }))

describe('what a scan finds', () => {
  const wire = encodeMessage({
    id: 7,
    flags: QR | AA,
    question: { name: 'WWW.example.org.', type: 'A' },
    answers: [{ ...a, name: 'WWW.example.org.' }],
    authorities: [ns],
    additionals: [a],
    opt,
    rcode: 23,
  })
  const scan = scanReply(wire)

  test('header and question', () => {
    const { id, flags, rcode, key, qtype, qclass, questionEnd } = scan
    assert.deepEqual(
      { id, flags, rcode, key, qtype, qclass, questionEnd },
      { id: 7, flags: QR | AA | 7, rcode: 23, key: keyOf('www.example.org.'), qtype: 1, qclass: 1, questionEnd: 33 },
    )
  })

  test('counts, TTLs and the OPT', () => {
    assert.deepEqual([scan.answers, scan.authorities, scan.additionals], [1, 1, 1])
    const view = new DataView(wire.buffer)
    assert.deepEqual(
      [...scan.ttlOffsets].map((at) => view.getUint32(at)),
      [300, 30, 300],
    )
    assert.equal(scan.minTtl, 30)
    assert.deepEqual([scan.ns, scan.soa, scan.optLast, scan.ednsFlags], [true, false, true, 0x8000])
    assert.deepEqual([...wire.subarray(scan.optionsStart, scan.optionsEnd)], [0, 3, 0, 1, 1])
    assert.equal(wire[scan.optOffset + 2], 41)
    assert.equal(scan.optEnd, wire.length)
    assert.equal(scan.end, wire.length)
  })

  test('garbage behind the message is not part of it', () => {
    assert.equal(scanReply(Uint8Array.from([...wire, 9, 9])).end, wire.length)
  })

  test('TTLs: none, 0, and the top bit', () => {
    assert.equal(scanOf({}).minTtl, -1)
    assert.equal(scanOf({ answers: [a, { ...a, ttl: 0 }] }).minTtl, 0)
    assert.equal(scanOf({ answers: [{ ...a, ttl: 0xffffffff }] }).minTtl, 0x7fffffff)
    assert.equal(scanOf({ answers: [{ ...a, ttl: 0x7fffffff }] }).minTtl, 0x7fffffff)
  })

  test('SOA and NS count in the authority section only', () => {
    const other = scanOf({ answers: [soa], additionals: [ns] })
    assert.deepEqual([other.soa, other.ns], [false, false])
  })

  test('validity of signatures', () => {
    const [signature] = scanOf({ answers: [a, rrsig] }).rrsigs
    assert.deepEqual(signature, { inception: Date.UTC(2026, 0, 1) / 1000, expiration: Date.UTC(2026, 1, 1) / 1000 })
  })
})

describe('replies that are refused', () => {
  /** A reply with one answer of the given type and data. */
  const withData = (type: number, ...data: number[]) => {
    const opaque: ResourceRecord = {
      name: 'www.example.org.',
      type: `TYPE${type}`,
      ttl: 1,
      data: Uint8Array.from(data),
    }
    return encodeMessage({ question, answers: [opaque] })
  }
  const good = encodeMessage({ question, answers: [a], opt })
  const change = (at: number, ...octets: number[]) => {
    const copy = good.slice()
    copy.set(octets, at)
    return copy
  }
  const OPT = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]
  const joined = (additionals: number, ...octets: number[]) => {
    const wire = Uint8Array.from([...encodeMessage({ question, answers: [a] }), ...octets])
    wire[11] = additionals
    return wire
  }

  /** Two records, the second with a pointer to the TTL of the first for its owner. */
  const withTtl = (...ttl: number[]) => {
    const record = [0xc0, 12, 0, 1, 0, 1, ...ttl, 0, 4, 192, 0, 2, 1]
    const wire = Uint8Array.from([...encodeMessage({ question }), ...record, 0xc0, 0, ...record.slice(2)])
    const first = wire.length - 2 * record.length
    wire[7] = 2
    wire[first + record.length + 1] = first + 6
    return wire
  }
  const inOwnTtl = () => {
    const wire = Uint8Array.from([...encodeMessage({ question }), 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 0])
    wire[7] = 1
    wire[wire.length - 1] = wire.length - 8
    return wire
  }

  const cases: [what: string, wire: Uint8Array][] = [
    ['nothing', new Uint8Array(0)],
    ['7 octets', good.subarray(0, 7)],
    ['a query', change(2, 0)],
    ['no question', encodeMessage({ answers: [a] })],
    ['two questions', change(5, 2)],
    ['3 octets cut off', good.subarray(0, -3)],
    ['more answers counted than there are', change(7, 3)],
    ['65535 answers counted', change(6, 255, 255)],
    ['an A of 3 octets', withData(1, 1, 2, 3)],
    ['an A of 5 octets', withData(1, 1, 2, 3, 4, 5)],
    ['an empty A', withData(1)],
    ['an AAAA of 4 octets', withData(28, 1, 2, 3, 4)],
    ['a CNAME that runs past its data', withData(5, 3, 97, 98)],
    ['a CNAME with data left over', withData(5, 1, 97, 0, 0)],
    ['a CNAME that points to itself', withData(5, 0xc0, 45)],
    ['a CNAME that points forwards', withData(5, 0xc0, 47, 0)],
    ['an MX without a name', withData(15, 0, 1)],
    ['a SOA that is cut short', withData(6, 0, 0, 1, 2, 3, 4)],
    ['a SRV without a name', withData(33, 0, 0, 0, 0, 0, 53)],
    ['a TXT whose string runs past its data', withData(16, 5, 97)],
    ['an RRSIG of 10 octets', withData(46, ...new Array(10).fill(0))],
    ['an RRSIG whose name is compressed', withData(46, ...new Array(18).fill(0), 0xc0, 12)],
    ['a DNSKEY of 2 octets', withData(48, 1, 0)],
    ['an NSEC with a bitmap of 33 octets', withData(47, 0, 0, 33, ...new Array(33).fill(1))],
    ['an NSEC with a bitmap cut short', withData(47, 0, 0, 4, 1)],
    ['an NSEC with windows out of order', withData(47, 0, 1, 1, 1, 0, 1, 1)],
    ['an HTTPS whose parameter runs past its data', withData(65, 0, 1, 0, 0, 1, 0, 9, 1)],
    ['a CAA whose tag runs past its data', withData(257, 0, 9, 97)],
    ['an owner that leads through the TTL before it', withTtl(1, 0x61, 0, 0)],
    ['an owner that ends in the TTL before it', withTtl(0, 0, 0, 0)],
    ['a CNAME that leads through its own TTL', inOwnTtl()],
    ['an OPT that belongs to a name', joined(1, 1, 97, ...OPT)],
    [
      'an OPT among the answers',
      encodeMessage({ question, answers: [{ name: '.', type: 'TYPE41', ttl: 0, data: new Uint8Array(0) }] }),
    ],
    ['an option that runs past the OPT', joined(1, ...OPT.slice(0, -1), 4, 0, 3, 0, 1)],
    ['more than 65535 octets', new Uint8Array(65536).fill(0x80)],
  ]
  for (const [what, wire] of cases) {
    test(what, () => assert.throws(() => scanReply(wire), WireError))
  }

  test('an owner that is the name of another record is none of that', () => {
    const mx = {
      name: 'example.org.',
      type: 'MX',
      ttl: 60,
      data: { preference: 1, exchange: 'mail.elsewhere.' },
    } as const
    const address = { name: 'mail.elsewhere.', type: 'A', ttl: 60, data: '192.0.2.1' } as const
    const wire = encodeMessage({ question, answers: [mx], additionals: [address, address] })
    assert.equal(scanReply(wire).additionals, 2)
  })

  test('what has the shape of its type but is not understood is let through', () => {
    const location = withData(29, 1, 2, 3)
    const parameters = withData(65, 0, 1, 0, 0, 4, 0, 1, 1, 0, 3, 0, 2, 0, 80)
    for (const wire of [good, location, parameters, withData(16), withData(65280, 0xc0, 0xff)]) {
      assert.equal(scanReply(wire).answers, 1)
    }
  })
})

describe('classify', () => {
  const cases: [what: string, parts: MessageParts, type: ResponseType][] = [
    ['an answer', { answers: [a] }, 'NOERROR'],
    ['nothing', {}, 'NOERROR'],
    ['NXDOMAIN', { rcode: 3, authorities: [soa] }, 'NXDOMAIN'],
    ['NXDOMAIN without SOA', { rcode: 3 }, 'NXDOMAIN'],
    ['NXDOMAIN with an answer', { rcode: 3, answers: [a] }, 'OTHERERROR'],
    ['NODATA', { authorities: [soa] }, 'NODATA'],
    ['a delegation', { authorities: [ns] }, 'DELEGATION'],
    ['NODATA with SOA and NS', { authorities: [ns, soa] }, 'NODATA'],
    ['SERVFAIL', { rcode: 2 }, 'SERVERERROR'],
    ['NOTIMP', { rcode: 4 }, 'SERVERERROR'],
    ['REFUSED', { rcode: 5 }, 'OTHERERROR'],
    ['an rcode of 12 bits', { rcode: 23, opt }, 'OTHERERROR'],
    ['a transfer', { question: { name: 'example.org.', type: 'AXFR' }, answers: [soa] }, 'META'],
    ['NOTIFY', { flags: QR | (OPCODES.NOTIFY << 11) }, 'META'],
    ['UPDATE', { flags: QR | (OPCODES.UPDATE << 11) }, 'UPDATE'],
    ['a signature that is valid', { answers: [a, rrsig], opt }, 'NOERROR'],
  ]
  for (const [what, parts, type] of cases) {
    test(`${what}: ${type}`, () => assert.equal(classify(scanOf(parts), within), type))
  }

  test('a signature that is not valid yet, or any more, makes an error of an answer with DO', () => {
    const month = 31 * 86_400
    const signed = scanOf({ answers: [a, rrsig], opt })
    const unasked = scanOf({ answers: [a, rrsig] })
    for (const now of [within - month, within + month]) {
      assert.equal(classify(signed, now), 'OTHERERROR')
      assert.equal(classify(unasked, now), 'NOERROR')
    }
  })

  test('validity over the end of the 32 bits', () => {
    const wrapped = { ...rrsig, data: { ...(rrsig.data as object), inception: 0xffffff00, expiration: 0x100 } }
    const scan = scanOf({ answers: [a, wrapped as ResourceRecord], opt })
    assert.equal(classify(scan, 2 ** 32 - 16), 'NOERROR')
    assert.equal(classify(scan, 2 ** 32 + 16), 'NOERROR')
    assert.equal(classify(scan, 2 ** 32 + 1000), 'OTHERERROR')
  })
})
