import type { Clock, ResourceRecord } from 'corelet/plugin'

/** What the service said. */
export interface Answer {
  rcode: number
  answers: readonly ResourceRecord[]
  /** Milliseconds that it may be kept. */
  lifetime: number
}

/** An answer, and the monotonic time until which it holds. */
export interface Known extends Answer {
  until: number
}

/** Answers by question. Equal questions that come at once are one request; what is kept is bounded in number. */
export class AnswerCache {
  readonly #most: number
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #ask: (name: string, type: string) => Promise<Answer>
  /** The oldest comes first. */
  readonly #known = new Map<string, Known>()
  readonly #asked = new Map<string, Promise<Known>>()

  constructor(most: number, clock: Pick<Clock, 'monotonic'>, ask: (name: string, type: string) => Promise<Answer>) {
    this.#most = most
    this.#clock = clock
    this.#ask = ask
  }

  get size(): number {
    return this.#known.size
  }

  /** What is known and holds now. */
  find(name: string, type: string): Known | undefined {
    const known = this.#known.get(`${name} ${type}`)
    return known && known.until > this.#clock.monotonic() ? known : undefined
  }

  /** Asks, unless that is under way. @throws (rejects) what the service fails with, which is not kept */
  fetch(name: string, type: string): Promise<Known> {
    const question = `${name} ${type}`
    const asked = this.#asked.get(question)
    if (asked) return asked
    const request = this.#fetch(question, name, type).finally(() => this.#asked.delete(question))
    this.#asked.set(question, request)
    return request
  }

  async #fetch(question: string, name: string, type: string): Promise<Known> {
    const answer = await this.#ask(name, type)
    const known = { ...answer, until: this.#clock.monotonic() + answer.lifetime }
    this.#known.delete(question)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < this.#most) break
      this.#known.delete(oldest)
    }
    this.#known.set(question, known)
    return known
  }
}
