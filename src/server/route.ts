import { TYPES } from '../dns/constants.ts'
import { fromText, hasKey, keyOf, keyToText } from '../dns/name.ts'
import { hashName } from '../dns/question.ts'
import type { Next } from '../plugin/chain.ts'
import type { Query } from '../plugin/query.ts'

const ROOT = Uint8Array.of(0)

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

/** The blocks of a zone. */
interface Zone {
  key: string
  targets: Target[]
}

/** Which block serves a query: the longest zone first, the blocks of a zone in the Corefile's order. */
export class RouteTable {
  /** By the hash of their names: a query needs no text to find them. */
  readonly #zones = new Map<number, Zone[]>()
  /** Whether a zone's key has this many octets: spares looking where no zone can match. */
  readonly #lengths = new Uint8Array(256)
  readonly #root: readonly Target[]

  /** @param targets in the order of the Corefile @throws TextError when a zone is no domain name */
  constructor(targets: readonly Target[]) {
    for (const target of targets) {
      const key = keyOf(target.zone)
      this.#enter(target.zone, key).targets.push({ ...target, zone: keyToText(key) })
      this.#lengths[key.length] = 1
    }
    this.#root = this.#targetsAt(ROOT, 0, ROOT.length) ?? []
  }

  #enter(text: string, key: string): Zone {
    const name = fromText(text)
    const hash = hashName(name, 0, name.length, 0)
    const zones = this.#zones.get(hash) ?? []
    this.#zones.set(hash, zones)
    const known = zones.find((zone) => zone.key === key)
    if (known) return known
    const zone = { key, targets: [] }
    zones.push(zone)
    return zone
  }

  /** The blocks whose zone is the name from `at` to `end` of `packet`. */
  #targetsAt(packet: Uint8Array, at: number, end: number): readonly Target[] | undefined {
    const zones = this.#zones.get(hashName(packet, at, end, 0))
    if (zones) for (const { key, targets } of zones) if (hasKey(packet, at, end, key)) return targets
    return undefined
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
      const targets = this.#targetsAt(packet, at, last + 1)
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
