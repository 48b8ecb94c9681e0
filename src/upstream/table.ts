/**
 * What is under way, by id. A Map would keep it all in memory until a full garbage collection: V8 chains the hash tables that a Map outgrows,
 * and one of them that has got old holds on to all that come after it, with what was in them.
 */
export class Table<Key extends string | number, Value> {
  readonly #values: Partial<Record<Key, Value>> = Object.create(null)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: Key): Value | undefined {
    return this.#values[key]
  }

  has(key: Key): boolean {
    return this.#values[key] !== undefined
  }

  set(key: Key, value: Value): void {
    if (!this.has(key)) this.#size++
    this.#values[key] = value
  }

  delete(key: Key): void {
    if (!this.has(key)) return
    this.#size--
    delete this.#values[key]
  }

  values(): Value[] {
    return Object.values(this.#values)
  }
}
