import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameReader } from './frames.ts'

function readAll(reader: FrameReader): string[] {
  const messages: string[] = []
  for (let message = reader.next(); message; message = reader.next()) messages.push(Buffer.from(message).toString())
  return messages
}

test('messages come out whole, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 700 })), fc.array(fc.integer({ min: 1, max: 900 })), (texts, cuts) => {
      const stream = Buffer.concat(
        texts.flatMap((text) => {
          const body = Buffer.from(text)
          return [Buffer.of(body.length >> 8, body.length & 0xff), body]
        }),
      )
      const reader = new FrameReader()
      const messages: string[] = []
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length] ?? 1
        reader.push(stream.subarray(at, at + size))
        messages.push(...readAll(reader))
        at += size
      }
      assert.deepEqual(messages, texts)
      assert.equal(reader.inMessage, false)
    }),
  )
})

test('what was not read waits in line', () => {
  const reader = new FrameReader()
  reader.push(Buffer.from('\0\x01a\0\x01b'))
  assert.equal(Buffer.from(reader.next()!).toString(), 'a')
  reader.push(Buffer.from('\0\x01c\0'))
  assert.deepEqual(readAll(reader), ['b', 'c'])
  assert.equal(reader.inMessage, true)
})

test('of a message that is too long only the front is kept, and the next one is whole', () => {
  const long = Buffer.concat([Buffer.of(0x03, 0xe8), Buffer.alloc(1000, 'x'), Buffer.from('\0\x02ab')])
  for (const size of [1, 7, 999, 2000]) {
    const reader = new FrameReader(50)
    const messages: string[] = []
    for (let at = 0; at < long.length; at += size) {
      reader.push(long.subarray(at, at + size))
      messages.push(...readAll(reader))
    }
    assert.deepEqual(messages, ['x'.repeat(50), 'ab'])
  }
})
