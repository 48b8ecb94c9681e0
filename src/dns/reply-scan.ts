/** One bounded pass over a reply: all that the cache, the metrics and the last step before sending need, without decoding. */
import { MAX_TTL, OPCODES, QR, RCODES, TYPES } from './constants.ts'
import { WireError } from './errors.ts'
import { toKey } from './name.ts'
import { readU16, readU32 } from './octets.ts'
import { checkOptions } from './query-view.ts'
import { checkData } from './record-wire.ts'
import { WireReader } from './wire-reader.ts'

/** Classes of replies, in CoreDNS's words. */
export type ResponseType =
  | 'NOERROR'
  | 'NXDOMAIN'
  | 'SERVERERROR'
  | 'NODATA'
  | 'DELEGATION'
  | 'META'
  | 'UPDATE'
  | 'OTHERERROR'

export interface ReplyScan {
  id: number
  flags: number
  /** The 12-bit rcode: the OPT's upper bits joined to the header's (RFC 6891 §6.1.3). */
  rcode: number
  /** Key of the question name; see name.ts. */
  key: string
  qtype: number
  qclass: number
  questionEnd: number
  /** Record counts; an OPT is not counted in `additionals`. */
  answers: number
  authorities: number
  additionals: number
  /** Offsets of the TTL fields of all records but OPT. */
  ttlOffsets: number[]
  /** Lowest TTL in seconds over all records but OPT, at most {@link MAX_TTL}; -1 without a record. */
  minTtl: number
  /** Length in octets of the whole message when no name is compressed. */
  size: number
  /** A SOA, an NS stands in the authority section. */
  soa: boolean
  ns: boolean
  /** Validity periods of all RRSIG records, in seconds as on the wire (RFC 4034 §3.1.5). */
  rrsigs: { inception: number; expiration: number }[]
  /** Where the first OPT stands, -1 without one. */
  optOffset: number
  optEnd: number
  /** The OPT is the last record, so it can be cut off. */
  optLast: boolean
  ednsFlags: number
  optionsStart: number
  optionsEnd: number
  /** Length in octets of the message without trailing garbage. */
  end: number
}

/**
 * Scans a reply. Bounded by the length of `packet`: counts that its octets can't hold are refused before anything is read.
 * Of several OPT records the first counts; they are all taken out before the message goes on.
 * @throws WireError when it is malformed, is a query, has not one question, or holds a misplaced OPT
 */
export function scanReply(packet: Uint8Array): ReplyScan {
  if (packet.length < 12) throw new WireError('message shorter than its header')
  if (packet.length > 0xffff) throw new WireError('message longer than 65535 octets')
  const flags = readU16(packet, 2)
  if (!(flags & QR)) throw new WireError('not a reply')
  if (readU16(packet, 4) !== 1) throw new WireError('not one question')
  const answers = readU16(packet, 6)
  const authorities = readU16(packet, 8)
  const additionals = readU16(packet, 10)
  const records = answers + authorities + additionals
  if (records * 11 > packet.length - 12) throw new WireError('more records counted than the message can hold')

  const reader = new WireReader(packet)
  reader.skip(12)
  reader.skipName(false)
  const nameEnd = reader.at
  reader.skip(4)
  const scan: ReplyScan = {
    id: readU16(packet, 0),
    flags,
    rcode: flags & 15,
    key: toKey(packet, 12, nameEnd),
    qtype: readU16(packet, nameEnd),
    qclass: readU16(packet, nameEnd + 2),
    questionEnd: nameEnd + 4,
    answers,
    authorities,
    additionals,
    ttlOffsets: new Array(records),
    minTtl: -1,
    size: 0,
    soa: false,
    ns: false,
    rrsigs: [],
    optOffset: -1,
    optEnd: -1,
    optLast: false,
    ednsFlags: 0,
    optionsStart: 0,
    optionsEnd: 0,
    end: 0,
  }
  reader.fields = scan.ttlOffsets
  let ttls = 0
  for (let i = 0; i < records; i++) {
    const owner = reader.at
    reader.skipName(true)
    const fixed = reader.at
    reader.skip(10)
    const type = readU16(packet, fixed)
    const start = reader.at
    const length = readU16(packet, fixed + 8)
    if (type !== TYPES.OPT) {
      scan.ttlOffsets[ttls++] = fixed + 4
      reader.fieldCount = ttls
    }
    checkData(reader, type, length)
    const end = reader.at
    if (type === TYPES.OPT) {
      if (i < answers + authorities || packet[owner] !== 0) throw new WireError('OPT out of place')
      checkOptions(packet, start, end)
      scan.additionals--
      if (scan.optOffset >= 0) continue
      scan.optOffset = owner
      scan.optEnd = end
      scan.optLast = i === records - 1
      scan.rcode |= packet[fixed + 4]! << 4
      scan.ednsFlags = readU16(packet, fixed + 6)
      scan.optionsStart = start
      scan.optionsEnd = end
      continue
    }
    const ttl = readU32(packet, fixed + 4)
    const seconds = Math.min(ttl, MAX_TTL)
    if (scan.minTtl < 0 || seconds < scan.minTtl) scan.minTtl = seconds
    if (type === TYPES.RRSIG) {
      scan.rrsigs.push({ expiration: readU32(packet, start + 8), inception: readU32(packet, start + 12) })
    } else if (i >= answers && i < answers + authorities) {
      if (type === TYPES.SOA) scan.soa = true
      if (type === TYPES.NS) scan.ns = true
    }
  }
  scan.ttlOffsets.length = ttls
  scan.end = reader.at
  scan.size = reader.at + reader.expansion
  return scan
}

/**
 * CoreDNS's classification of a reply.
 * @param now seconds since 1970, for the validity of signatures; they count only when the reply has DO set
 */
export function classify(scan: ReplyScan, now: number): ResponseType {
  const opcode = (scan.flags >> 11) & 15
  if (opcode === OPCODES.UPDATE) return 'UPDATE'
  if (opcode === OPCODES.NOTIFY || scan.qtype === TYPES.AXFR || scan.qtype === TYPES.IXFR) return 'META'
  if (scan.ednsFlags & 0x8000 && scan.rrsigs.some((sig) => !isValidAt(sig, now))) return 'OTHERERROR'
  if (scan.answers > 0 && scan.rcode === RCODES.NOERROR) return 'NOERROR'
  if (scan.answers > 0 && scan.rcode === RCODES.NXDOMAIN) return 'OTHERERROR'
  if (scan.soa && scan.rcode === RCODES.NOERROR) return 'NODATA'
  if (scan.rcode === RCODES.NXDOMAIN) return 'NXDOMAIN'
  if (scan.rcode === RCODES.SERVFAIL || scan.rcode === RCODES.NOTIMP) return 'SERVERERROR'
  if (scan.ns && scan.rcode === RCODES.NOERROR) return 'DELEGATION'
  if (scan.rcode === RCODES.NOERROR) return 'NOERROR'
  return 'OTHERERROR'
}

/** Serial number arithmetic on 32 bits (RFC 4034 §3.1.5, RFC 1982). */
function isValidAt(sig: { inception: number; expiration: number }, now: number): boolean {
  return ((now - sig.inception) | 0) >= 0 && ((sig.expiration - now) | 0) >= 0
}
