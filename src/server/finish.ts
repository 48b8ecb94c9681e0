/**
 * The last step before sending, the same for every transport: the client's id and question, TTLs, EDNS, size.
 *
 * CoreDNS sends an answer uncompressed as long as it fits. Replies here are octets whose names are compressed already, and stay so: smaller
 * packets, no decoding. What is compressed reads the same.
 */
import { AD, OPTIONS, QR, RCODES, TC, Z } from '../dns/constants.ts'
import type { EdnsOption } from '../dns/message.ts'
import { PLAIN_UDP_SIZE } from '../dns/query-view.ts'
import type { ReplyScan } from '../dns/reply-scan.ts'
import { NO_LIMIT, type Query } from '../plugin/query.ts'
import type { Reply } from '../plugin/reply.ts'
import { padMessage } from './padding.ts'
import { writeHeader, writeOpt, writeOption, writeQuestion } from './write.ts'

/** Octets behind the offset that {@link finishReply} may need in its buffer. */
export const MAX_MESSAGE = 0xffff

const OPT_SIZE = 11
/** DO, CO and the other flags in the upper octet go back to the client, as in CoreDNS. */
const REFLECTED_FLAGS = 0xff00

/**
 * Writes the message that answers the client's query (`query.origin`) to `out` from `offset` on.
 *
 * Fields of the header are the reply's, but for id, QR and opcode. A client that sent an OPT gets one: with its own size, unless a plugin set
 * a lower limit, its own flags, and the reply's options, or else those of its own that {@link isReflected} names. What is too large is cut behind the
 * last record that fits, and TC set.
 * @param maxUdpSize octets of a UDP answer unless a plugin set another limit; at least 512
 * @returns its length in octets; 0 when nothing is to be sent
 * @throws Error when the reply's question is not the client's, or it is no reply at all
 */
export function finishReply(query: Query, reply: Reply, out: Uint8Array, offset: number, maxUdpSize: number): number {
  if (reply.kind === 'drop') return 0
  const { origin } = query
  const limit = sizeLimit(origin, maxUdpSize)
  const { wire, scan } = reply
  if (reply.kind === 'failure') {
    writeHeader(out, offset, origin.id, origin.replyFlags | lowRcode(origin, reply.rcode), 1)
    return writeEdns(origin, reply.rcode, reply.options, out, writeQuestion(origin, out, offset), offset, limit)
  }
  if (!wire || !scan) throw new Error('the chain gave no reply')
  if (!answersQuestion(origin, scan)) throw new Error(`plugin/${reply.plugin}: the reply has another question`)
  const room = limit - ednsLength(origin, reply.options, limit)
  const kept = scan.end <= room ? scan.ttlOffsets.length : countFitting(wire, scan, room)
  const end = kept === scan.ttlOffsets.length ? scan.end : endOf(wire, scan, kept)
  out.set(end === wire.length ? wire : wire.subarray(0, end), offset)
  let flags = QR | (origin.flags & 0x7800) | (reply.flags & ~(0x7800 | Z | 15)) | lowRcode(origin, reply.rcode)
  if (kept < scan.ttlOffsets.length) flags |= TC
  if (!wantsAd(origin)) flags &= ~AD
  out[offset] = origin.id >> 8
  out[offset + 1] = origin.id & 0xff
  out[offset + 2] = flags >> 8
  out[offset + 3] = flags & 0xff
  writeCounts(out, offset, scan, kept)
  writeQuestion(origin, out, offset)
  if (reply.ttl >= 0) writeTtls(out, offset, scan.ttlOffsets, kept, reply.ttl)
  return writeEdns(origin, reply.rcode, reply.options, out, offset + end, offset, limit)
}

/** AD is for clients that ask for it with AD or DO (RFC 6840 §5.8). */
function wantsAd(origin: Query): boolean {
  return (origin.flags & AD) !== 0 || origin.dnssecOk
}

function answersQuestion(origin: Query, scan: ReplyScan): boolean {
  return scan.qtype === origin.qtype && scan.questionEnd === origin.questionEnd && origin.hasKey(scan.key)
}

/** Octets that the answer may have. */
function sizeLimit(origin: Query, maxUdpSize: number): number {
  if (origin.proto === 'tcp') return MAX_MESSAGE
  const cap = origin.udpLimit === NO_LIMIT ? maxUdpSize : origin.udpLimit
  return Math.max(PLAIN_UDP_SIZE, Math.min(origin.udpSize, cap))
}

/** The header's four bits of an rcode. One that needs the OPT's can't be told to a client without EDNS: SERVFAIL. */
function lowRcode(origin: Query, rcode: number): number {
  return rcode > 15 && !origin.edns ? RCODES.SERVFAIL : rcode & 15
}

/** How many of the records, counted over all sections, end within `room` octets. */
function countFitting(wire: Uint8Array, scan: ReplyScan, room: number): number {
  let low = 0
  let high = scan.ttlOffsets.length
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (endOf(wire, scan, middle) <= room) low = middle
    else high = middle - 1
  }
  return low
}

/** Where the first `count` records end: the data's length stands behind the TTL. */
function endOf(wire: Uint8Array, scan: ReplyScan, count: number): number {
  if (count === 0) return scan.questionEnd
  const ttl = scan.ttlOffsets[count - 1]!
  return ttl + 6 + ((wire[ttl + 4]! << 8) | wire[ttl + 5]!)
}

function writeCounts(out: Uint8Array, offset: number, scan: ReplyScan, kept: number): void {
  const answers = Math.min(kept, scan.answers)
  const authorities = Math.min(kept - answers, scan.authorities)
  const additionals = kept - answers - authorities
  out[offset + 6] = answers >> 8
  out[offset + 7] = answers & 0xff
  out[offset + 8] = authorities >> 8
  out[offset + 9] = authorities & 0xff
  out[offset + 10] = additionals >> 8
  out[offset + 11] = additionals & 0xff
}

function writeTtls(out: Uint8Array, offset: number, at: readonly number[], count: number, ttl: number): void {
  for (let i = 0; i < count; i++) {
    const to = offset + at[i]!
    out[to] = ttl >>> 24
    out[to + 1] = ttl >>> 16
    out[to + 2] = ttl >>> 8
    out[to + 3] = ttl
  }
}

/** Appends the OPT for a client that sent one. @returns the length of the whole message */
function writeEdns(
  origin: Query,
  rcode: number,
  options: readonly EdnsOption[],
  out: Uint8Array,
  end: number,
  offset: number,
  limit: number,
): number {
  if (!origin.edns) return end - offset
  const upper = rcode >> 4
  let at = writeOpt(out, end, Math.min(origin.udpSize, origin.udpLimit), upper, origin.ednsFlags & REFLECTED_FLAGS)
  const length = ednsLength(origin, options, limit)
  if (length > OPT_SIZE) {
    at = options.length > 0 ? writeOptions(origin, options, out, at) : writeReflected(origin, out, at)
    out[end + 9] = (length - OPT_SIZE) >> 8
    out[end + 10] = (length - OPT_SIZE) & 0xff
  }
  const count = offset + 10
  const additionals = ((out[count]! << 8) | out[count + 1]!) + 1
  out[count] = additionals >> 8
  out[count + 1] = additionals & 0xff
  return padMessage(origin, out, offset, end, at, limit) - offset
}

/** Octets that the OPT will take; options that leave no room for the question are left out altogether. */
function ednsLength(origin: Query, options: readonly EdnsOption[], limit: number): number {
  if (!origin.edns) return 0
  let length = OPT_SIZE
  if (options.length > 0) {
    for (const { code, data } of options) if (isSent(origin, code)) length += 4 + data.length
  } else {
    const { packet } = origin
    for (let at = origin.optionsStart; at < origin.optionsEnd; ) {
      const size = 4 + ((packet[at + 2]! << 8) | packet[at + 3]!)
      if (isReflected(origin, (packet[at]! << 8) | packet[at + 1]!)) length += size
      at += size
    }
  }
  return origin.questionEnd + length > limit ? OPT_SIZE : length
}

function writeOptions(origin: Query, options: readonly EdnsOption[], out: Uint8Array, at: number): number {
  for (const { code, data } of options) if (isSent(origin, code)) at = writeOption(out, at, code, data)
  return at
}

function writeReflected(origin: Query, out: Uint8Array, to: number): number {
  const { packet } = origin
  for (let at = origin.optionsStart; at < origin.optionsEnd; ) {
    const next = at + 4 + ((packet[at + 2]! << 8) | packet[at + 3]!)
    if (isReflected(origin, (packet[at]! << 8) | packet[at + 1]!)) {
      while (at < next) out[to++] = packet[at++]!
    }
    at = next
  }
  return to
}

/** KEEPALIVE is an error over UDP (RFC 7828 §3.2.2), wherever it came from; another server's PADDING fits no answer of ours. */
function isSent(origin: Query, code: number): boolean {
  if (code === OPTIONS.PADDING) return false
  return code !== OPTIONS.KEEPALIVE || origin.proto === 'tcp'
}

/**
 * Which of the client's options go back to it when the reply has none. CoreDNS has two more: COOKIE, which without a server's part means
 * nothing (RFC 7873 §5.2), and PADDING, which is made anew or not at all.
 */
function isReflected(origin: Query, code: number): boolean {
  switch (code) {
    case OPTIONS.NSID:
    case OPTIONS.EXPIRE:
      return true
    case OPTIONS.KEEPALIVE:
      return origin.proto === 'tcp'
    default:
      return false
  }
}
