import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EAGAIN, EINTR, type Libc } from './libc.ts'
import { ENDS } from './message-vector.ts'
import { BATCH } from './receive-batch.ts'
import { SendBatch } from './send-batch.ts'

const ADDRESS = 0x7f12_3456_7000
const HEADER_SIZE = 64
const ENOBUFS = 105
const ENDS_OF_PEER = Uint32Array.from({ length: ENDS }, (_, i) => (i === 0 ? 2 : i))

/** A kernel that answers with these results: how many datagrams it takes, or an error number below 0; then it takes all. */
function setUp(...results: number[]) {
  const calls: { first: number; count: number }[] = []
  let errno = 0
  const libc = {
    addressOf: () => ADDRESS,
    errno: () => errno,
    sendmmsg(_fd: number, headers: number, count: number) {
      calls.push({ first: (headers - ADDRESS) / HEADER_SIZE, count })
      const result = results.shift() ?? count
      errno = Math.max(0, -result)
      return result < 0 ? -1 : Math.min(result, count)
    },
  }
  let told = 0
  const batch = new SendBatch(libc as Partial<Libc> as Libc, () => void told++)
  const add = (count: number, length = 100) => {
    for (let i = 0; i < count; i++) batch.add(length, ENDS_OF_PEER, 0, 0)
  }
  return { batch, calls, add, told: () => told }
}

test('all leave in one call', () => {
  const { batch, calls, add } = setUp()
  add(5)
  assert.equal(batch.offset, 500)
  assert.equal(batch.flush(7), true)
  assert.deepEqual(calls, [{ first: 0, count: 5 }])
  assert.deepEqual([batch.isEmpty, batch.offset, batch.dropped], [true, 0, 0])
  assert.equal(batch.flush(7), true)
  assert.equal(calls.length, 1)
})

test('what the kernel did not take at once is sent with the next call', () => {
  const { batch, calls, add } = setUp(2, 1)
  add(5)
  assert.equal(batch.flush(7), true)
  assert.deepEqual(calls, [
    { first: 0, count: 5 },
    { first: 2, count: 3 },
    { first: 3, count: 2 },
  ])
  assert.equal(batch.dropped, 0)
})

test('a datagram that can not be sent is lost, those behind it are not', () => {
  const { batch, calls, add, told } = setUp(1, -ENOBUFS, -EINTR)
  add(4)
  assert.equal(batch.flush(7), true)
  assert.deepEqual(
    calls.map(({ first }) => first),
    [0, 1, 2, 2],
  )
  assert.deepEqual([batch.dropped, told()], [1, 1])
})

test('when the network takes no more, the rest waits, and more until it is full', () => {
  const { batch, calls, add } = setUp(2, -EAGAIN)
  add(5)
  assert.equal(batch.flush(7), false)
  assert.deepEqual([batch.isEmpty, batch.isFull, batch.dropped], [false, false, 0])
  add(BATCH)
  assert.deepEqual([batch.isFull, batch.dropped], [true, 5])
  assert.equal(batch.flush(7), true)
  assert.deepEqual(calls.at(-1), { first: 2, count: BATCH - 2 })
  assert.equal(batch.isEmpty, true)
})

test('there is always room for the longest datagram', () => {
  const { batch, add } = setUp()
  add(BATCH, 65_535)
  assert.equal(batch.isFull, true)
  assert.ok(batch.offset + 65_535 <= batch.octets.length)
  assert.ok(batch.dropped > 0)
})
