import type { Carried } from '../plugin/index.ts'

interface Held {
  state: Carried
  /** Generations that hold it. */
  holders: number
}

/** State of plugins that outlives generations: each is kept while a generation holds it. A generation that fails takes nothing away. */
export class CarriedStates {
  readonly #held = new Map<string, Held>()

  /** What one generation holds. */
  hold(): Hold {
    return new Hold(this.#held)
  }
}

/** A generation's share in {@link CarriedStates}. */
export class Hold {
  readonly #held: Map<string, Held>
  readonly #own = new Set<string>()

  constructor(held: Map<string, Held>) {
    this.#held = held
  }

  /** The state called `name`, from a generation that holds it or made now. */
  take<State extends Carried>(name: string, make: () => State): State {
    const held = this.#held.get(name) ?? { state: make(), holders: 0 }
    this.#held.set(name, held)
    if (!this.#own.has(name)) held.holders++
    this.#own.add(name)
    return held.state as State
  }

  /** Lets go of all of it; what nobody holds any more is released. @throws (rejects) AggregateError of those that failed to be */
  async release(): Promise<void> {
    const failures: unknown[] = []
    for (const name of this.#own) {
      const held = this.#held.get(name)!
      if (--held.holders > 0) continue
      this.#held.delete(name)
      try {
        await held.state.release?.()
      } catch (error) {
        failures.push(error)
      }
    }
    this.#own.clear()
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '))
  }
}
