/** Tokens of one client: how many were left, and when. */
interface Bucket {
  tokens: number
  at: number
}

/** A token bucket for each client, for a bounded number of clients: the one that was seen longest ago makes room. */
export class Buckets {
  readonly #rate: number
  readonly #burst: number
  readonly #most: number
  /** The client seen longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>()

  /** @param rate tokens a second @param burst tokens that a bucket holds @param most buckets */
  constructor(rate: number, burst: number, most: number) {
    this.#rate = rate
    this.#burst = burst
    this.#most = most
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes a token; false when there is none. @param now milliseconds */
  take(client: string, now: number): boolean {
    const known = this.#buckets.get(client)
    const bucket = known ?? { tokens: this.#burst, at: now }
    if (known) this.#buckets.delete(client)
    else if (this.#buckets.size >= this.#most) this.#forgetOldest()
    this.#buckets.set(client, bucket)
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.at) * this.#rate) / 1000)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  #forgetOldest(): void {
    for (const client of this.#buckets.keys()) {
      this.#buckets.delete(client)
      return
    }
  }
}
