import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Row, Table } from './table.ts'

class Item implements Row<Item> {
  key: number
  nextRow: Item | undefined
  constructor(key: number) {
    this.key = key
  }
}

describe('Table', () => {
  it('holds what a Map of lists would, however many come and go', () => {
    const table = new Table<Item>()
    const expected = new Map<number, Item[]>()
    let seed = 7
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return (seed >>> 8) % below
    }
    const keys = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? -1 - i : Math.imul(i, 64)))
    for (let step = 0; step < 20_000; step++) {
      const key = keys[random(keys.length)]!
      const items = expected.get(key) ?? []
      expected.set(key, items)
      if (random(100) < 55) {
        const item = new Item(key)
        items.push(item)
        table.add(item)
      } else {
        const item = items.splice(random(items.length + 1), 1)[0] ?? new Item(key)
        table.delete(item)
      }
      if (step % 100 === 0) check(table, expected)
    }
    check(table, expected)
    for (const item of table.values()) table.delete(item)
    assert.equal(table.size, 0)
    assert.deepEqual(table.values(), [])
  })
})

function check(table: Table<Item>, expected: Map<number, Item[]>): void {
  let size = 0
  for (const [key, items] of expected) {
    const found = new Set<Item>()
    for (let item = table.get(key); item; item = table.another(item)) found.add(item)
    assert.deepEqual(found, new Set(items))
    size += items.length
  }
  assert.equal(table.size, size)
  assert.equal(table.values().length, size)
}
