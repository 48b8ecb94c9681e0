import { countLabels, isBelow, keyOf, keyToText } from '../dns/name.ts'

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

  /** The zones as text, longest first. */
  toArray(): string[] {
    return this.#zones.map((zone) => zone.text)
  }
}

/** `fallthrough [ZONES...]`: for which names a plugin that found nothing asks the next one. No zones means all names. */
export function toFallthrough(zones: readonly string[]): ZoneList {
  return new ZoneList(zones.length === 0 ? ['.'] : zones)
}
