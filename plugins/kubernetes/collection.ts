import type { Sink } from '../../src/kubernetes/reflector.ts'

/** Told of each object that comes, goes or is another now. */
export type Changed<T> = (before: T | undefined, after: T | undefined) => void

/** All objects of a kind, by `NAMESPACE/NAME`. */
export class Collection<T> implements Sink<T> {
  readonly #objects = new Map<string, T>()
  readonly #changed: Changed<T>

  constructor(changed: Changed<T>) {
    this.#changed = changed
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  replace(all: ReadonlyMap<string, T>): void {
    for (const key of this.#objects.keys()) if (!all.has(key)) this.remove(key)
    for (const [key, value] of all) this.put(key, value)
  }

  put(key: string, value: T): void {
    const before = this.#objects.get(key)
    this.#objects.set(key, value)
    this.#changed(before, value)
  }

  remove(key: string): void {
    const before = this.#objects.get(key)
    if (before === undefined) return
    this.#objects.delete(key)
    this.#changed(before, undefined)
  }
}
