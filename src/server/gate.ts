/**
 * The gate: what becomes of a packet before any plugin sees it, the same for every transport. The order of the checks is CoreDNS's, with
 * the stricter rules for OPT of RFC 6891 §6.1.1.
 */
import { AD, BADVERS, CD, META_TYPES, OPTIONS, QR, RA, RCODES, RD, TC, TYPES } from '../dns/constants.ts'
import { readQuery } from '../dns/query-view.ts'
import type { Query } from '../plugin/query.ts'
import { writeHeader, writeOpt, writeQuestion } from './write.ts'

/** Longest query in octets; all options in use together are far below. */
export const MAX_QUERY = 4096

/**
 * - `serve`: the chain gets it;
 * - `drop`: silence;
 * - `header-only`, `formerr`, `badvers`: a message by {@link writeVerdict}, which CoreDNS's metrics don't count;
 * - `no-question`: the same, but counted;
 * - `refused`: a failed reply with `query.rcode`, counted.
 */
export type GateVerdict = 'serve' | 'drop' | 'header-only' | 'formerr' | 'badvers' | 'no-question' | 'refused'

/** Classes that are never served, not even when all others are: reserved, NONE and ANY (RFC 6895 §3.2). */
const NO_CLASS = new Set<number>([0, 254, 255])

/** Reads `packet` into `query` and decides. */
export function admit(packet: Uint8Array, query: Query, settings: { anyClass: boolean }): GateVerdict {
  const verdict = readQuery(packet, query)
  if (verdict !== 'serve' && verdict !== 'badvers') return verdict
  if (packet.length > MAX_QUERY || !hasSoundSubnet(query)) return refuse(query, RCODES.FORMERR, 'formerr')
  if (query.qclass !== 1 && (!settings.anyClass || NO_CLASS.has(query.qclass))) {
    return refuse(query, RCODES.REFUSED, 'refused')
  }
  if (verdict === 'badvers') return verdict
  if (META_TYPES.has(query.qtype)) return refuse(query, RCODES.FORMERR, 'refused')
  if (query.proto === 'udp' && (query.qtype === TYPES.AXFR || query.qtype === TYPES.IXFR)) {
    return refuse(query, RCODES.REFUSED, 'refused')
  }
  return 'serve'
}

function refuse(query: Query, rcode: number, verdict: GateVerdict): GateVerdict {
  query.rcode = rcode
  return verdict
}

/** Whether the client subnet option, if there, has a known family and prefix lengths that fit it (RFC 7871 §7.1.1). */
function hasSoundSubnet(query: Query): boolean {
  const { packet } = query
  for (let at = query.optionsStart; at < query.optionsEnd; ) {
    const length = (packet[at + 2]! << 8) | packet[at + 3]!
    if (((packet[at]! << 8) | packet[at + 1]!) === OPTIONS.ECS) {
      if (length < 4) return false
      const family = (packet[at + 4]! << 8) | packet[at + 5]!
      const width = family === 1 ? 32 : family === 2 ? 128 : 0
      if (family > 2 || packet[at + 6]! > width || packet[at + 7]! > width) return false
      if (length - 4 !== Math.ceil(packet[at + 6]! / 8)) return false
    }
    at += 4 + length
  }
  return true
}

/** Flags of a query that CoreDNS's library echoes when it refuses the message itself. */
const ECHOED = RD | TC | RA | AD | CD

/**
 * Writes the answer that goes with a verdict other than `serve`, `drop` and `refused` to `out` from `offset` on.
 * @returns its length in octets
 */
export function writeVerdict(verdict: GateVerdict, query: Query, out: Uint8Array, offset: number): number {
  const echo = QR | (query.flags & (0x7800 | ECHOED))
  switch (verdict) {
    case 'header-only':
      writeHeader(out, offset, query.id, echo | query.rcode, 0)
      return 12
    case 'formerr':
      writeHeader(out, offset, query.id, echo | query.rcode, 1)
      return writeQuestion(query, out, offset) - offset
    case 'badvers': {
      writeHeader(out, offset, query.id, query.replyFlags, 1)
      out[offset + 11] = 1
      return writeOpt(out, writeQuestion(query, out, offset), 0, BADVERS >> 4, 0) - offset
    }
    default:
      writeHeader(out, offset, query.id, query.replyFlags | query.rcode, 0)
      return 12
  }
}
