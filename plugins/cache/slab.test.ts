import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashQuestion } from 'corelet/plugin'
import fc from 'fast-check'
import { Slab } from './slab.ts'

interface Wanted {
  name: string
  qtype?: number
  qclass?: number
  bits?: number
}

const question = ({ name, qtype = 1, qclass = 1 }: Wanted) => {
  const packet = Buffer.from(`${'.'.repeat(12)}${name}....`, 'latin1')
  return { packet, questionEnd: packet.length, qtype, qclass }
}
const hashOf = (wanted: Wanted) => hashQuestion(question(wanted), wanted.bits ?? 0)
const find = (slab: Slab, wanted: Wanted, hash = hashOf(wanted)) => slab.find(hash, question(wanted), wanted.bits ?? 0)
const add = (slab: Slab, wanted: Wanted, octets: Uint8Array, { tag = 0, hash = hashOf(wanted) } = {}) =>
  slab.add(hash, question(wanted), wanted.bits ?? 0, tag, octets)
const nameOf = (slab: Slab, record: number) =>
  Buffer.from(slab.questionOf(record).packet.subarray(12, -4)).toString('latin1')

test('gives back keys, tags and octets of any length', () => {
  const slab = new Slab(() => assert.fail('no collision'))
  const lengths = [0, 1, 27, 28, 29, 87, 88, 89, 255, 1000, 65_535 + 24]
  const wanted = lengths.map((length, i) => ({
    name: '\xff'.repeat(i * 25),
    qtype: 65_535 - i,
    qclass: 1,
    bits: i,
    octets: Uint8Array.from({ length }, (_, at) => at * 7 + i),
  }))
  const records = wanted.map((each, i) => add(slab, each, each.octets, { tag: i - 2 }))
  for (const [i, { octets, ...key }] of wanted.entries()) {
    assert.equal(find(slab, key), records[i])
    const { qtype, qclass } = slab.questionOf(records[i]!)
    assert.deepEqual({ name: nameOf(slab, records[i]!), qtype, qclass, bits: slab.bitsOf(records[i]!) }, key)
    assert.equal(slab.tag(records[i]!), i - 2)
    assert.deepEqual(slab.read(records[i]!), octets)
  }
})

test('questions that differ in one thing are apart', () => {
  const slab = new Slab(() => {})
  const base = { name: '\x01a\x00' }
  add(slab, base, Uint8Array.of(1))
  assert.notEqual(find(slab, { name: '\x01A\x00' }), 0)
  for (const other of [{ name: '\x01b\x00' }, { name: '\x01a\x00\x00' }, { qtype: 2 }, { qclass: 3 }, { bits: 1 }]) {
    assert.equal(find(slab, { ...base, ...other }), 0)
    assert.equal(find(slab, { ...base, ...other }, hashOf(base)), 0, 'with the same hash')
  }
})

test('against a Map: every record is found, in the order of use; memory is used again', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'remove', 'touch', 'evict'),
    name: fc.integer({ min: 0, max: 150 }),
    length: fc.integer({ min: 0, max: 300 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const slab = new Slab(() => assert.fail('no collision'))
      const model = new Map<string, Uint8Array>()
      for (const { what, name, length } of steps) {
        const wanted = { name: `name${name}` }
        const record = find(slab, wanted)
        assert.equal(record !== 0, model.has(wanted.name))
        if (what === 'evict' && slab.oldest !== 0) {
          const oldest = nameOf(slab, slab.oldest)
          assert.equal(oldest, model.keys().next().value)
          model.delete(oldest)
          slab.remove(slab.oldest)
        } else if (what === 'add' && record === 0) {
          const octets = new Uint8Array(length).fill(name)
          model.set(wanted.name, octets)
          add(slab, wanted, octets)
        } else if (record !== 0 && what !== 'add') {
          const octets = model.get(wanted.name)!
          assert.deepEqual(slab.read(record), octets)
          model.delete(wanted.name)
          if (what === 'touch') model.set(wanted.name, octets)
          if (what === 'touch') slab.touch(record)
          else slab.remove(record)
        }
        assert.equal(slab.count, model.size)
      }
      const order: string[] = []
      for (let at = slab.oldest; at !== 0; at = slab.next(at)) order.push(nameOf(slab, at))
      assert.deepEqual(order, [...model.keys()])
      while (slab.oldest !== 0) slab.remove(slab.oldest)
      assert.equal(slab.octets, 0)
    }),
    { numRuns: 200 },
  )
})

test('names with the same place make room for one another, look-ups stay short', () => {
  const evicted: number[] = []
  const slab = new Slab((record) => {
    evicted.push(record)
    slab.remove(record)
  })
  for (let i = 0; i < 1000; i++) add(slab, { name: `n${i}` }, new Uint8Array(8), { hash: 42 })
  assert.ok(slab.count <= 32, `${slab.count} records in one place`)
  assert.equal(evicted.length, 1000 - slab.count)
  assert.notEqual(find(slab, { name: 'n999' }, 42), 0)
})
