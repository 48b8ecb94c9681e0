/** Zones as they are written in a Corefile: names, and networks that stand for reverse zones. */
import { isIPv4, isIPv6 } from 'node:net'
import { addressToOctets } from './address.ts'
import { TextError } from './errors.ts'
import { normalizeName } from './name.ts'

/**
 * Normal forms of a zone argument: lower case and final dot for a name; the reverse zones of a network
 * (up to the next octet boundary for IPv4, nibble for IPv6, as CoreDNS does).
 * @throws TextError when it is no domain name
 */
export function normalizeZone(text: string): string[] {
  return cidrToZones(text) ?? [normalizeName(text)]
}

/**
 * The reverse zones of a network in CIDR notation (RFC 1035 §3.5, RFC 3596 §2.5), host bits ignored; undefined if it is none.
 * @throws TextError for IPv6 text beginning with `:` or `0`, which CoreDNS refuses
 */
export function cidrToZones(text: string): string[] | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  if (!match) return undefined
  const address = match[1]!
  const bits = Number(match[2])
  const v6 = isIPv6(address)
  if (!v6 && !isIPv4(address)) return undefined
  if (bits > (v6 ? 128 : 32)) return undefined
  if (v6 && /^[:0]/.test(address)) throw new TextError(`invalid CIDR ${text}`)
  const octets = addressToOctets(address)!
  const digits = v6 ? [...octets].flatMap((octet) => [octet >> 4, octet & 15]) : [...octets]
  const step = v6 ? 4 : 8
  const suffix = v6 ? 'ip6.arpa.' : 'in-addr.arpa.'
  const whole = Math.ceil(bits / step)
  const free = whole * step - bits
  if (whole === 0) return [suffix]
  const first = digits[whole - 1]! & ~((1 << free) - 1)
  const format = (digit: number) => (v6 ? digit.toString(16) : String(digit))
  const parents = digits
    .slice(0, whole - 1)
    .map(format)
    .reverse()
  return Array.from({ length: 1 << free }, (_, i) => [format(first + i), ...parents, suffix].join('.'))
}
