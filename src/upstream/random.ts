import { randomFillSync } from 'node:crypto'

const pool = new Uint16Array(2048)
let next = pool.length

/** An unpredictable number from 0 to 65535, for message ids (RFC 5452 §4.3). */
export function randomId(): number {
  if (next === pool.length) {
    randomFillSync(pool)
    next = 0
  }
  return pool[next++]!
}

/** An unpredictable number from 0 to `count` - 1; `count` is at most 65536. */
export function randomIndex(count: number): number {
  return (randomId() * count) >>> 16
}

/** The items in an order of chance; `items` itself is left as it is. */
export function shuffle<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}
