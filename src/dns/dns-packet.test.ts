import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import packet from 'dns-packet'
import fc from 'fast-check'
import { decodeMessage, encodeMessage } from './codec.ts'
import { QR, RD } from './constants.ts'
import type { ResourceRecord } from './record.ts'
import { parseRecord } from './text.ts'

/**
 * Records of the types that dns-packet understands, with names and values that it gets right: no escapes, labels up to 63 octets.
 */
const samples: ResourceRecord[] = [
  'www.example.org. 300 IN A 192.0.2.1',
  'www.example.org. 300 IN AAAA 2001:db8::1',
  'example.org. 300 IN NS ns1.example.org.',
  'www.example.org. 300 IN CNAME web.example.org.',
  'example.org. 300 IN DNAME example.net.',
  '1.2.0.192.in-addr.arpa. 300 IN PTR www.example.org.',
  'example.org. 300 IN SOA ns1.example.org. host.example.org. 1 2 3 4 5',
  'example.org. 300 IN MX 10 mail.example.org.',
  'example.org. 300 IN TXT "v=spf1 -all" "second"',
  '_dns._udp.example.org. 300 IN SRV 1 2 53 ns1.example.org.',
  'example.org. 300 IN CAA 0 issue "letsencrypt.org"',
  'example.org. 300 IN HINFO "cpu" "os"',
  'example.org. 300 IN NAPTR 100 50 "s" "z3950" "" _z3950._tcp.example.org.',
  'example.org. 300 IN RP mbox.example.org. txt.example.org.',
  'example.org. 300 IN SSHFP 4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF123456789',
  'example.org. 300 IN TLSA 3 1 1 DEADBEEF',
  'example.org. 300 IN DS 60485 5 1 2BB183AF',
  'example.org. 300 IN DNSKEY 257 3 8 AwEAAaz/tAm8',
  'example.org. 300 IN RRSIG A 8 2 300 20300101000000 20200101000000 12345 example.org. AwEAAaz/',
  'example.org. 300 IN NSEC a.example.org. A NS SOA RRSIG NSEC DNSKEY',
  'a.example.org. 300 IN NSEC3 1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG',
].map((text) => parseRecord(text))

const question = { name: 'www.example.org.', type: 'A' }

/** dns-packet has names without their final dot, octets as Buffers, and a few fields more. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'string') return value.length > 1 ? value.replace(/\.$/, '') : value
  if (typeof value !== 'object' || value === null) return value
  const { flush, issuerCritical, protocol, ...fields } = value as Record<string, unknown>
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, plain(field)]))
}

describe('agreement with dns-packet', () => {
  test('it decodes what is encoded here, to the same objects', () => {
    const wire = encodeMessage({ id: 9, flags: QR | RD, question, answers: samples })
    const decoded = packet.decode(Buffer.from(wire))
    assert.equal(decoded.id, 9)
    assert.deepEqual(plain(decoded.answers), plain(samples))
  })

  test('what it encodes is decoded here, to the same objects', () => {
    const wire = packet.encode({
      type: 'response',
      id: 9,
      flags: RD,
      questions: [{ name: 'www.example.org', type: 'A' }],
      answers: samples.map(toPacketRecord) as packet.Answer[],
    })
    const decoded = decodeMessage(wire)
    assert.deepEqual(decoded.question, { ...question, class: 'IN' })
    assert.deepEqual(decoded.answers, samples)
  })

  test('random questions and addresses', () => {
    const label = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_'), minLength: 1, maxLength: 20 })
    const name = fc.array(label, { minLength: 1, maxLength: 8 }).map((labels) => `${labels.join('.')}.`)
    fc.assert(
      fc.property(fc.nat(0xffff), name, fc.array(fc.tuple(name, fc.ipV4(), fc.nat(0x7fffffff))), (id, asked, list) => {
        const answers = list.map(([owner, data, ttl]) => ({ name: owner, type: 'A' as const, class: 'IN', ttl, data }))
        const wire = encodeMessage({ id, question: { name: asked, type: 'A' }, answers })
        const decoded = packet.decode(Buffer.from(wire))
        assert.equal(`${decoded.questions![0]!.name}.`, asked)
        assert.deepEqual(plain(decoded.answers), plain(answers))
        assert.deepEqual(decodeMessage(packet.encode(decoded)).answers, answers)
      }),
    )
  })
})

function toPacketRecord(record: ResourceRecord): unknown {
  const strip = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value)
    if (typeof value === 'string') return value.length > 1 ? value.replace(/\.$/, '') : value
    if (Array.isArray(value)) return value.map(strip) // It changes the lists that it is given.
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, strip(field)]))
  }
  return strip(record)
}
