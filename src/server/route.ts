import { TYPES } from '../dns/constants.ts'
import { keyOf, keyToText } from '../dns/name.ts'
import type { Next } from '../plugin/chain.ts'
import type { Query } from '../plugin/query.ts'

/** One key of a server block as a listener sees it. */
export interface Target {
  /** Zone as text. */
  zone: string
  /** Name of the block's view, else empty. */
  view: string
  /** Collects metadata of the query, for the view and the chain; left out, there is none. */
  collect?: (query: Query) => void
  /** Whether the block's view lets the query in; left out, all come in. */
  passes?: (query: Query) => boolean
  /** undefined when no plugin of the block has a handler. */
  chain: Next | undefined
}

/** Which block serves a query: the longest zone first, the blocks of a zone in the Corefile's order. */
export class RouteTable {
  readonly #zones = new Map<string, Target[]>()
  /** Whether a zone's key has this many octets: spares cutting the name where no zone can match. */
  readonly #lengths = new Uint8Array(256)
  readonly #root: readonly Target[]

  /** @param targets in the order of the Corefile @throws TextError when a zone is no domain name */
  constructor(targets: readonly Target[]) {
    for (const target of targets) {
      const key = keyOf(target.zone)
      const known = this.#zones.get(key)
      if (known) known.push({ ...target, zone: keyToText(key) })
      else this.#zones.set(key, [{ ...target, zone: keyToText(key) }])
      this.#lengths[key.length] = 1
    }
    this.#root = this.#zones.get('\0') ?? []
  }

  /**
   * The chain that serves `query`, noting zone and view in it; undefined when it is to be refused: no zone matches, or the block that
   * matches has no handler. DS belongs to the parent (RFC 4035 §3.1.4.1), so the shortest zone but the root gets it.
   */
  find(query: Query): Next | undefined {
    const { packet, questionEnd } = query
    const last = questionEnd - 5
    let parent: Target | undefined
    for (let at = 12; at < last; at += packet[at]! + 1) {
      if (this.#lengths[last + 1 - at] === 0) continue
      const targets = this.#zones.get(at === 12 ? query.key : query.key.slice(at - 12))
      if (!targets) continue
      for (const target of targets) {
        if (!target.chain) return undefined
        target.collect?.(query)
        if (target.passes && !target.passes(query)) continue
        if (query.qtype !== TYPES.DS) return enter(query, target)
        parent = target
      }
    }
    if (parent) return enter(query, parent)
    for (const target of this.#root) {
      if (!target.chain) continue
      target.collect?.(query)
      if (!target.passes || target.passes(query)) return enter(query, target)
    }
    return undefined
  }
}

function enter(query: Query, target: Target): Next | undefined {
  query.zone = target.zone
  query.view = target.view
  return target.chain
}
