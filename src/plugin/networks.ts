import { addressToOctets, unmapOctets } from '../dns/address.ts'
import type { Network } from './values.ts'

/** Addresses whose outcome is remembered. */
const MEMORY = 4096

/**
 * Says whether an address is in one of some networks. An IPv4-mapped address (RFC 4291 §2.5.5.2) counts as IPv4, a zone id is not looked at,
 * and what is no address is in none.
 */
export function createNetworkMatch(networks: readonly Network[]): (address: string) => boolean {
  const prefixes = networks.map(({ address, bits }) => {
    const octets = addressToOctets(address)!
    const bare = unmapOctets(octets)
    return bare !== octets && bits >= 96 ? { octets: bare, bits: bits - 96 } : { octets, bits }
  })
  const known = new Map<string, boolean>()
  return (address) => {
    const before = known.get(address)
    if (before !== undefined) return before
    const octets = toPlainOctets(address)
    const found = octets !== undefined && prefixes.some((prefix) => isWithin(octets, prefix.octets, prefix.bits))
    if (known.size >= MEMORY) known.clear()
    known.set(address, found)
    return found
  }
}

/** Octets of an address, 4 for IPv4 in either form. */
function toPlainOctets(address: string): Uint8Array | undefined {
  const octets = addressToOctets(address.replace(/%.*$/, ''))
  return octets && unmapOctets(octets)
}

function isWithin(octets: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  if (octets.length !== prefix.length) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (octets[i] !== prefix[i]) return false
  const rest = bits & 7
  return rest === 0 || (octets[whole]! ^ prefix[whole]!) >> (8 - rest) === 0
}
