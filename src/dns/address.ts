/** IP addresses between text and octets. IPv6 text is written as RFC 5952 asks. */
import { isIPv4, isIPv6 } from 'node:net'

/** Octets (4 or 16) of an address in text, undefined if it is none. A zone id (`%eth0`) is not accepted. */
export function addressToOctets(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  if (!isIPv6(text) || text.includes('%')) return undefined
  const out = new Uint8Array(16)
  const [head = '', tail] = text.split('::')
  const front = toWords(head)
  const back = tail === undefined ? [] : toWords(tail)
  const words = [...front, ...new Array(8 - front.length - back.length).fill(0), ...back]
  words.forEach((word: number, i) => {
    out[i * 2] = word >> 8
    out[i * 2 + 1] = word & 0xff
  })
  return out
}

function toWords(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

/** Text of 4 or 16 octets at `offset`. */
export function octetsToAddress(octets: Uint8Array, offset: number, length: 4 | 16): string {
  if (length === 4) {
    return `${octets[offset]}.${octets[offset + 1]}.${octets[offset + 2]}.${octets[offset + 3]}`
  }
  const words: number[] = []
  for (let i = 0; i < 16; i += 2) words.push((octets[offset + i]! << 8) | octets[offset + i + 1]!)
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return `::ffff:${octetsToAddress(octets, offset + 12, 4)}`
  }
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && words[i + run] === 0) run++
    if (run > bestLength) {
      best = i
      bestLength = run
    }
    i += run
  }
  const hex = words.map((word) => word.toString(16))
  if (best < 0) return hex.join(':')
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`
}

/** The four octets that an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) stands for; all others as they are. */
export function unmapOctets(octets: Uint8Array): Uint8Array {
  if (octets.length !== 16 || octets[10] !== 0xff || octets[11] !== 0xff) return octets
  return octets.subarray(0, 10).every((octet) => octet === 0) ? octets.subarray(12) : octets
}

/** An address in the one form that it has in listeners' names: RFC 5952 for IPv6, IPv4 for a mapped address. A zone id is kept. */
export function toCanonicalAddress(text: string): string {
  const [address = '', zone] = text.split('%')
  const octets = addressToOctets(address)
  if (!octets) return text
  const bare = unmapOctets(octets)
  const canonical = octetsToAddress(bare, 0, bare.length === 4 ? 4 : 16)
  return zone === undefined ? canonical : `${canonical}%${zone}`
}
