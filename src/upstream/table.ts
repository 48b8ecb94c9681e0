/** What a {@link Table} can hold, in one table at a time. */
export interface Row<T> {
  /** Its number, which others may have too. */
  key: number
  /** For the table: the row behind it. */
  nextRow: T | undefined
}

const SMALLEST = 16

/**
 * What is under way, by number. The rows are chained by themselves, so that one that comes and goes makes no garbage. A Map would keep it all
 * in memory until a full garbage collection: V8 chains the hash tables that a Map outgrows, and one of them that has got old holds on to all
 * that come after it, with what was in them.
 */
export class Table<T extends Row<T>> {
  #chains: (T | undefined)[] = new Array(SMALLEST).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** A row with that key; {@link Table.another} gives the others. */
  get(key: number): T | undefined {
    return withKey(this.#chains[key & (this.#chains.length - 1)], key)
  }

  /** A further row with the key of this one. */
  another(row: T): T | undefined {
    return withKey(row.nextRow, row.key)
  }

  add(row: T): void {
    if (this.#size === this.#chains.length) this.#grow()
    this.#chain(row)
    this.#size++
  }

  /** Takes out a row, if it is there. */
  delete(row: T): void {
    const place = row.key & (this.#chains.length - 1)
    let before: T | undefined
    let at = this.#chains[place]
    while (at && at !== row) {
      before = at
      at = at.nextRow
    }
    if (!at) return
    if (before) before.nextRow = row.nextRow
    else this.#chains[place] = row.nextRow
    row.nextRow = undefined
    this.#size--
  }

  /** All rows as they are now. */
  values(): T[] {
    const rows: T[] = []
    for (const first of this.#chains) for (let row = first; row; row = row.nextRow) rows.push(row)
    return rows
  }

  #chain(row: T): void {
    const place = row.key & (this.#chains.length - 1)
    row.nextRow = this.#chains[place]
    this.#chains[place] = row
  }

  /** Leaves nothing in the array that it outgrows, which may be old. */
  #grow(): void {
    const rows = this.values()
    const outgrown = this.#chains
    this.#chains = new Array(outgrown.length * 2).fill(undefined)
    outgrown.fill(undefined)
    for (const row of rows) this.#chain(row)
  }
}

function withKey<T extends Row<T>>(row: T | undefined, key: number): T | undefined {
  while (row && row.key !== key) row = row.nextRow
  return row
}
