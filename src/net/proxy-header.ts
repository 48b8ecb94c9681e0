/** The PROXY protocol, versions 1 and 2: what a proxy says about the connection that it speaks for. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { unmapAddress } from './bind.ts'
import type { Ends } from './connection.ts'

/**
 * What is done with a header: `use` it; `ignore` what it says; `reject` those that send one; `skip` looking for one. A connection without a
 * header is fine with each of them.
 */
export type ProxyPolicy = 'use' | 'ignore' | 'reject' | 'skip'

/** What holds for the proxies of a listener. */
export interface ProxySettings {
  policyOf(address: string): ProxyPolicy
  /** How long, in milliseconds, and how many clients of datagrams are remembered whose proxy says only once who they are. */
  readonly tracking?: { milliseconds: number; most: number } | undefined
  /** Told of a header that makes no sense or is not wanted. */
  refused(address: string, why: string): void
}

/** A header that was read. */
export interface ProxyHeader {
  /** Octets that it takes. */
  length: number
  /** undefined when the proxy speaks for itself or for an unknown kind of client. */
  ends: Ends | undefined
  /** Whether it speaks of datagrams. */
  isDatagram: boolean
}

/** Octets of the longest header that is read. */
export const MAX_HEADER = 1024
const V1_LONGEST = 107
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V2_FIXED = 16

/**
 * Reads the header at the start of what a client sent.
 * @returns `none` when there is none, `more` when octets are missing to tell or to read it, `malformed` when it makes no sense
 */
export function readProxyHeader(octets: Buffer): ProxyHeader | 'none' | 'more' | 'malformed' {
  if (startsLike(octets, V2_SIGNATURE)) return octets.length < V2_FIXED ? 'more' : readV2(octets)
  if (startsLike(octets, V1_SIGNATURE)) return octets.length < V1_SIGNATURE.length ? 'more' : readV1(octets)
  return 'none'
}

const V1_SIGNATURE = Buffer.from('PROXY ', 'latin1')

/** Whether octets and signature agree as far as both go. */
function startsLike(octets: Buffer, signature: Buffer): boolean {
  const length = Math.min(octets.length, signature.length)
  return octets.subarray(0, length).equals(signature.subarray(0, length))
}

function readV1(octets: Buffer): ProxyHeader | 'more' | 'malformed' {
  const end = octets.subarray(0, V1_LONGEST).indexOf('\r\n')
  if (end < 0) return octets.length < V1_LONGEST ? 'more' : 'malformed'
  const length = end + 2
  const words = octets.toString('latin1', V1_SIGNATURE.length, end).split(' ')
  if (words[0] === 'UNKNOWN') return { length, ends: undefined, isDatagram: false }
  const [family, from = '', to = '', fromPort, toPort] = words
  const isFamily = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined
  const ports = [toPortNumber(fromPort), toPortNumber(toPort)] as const
  if (!isFamily?.(from) || !isFamily(to) || words.length !== 5 || ports[0] < 0 || ports[1] < 0) return 'malformed'
  const ends = { peer: { address: from, port: ports[0] }, local: { address: to, port: ports[1] } }
  return { length, ends, isDatagram: false }
}

/** -1 for what is no port number. */
function toPortNumber(word = ''): number {
  const port = /^\d{1,5}$/.test(word) ? Number(word) : -1
  return port <= 0xffff ? port : -1
}

function readV2(octets: Buffer): ProxyHeader | 'more' | 'malformed' {
  const version = octets[12]! >> 4
  const command = octets[12]! & 15
  const family = octets[13]! >> 4
  const transport = octets[13]! & 15
  const length = V2_FIXED + octets.readUInt16BE(14)
  if (version !== 2 || command > 1 || length > MAX_HEADER) return 'malformed'
  if (octets.length < length) return 'more'
  const isDatagram = transport === 2
  const size = family === 1 ? 4 : family === 2 ? 16 : 0
  if (command === 0 || size === 0) return { length, ends: undefined, isDatagram }
  if (length < V2_FIXED + 2 * size + 4) return 'malformed'
  const end = (place: 0 | 1) => ({
    address: toAddress(octets, V2_FIXED + place * size, size),
    port: octets.readUInt16BE(V2_FIXED + 2 * size + 2 * place),
  })
  return { length, ends: { peer: end(0), local: end(1) }, isDatagram }
}

function toAddress(octets: Buffer, at: number, size: number): string {
  if (size === 4) return octets.subarray(at, at + 4).join('.')
  const words = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(at + 2 * i).toString(16)).join(':')
  return unmapAddress(SocketAddress.parse(`[${words}]:0`)!.address)
}
