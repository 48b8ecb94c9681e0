/** Values by keys of which several may be the same, and a value may have several. Few share one: a list is looked through. */
export class MultiMap<T> {
  readonly #lists = new Map<string, T[]>()

  get(key: string): readonly T[] {
    return this.#lists.get(key) ?? []
  }

  add(key: string, value: T): void {
    const list = this.#lists.get(key)
    if (!list) this.#lists.set(key, [value])
    else list.push(value)
  }

  remove(key: string, value: T): void {
    const list = this.#lists.get(key)
    const at = list?.indexOf(value) ?? -1
    if (!list || at < 0) return
    if (list.length === 1) this.#lists.delete(key)
    else list.splice(at, 1)
  }
}
