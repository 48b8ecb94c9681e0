import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMessage, encodeMessage } from '../dns/codec.ts'
import { OPTIONS } from '../dns/constants.ts'
import type { EdnsOption } from '../dns/message.ts'
import { padQuestion } from './padding.ts'

const question = { name: 'a.example.', type: 'A', class: 'IN' }

/** A question with an OPT that has `options`, or without an OPT. */
function ask(options?: EdnsOption[]) {
  const opt = options && { udpSize: 1232, version: 0, flags: 0x8000, options }
  const packet = encodeMessage({ id: 7, flags: 0, question, ...(opt && { opt }) })
  return { packet, questionEnd: 12 + 11 + 4, anyReply: false }
}

test('a question with an OPT fills blocks of 128 octets, and keeps its other options', () => {
  const ecs = { code: OPTIONS.ECS, data: Uint8Array.of(0, 1, 8, 0, 10) }
  for (const options of [[], [ecs], [{ code: OPTIONS.PADDING, data: new Uint8Array(9) }, ecs]]) {
    const padded = padQuestion(ask(options))
    assert.equal(padded.length, 128)
    const { opt } = decodeMessage(padded)
    assert.equal(opt!.flags, 0x8000)
    assert.deepEqual(
      opt!.options.map(({ code }) => code),
      [...(options.includes(ecs) ? [OPTIONS.ECS] : []), OPTIONS.PADDING],
    )
  }
})

test('whatever its length, a padded question is whole', () => {
  for (let length = 0; length < 300; length++) {
    const padded = padQuestion(ask([{ code: 65_001, data: new Uint8Array(length) }]))
    assert.equal(padded.length % 128, 0)
    const [kept, padding] = decodeMessage(padded).opt!.options
    assert.equal(kept!.data.length, length)
    assert.ok(padding!.data.length < 128)
  }
})

test('what has no OPT at its end stays as it is', () => {
  const plain = ask()
  assert.equal(padQuestion(plain), plain.packet)
  const trailed = { ...ask([]), packet: Buffer.concat([ask([]).packet, Buffer.alloc(5)]) }
  assert.equal(padQuestion(trailed), trailed.packet)
})
