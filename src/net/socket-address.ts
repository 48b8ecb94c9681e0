/** `struct sockaddr_in`, `struct sockaddr_in6` and the control messages IP_PKTINFO and IPV6_PKTINFO as words of Linux's memory. */
import type { Libc } from './libc.ts'
import { CONTROL } from './message-vector.ts'

export const AF_INET = 2
export const AF_INET6 = 10
export const IPPROTO_IP = 0
export const IPPROTO_IPV6 = 41
export const IP_PKTINFO = 8
export const IPV6_PKTINFO = 50

/** Octets of the socket address of a family. */
export const INET_SIZE = 16
export const INET6_SIZE = 28

/** Octets of a control message with its padding. */
const PKTINFO_SIZE = 32
const PKTINFO6_SIZE = 40

/** Second to last word of `::ffff:0.0.0.0`. */
const MAPPED = 0xffff0000
const LINK_LOCAL = 0x80fe

/** A socket address for bind(2). @throws RangeError when `text` is no IP address or names no interface */
export function toSocketAddress(libc: Libc, text: string, port: number): Uint8Array {
  const v6 = text.includes(':')
  const octets = new Uint8Array(v6 ? INET6_SIZE : INET_SIZE)
  octets[0] = v6 ? AF_INET6 : AF_INET
  octets[2] = port >> 8
  octets[3] = port & 0xff
  const [address = '', scope] = text.split('%')
  const parsed = v6
    ? libc.inet_pton(AF_INET6, address, octets.subarray(8, 24))
    : libc.inet_pton(AF_INET, address, octets.subarray(4, 8))
  if (parsed !== 1) throw new RangeError(`not an IP address: ${text}`)
  if (scope !== undefined) new DataView(octets.buffer).setUint32(24, toInterface(libc, scope), true)
  return octets
}

function toInterface(libc: Libc, scope: string): number {
  const index = libc.if_nametoindex(scope) || Number(scope)
  if (!Number.isInteger(index)) throw new RangeError(`no such interface: ${scope}`)
  return index
}

/** Port of the socket address at `at`. */
export function portAt(words: Uint32Array, at: number): number {
  const swapped = words[at]! >>> 16
  return ((swapped & 0xff) << 8) | (swapped >> 8)
}

/** 1 for IPv4, mapped to IPv6 or not, else 2. */
export function familyAt(words: Uint32Array, at: number): 1 | 2 {
  return (words[at]! & 0xffff) === AF_INET || isMapped(words, at + 2) ? 1 : 2
}

/** IP address of the socket address at `at` as text, link-local ones with `%IFACE`. */
export function addressAt(libc: Libc, words: Uint32Array, at: number): string {
  if ((words[at]! & 0xffff) === AF_INET) return toText4(words, at + 1)
  return toText6(libc, words, at + 2, words[at + 6]!)
}

function isMapped(words: Uint32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED
}

function isLinkLocal(words: Uint32Array, at: number): boolean {
  return (words[at]! & 0xc0ff) === LINK_LOCAL
}

function toText4(words: Uint32Array, at: number): string {
  const word = words[at]!
  return `${word & 0xff}.${(word >> 8) & 0xff}.${(word >> 16) & 0xff}.${word >>> 24}`
}

function toText6(libc: Libc, words: Uint32Array, at: number, scope: number): string {
  if (isMapped(words, at)) return toText4(words, at + 3)
  const octets = new Uint8Array(words.buffer, words.byteOffset + 4 * at, 16)
  const text = libc.inet_ntop(AF_INET6, octets, new Uint8Array(46), 46)!
  if (scope === 0 || !isLinkLocal(words, at)) return text
  return `${text}%${libc.if_indextoname(scope, new Uint8Array(16)) ?? scope}`
}

/**
 * Readies the control message behind the ends at `at`, as it was received, for the answer: the local address becomes the source, the
 * interface is left to routing unless the address is worth something there only.
 * @param length octets of control messages that came with the datagram
 * @returns octets to send; 0 when it does not hold the local address
 */
export function turnPacketInfo(words: Uint32Array, at: number, length: number): number {
  if (length === 0) return 0
  const control = at + CONTROL
  const level = words[control + 2]
  const type = words[control + 3]
  if (level === IPPROTO_IP && type === IP_PKTINFO) {
    words[control + 4] = 0
    return PKTINFO_SIZE
  }
  if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
    if (!isLinkLocal(words, control + 4)) words[control + 8] = 0
    return PKTINFO6_SIZE
  }
  return 0
}

/** The local address in the control message behind the ends at `at` as text; see {@link turnPacketInfo}. */
export function localAddressAt(libc: Libc, words: Uint32Array, at: number): string {
  const control = at + CONTROL
  if (words[control + 2] === IPPROTO_IP) return toText4(words, control + 5)
  return toText6(libc, words, control + 4, words[control + 8]!)
}
