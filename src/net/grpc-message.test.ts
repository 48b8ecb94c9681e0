import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket, MAX_CALL, readCall } from './grpc-message.ts'

const call = (...octets: number[]) => Buffer.from([0, 0, 0, 0, octets.length, ...octets])

test('what was encoded is read, whatever its length', () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 65_535]) {
    const message = Buffer.alloc(length, 7)
    const encoded = encodePacket(message)
    assert.ok(encoded.length <= MAX_CALL)
    assert.deepEqual(Buffer.from(readCall(encoded) as Uint8Array), message)
  }
})

test('the octets are those of Protocol Buffers', () => {
  assert.deepEqual([...encodePacket(Buffer.from('abc'))], [0, 0, 0, 0, 5, 0x0a, 3, 97, 98, 99])
})

test('other fields are passed over, and the last of several counts', () => {
  const others = [0x10, 0x96, 1, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x22, 2, 1, 1, 0x2d, 1, 2, 3, 4]
  assert.deepEqual([...(readCall(call(...others, 0x0a, 1, 5, 0x0a, 2, 6, 7)) as Buffer)], [6, 7])
  assert.equal((readCall(call()) as Uint8Array).length, 0)
})

const malformed: [what: string, call: Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['less than a length', Buffer.from([0, 0, 0])],
  ['another length', Buffer.from([0, 0, 0, 0, 9, 0x0a, 1, 5])],
  ['a field that is cut off', call(0x0a, 200, 1)],
  ['a length that does not end', call(0x0a, 0x80)],
  ['a huge length', call(0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1)],
  ['a number without end', call(...Array(20).fill(0xff))],
  ['an unknown kind of field', call(0x0b)],
]
for (const [what, octets] of malformed) {
  test(`${what} is malformed`, () => assert.equal(readCall(octets), 'malformed'))
}

test('a compressed call is told apart', () => {
  assert.equal(readCall(Buffer.from([1, 0, 0, 0, 1, 0])), 'compressed')
})
