import { addressToOctets, custom, octetsToAddress, type Value } from 'corelet/plugin'

/** An IPv6 prefix that IPv4 addresses are put behind. */
export interface Prefix {
  /** 16 octets, zero behind the prefix. */
  octets: Uint8Array
  /** Octets of the prefix: 4 to 12. */
  length: number
}

/** 64:ff9b::/96, which is reserved for this (RFC 6052 §2.1). */
export const WELL_KNOWN: Prefix = { octets: addressToOctets('64:ff9b::')!, length: 12 }

/** An IPv6 network whose length is one of 32, 40 … 96 bits. */
export const prefix: Value<Prefix> = custom('PREFIX', 'network', (token, report) => {
  const [, address = '', bits = ''] = /^(.+)\/(\d{1,3})$/.exec(token.text) ?? []
  const octets = addressToOctets(address)
  if (!octets || Number(bits) > octets.length * 8) return void report(token, 'invalid-prefix', token.text)
  if (octets.length !== 16) return void report(token, 'wrong-family', bits, token.text)
  const length = Number(bits) / 8
  if (!Number.isInteger(length) || length < 4 || length > 12) return void report(token, 'invalid-length', token.text)
  return { octets: octets.fill(0, length), length }
})

/** The IPv6 address that stands for an IPv4 address; octet 8 is zero unless the prefix reaches it (RFC 6052 §2.2). */
export function embed({ octets, length }: Prefix, ipv4: string): string {
  const out = octets.slice()
  let at = length
  for (const octet of addressToOctets(ipv4)!) {
    if (at === 8) at++
    out[at++] = octet
  }
  return octetsToAddress(out, 0, 16)
}
