import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMessage, encodeMessage } from './codec.ts'
import { AA, QR, RA } from './constants.ts'
import { WireError } from './errors.ts'
import type { EdnsOption } from './message.ts'
import { withoutOpt } from './patch.ts'
import { encodeOpt } from './query-build.ts'
import type { ResourceRecord } from './record.ts'
import { scanReply } from './reply-scan.ts'

const options: EdnsOption[] = [{ code: 3, data: Uint8Array.of(1, 2, 3) }]
const answers: ResourceRecord[] = [
  { name: 'www.example.org.', type: 'CNAME', class: 'IN', ttl: 9, data: 'example.org.' },
]
const additionals: ResourceRecord[] = [{ name: 'example.org.', type: 'A', class: 'IN', ttl: 9, data: '192.0.2.1' }]

const parts = { id: 7, flags: QR | AA | RA, question: { name: 'www.example.org.', type: 'A' }, answers }
const opt = { udpSize: 1232, version: 0, flags: 0x8000, options }

/** The message with its OPT in front of the additional records. */
function optFirst(): Uint8Array {
  const wire = encodeMessage({ ...parts, opt })
  const tail = encodeMessage({ additionals }).subarray(12)
  const joined = Uint8Array.from([...wire, ...tail])
  joined[11] = 2
  return joined
}

function check(wire: Uint8Array, expected: Uint8Array): void {
  const before = Uint8Array.from(wire)
  const scan = scanReply(wire)
  const bare = withoutOpt(wire, scan)
  assert.deepEqual(Uint8Array.from(wire), before)
  assert.deepEqual(decodeMessage(bare.wire), decodeMessage(expected))
  assert.equal(bare.wire.length, expected.length)
  const { ednsFlags, rcode, ...rest } = scanReply(expected)
  assert.deepEqual(bare.scan, { ...rest, ednsFlags: scan.ednsFlags, rcode: scan.rcode })
}

test('an OPT at the end is cut off and no longer counted', () => {
  check(encodeMessage({ ...parts, additionals, opt, rcode: 3 }), encodeMessage({ ...parts, additionals, rcode: 3 }))
})

test('a message in a Buffer stays as it is too', () => {
  check(Buffer.from(encodeMessage({ ...parts, additionals, opt })), encodeMessage({ ...parts, additionals }))
})

test('the upper bits of the rcode stay in the scan', () => {
  const wire = encodeMessage({ ...parts, opt, rcode: 16 })
  assert.equal(withoutOpt(wire, scanReply(wire)).scan.rcode, 16)
})

test('an OPT before other records is taken out', () => {
  check(optFirst(), encodeMessage({ ...parts, additionals }))
})

test('of several OPT all are taken out, and the first counts', () => {
  const second = encodeOpt({ ...opt, flags: 0, options: [] })
  const wire = Uint8Array.from([...encodeMessage({ ...parts, opt }), ...second])
  wire[11] = 2
  const scan = scanReply(wire)
  assert.deepEqual([scan.additionals, scan.ednsFlags], [0, 0x8000])
  check(wire, encodeMessage(parts))
  assert.throws(() => decodeMessage(wire), WireError)
})

test('garbage behind the message is cut off', () => {
  const wire = encodeMessage({ ...parts, additionals })
  check(Uint8Array.from([...wire, 1, 2, 3]), wire)
  check(Uint8Array.from([...encodeMessage({ ...parts, additionals, opt }), 1, 2, 3]), wire)
})

test('a message without OPT and garbage is not copied', () => {
  const wire = encodeMessage(parts)
  const scan = scanReply(wire)
  const bare = withoutOpt(wire, scan)
  assert.equal(bare.wire, wire)
  assert.equal(bare.scan, scan)
  const other = withoutOpt(Buffer.from(wire), scan).wire
  assert.equal(other.constructor, Uint8Array)
  assert.deepEqual(other, wire)
})
