import { countLabels, isBelow, keyOf, keyToText } from '../dns/name.ts'
import type { Query } from './query.ts'

/** A list of zones to match query names with, by label, ignoring case. */
export class ZoneList {
  readonly #zones: { key: string; text: string; labels: number }[]

  /** @param zones as text @throws TextError */
  constructor(zones: readonly string[]) {
    this.#zones = zones
      .map((zone) => {
        const key = keyOf(zone)
        return { key, text: keyToText(key), labels: countLabels(key) }
      })
      .sort((a, b) => b.labels - a.labels)
  }

  get size(): number {
    return this.#zones.length
  }

  /** The longest zone that is the name or a parent of it, as text; undefined if none is. @param key the name, see name.ts */
  match(key: string): string | undefined {
    for (const zone of this.#zones) if (isBelow(key, zone.key)) return zone.text
    return undefined
  }

  has(key: string): boolean {
    return this.match(key) !== undefined
  }

  /** Whether the name of `query` is in it. A query as it came in is in its block's zone, so that its name need not be read. */
  takes(query: Query): boolean {
    return (query === query.origin && this.#isListed(query.zone)) || this.has(query.key)
  }

  #isListed(text: string): boolean {
    for (const zone of this.#zones) if (zone.text === text) return true
    return false
  }

  /** The zones as text, longest first. */
  toArray(): string[] {
    return this.#zones.map((zone) => zone.text)
  }
}

/** `fallthrough [ZONES...]`: for which names a plugin that found nothing asks the next one. No zones means all names. */
export function toFallthrough(zones: readonly string[]): ZoneList {
  return new ZoneList(zones.length === 0 ? ['.'] : zones)
}
