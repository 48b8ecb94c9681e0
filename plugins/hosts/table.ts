/** Entries of a hosts file, indexed by the keys that queries carry. */
import { isIP } from 'node:net'
import { addressToOctets, keyOf, octetsToAddress, parentKey, unmapOctets, type ZoneList } from 'corelet/plugin'

/** Addresses of one name. */
export interface Addresses {
  v4: string[]
  v6: string[]
}

const WILDCARD = '\x01*'

/**
 * Most addresses of a name and names of an address: block lists give one address to a million names, which no answer can hold; this many
 * names of any length fit one message.
 */
export const MAX_VALUES = 240

export class HostsTable {
  readonly #names = new Map<string, Addresses>()
  readonly #reverse = new Map<string, string[]>()
  readonly #zones: ZoneList
  readonly #makesReverse: boolean
  #size = 0

  /**
   * @param zones names outside are left out
   * @param makesReverse whether addresses lead back to names
   */
  constructor(zones: ZoneList, makesReverse: boolean) {
    this.#zones = zones
    this.#makesReverse = makesReverse
  }

  /** Number of addresses and of names that addresses lead back to. */
  get size(): number {
    return this.#size
  }

  /** Takes in one line of a hosts file; what is not `IP NAME...` is passed over. */
  add(line: string): void {
    const comment = line.indexOf('#')
    const [first, ...names] = (comment < 0 ? line : line.slice(0, comment)).split(/\s+/).filter((word) => word !== '')
    if (first === undefined || names.length === 0) return
    const address = toAddress(first)
    if (!address) return
    for (const name of names) this.#addName(name, address)
  }

  #addName(name: string, address: { octets: Uint8Array; text: string }): void {
    const key = toKeyOrNothing(name)
    if (key === undefined || !this.#zones.has(key)) return
    const family = address.octets.length === 4 ? 'v4' : 'v6'
    let addresses = this.#names.get(key)
    if (!addresses) {
      addresses = { v4: [], v6: [] }
      this.#names.set(key, addresses)
    }
    const known = addresses[family]
    if (known.length >= MAX_VALUES || known.includes(address.text)) return
    known.push(address.text)
    this.#size++
    if (!this.#makesReverse || key.startsWith(WILDCARD)) return
    this.#size++
    const reverse = toReverseKey(address.octets)
    const owners = this.#reverse.get(reverse)
    if (!owners) this.#reverse.set(reverse, [key])
    else if (owners.length < MAX_VALUES) owners.push(key)
  }

  /** Addresses of a name: its own, else those of a wildcard in place of its first label. */
  find(key: string): Addresses | undefined {
    return this.#names.get(key) ?? this.#names.get(WILDCARD + parentKey(key))
  }

  /** Keys of the names that the reverse name `key` leads to. */
  findNames(key: string): readonly string[] {
    return this.#reverse.get(key) ?? []
  }
}

/** Whether a word of a Corefile may begin an entry. */
export function isAddress(word: string): boolean {
  return isIP(word.replace(/%.*/, '')) !== 0
}

function toAddress(word: string): { octets: Uint8Array; text: string } | undefined {
  const octets = addressToOctets(word.replace(/%.*/, ''))
  if (!octets) return undefined
  const bare = unmapOctets(octets)
  return { octets: bare, text: octetsToAddress(bare, 0, bare.length === 4 ? 4 : 16) }
}

function toKeyOrNothing(name: string): string | undefined {
  try {
    return keyOf(name)
  } catch {
    return undefined
  }
}

/** Key of an address's name under in-addr.arpa (RFC 1035 §3.5) or ip6.arpa (RFC 3596 §2.5). */
function toReverseKey(octets: Uint8Array): string {
  if (octets.length === 4) return keyOf(`${[...octets].reverse().join('.')}.in-addr.arpa.`)
  const nibbles = [...octets].flatMap((octet) => [octet >> 4, octet & 15])
  return keyOf(
    `${nibbles
      .reverse()
      .map((nibble) => nibble.toString(16))
      .join('.')}.ip6.arpa.`,
  )
}
