import { LRUCache } from 'lru-cache'
import type { Entry, PartName } from './entry.ts'
import type { CacheOptions } from './options.ts'

/** CoreDNS's cache has 256 shards of at least 4 entries. */
const SMALLEST_CAPACITY = 1024

type Part = LRUCache<string, Entry>

/**
 * The entries of one cache in two parts, each bounded in entries, both together in octets. What was used longest ago makes room. Expired
 * entries stay until then, for serve_stale.
 */
export class Store {
  readonly #options: CacheOptions
  readonly #parts: Record<PartName, Part>
  readonly #evicted: Record<PartName, number> = { success: 0, denial: 0 }

  constructor(options: CacheOptions) {
    this.#options = options
    this.#parts = { success: this.#createPart('success'), denial: this.#createPart('denial') }
  }

  #createPart(part: PartName): Part {
    return new LRUCache({
      maxSize: this.#options.maxBytes,
      sizeCalculation: (entry, key) => key.length + entry.size,
      dispose: (_entry, _key, reason) => {
        if (reason === 'evict') this.#evicted[part]++
      },
    })
  }

  /** Entries that a part may have. `max` of LRUCache would take memory for all of them at once, in each block that has a cache. */
  #capacity(part: PartName): number {
    return Math.max(this.#options[part].capacity, SMALLEST_CAPACITY)
  }

  /**
   * The entry to answer with: fresh, or expired no longer than serve_stale allows. A denial comes first, unless it is a failure and an
   * answer is there, or prefer_positive says otherwise.
   * @param now monotonic milliseconds
   */
  find(key: string, now: number): Entry | undefined {
    if (this.#options.stale.preferPositive) {
      const entry = this.#parts.success.get(key)
      const positive = entry?.positive ? entry : entry?.lastPositive
      if (positive && this.#isUsable(positive, now)) return positive
    }
    const denial = this.#parts.denial.get(key)
    const denied = denial !== undefined && this.#isUsable(denial, now)
    if (denied && !denial.failure) return denial
    const success = this.#parts.success.get(key)
    if (success && this.#isUsable(success, now)) return success
    return denied ? denial : undefined
  }

  #isUsable(entry: Entry, now: number): boolean {
    const left = entry.remaining(now)
    return left > 0 || (-left < this.#options.stale.window && !entry.failure)
  }

  /** Keeps an entry. It takes the place of what the other part says about the same question. */
  put(key: string, entry: Entry): void {
    const { success, denial } = this.#parts
    const { preferPositive } = this.#options.stale
    if (entry.part === 'success') {
      if (!preferPositive || entry.positive) {
        denial.delete(key)
      } else {
        const before = success.peek(key)
        entry.lastPositive = before?.positive ? before : before?.lastPositive
      }
    } else if (!entry.failure && !preferPositive) {
      success.delete(key)
    }
    const part = this.#parts[entry.part]
    part.set(key, entry)
    while (part.size > this.#capacity(entry.part)) part.pop()
    while (this.octets > this.#options.maxBytes) {
      const larger = success.calculatedSize > denial.calculatedSize ? success : denial
      larger.pop()
    }
  }

  /** Octets that the entries take. */
  get octets(): number {
    return this.#parts.success.calculatedSize + this.#parts.denial.calculatedSize
  }

  /** Number of entries of a part. */
  count(part: PartName): number {
    return this.#parts[part].size
  }

  /** Entries of a part that made room for others since the last call. */
  takeEvicted(part: PartName): number {
    const evicted = this.#evicted[part]
    this.#evicted[part] = 0
    return evicted
  }
}
