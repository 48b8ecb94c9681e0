/** A query as a view on its octets: header, question and OPT are checked in place, nothing is copied. */
import { BADVERS, OPCODES, QR, RCODES, TYPES } from './constants.ts'
import { WireError } from './errors.ts'
import { hasKey, skipName, toKey } from './name.ts'
import { toPlain } from './octets.ts'

/** What the gate of {@link readQuery} decides: a query to serve, silence, or an answer without asking the chain. */
export type Verdict = 'serve' | 'drop' | 'header-only' | 'formerr' | 'badvers' | 'no-question'

/** Longest UDP payload in octets for a client without EDNS (RFC 1035 §4.2.1). */
export const PLAIN_UDP_SIZE = 512

const NO_PACKET = new Uint8Array(12)

/** The fields that {@link readQuery} finds; one object can be filled again and again. */
export class QueryView {
  /** No Buffer: `slice` copies. */
  packet: Uint8Array = NO_PACKET
  id = 0
  flags = 0
  qtype = 0
  qclass = 0
  /** Offset behind the question. */
  questionEnd = 12
  /** Offset of the OPT record, -1 without EDNS. */
  optOffset = -1
  /** Requestor's UDP payload size in octets as sent (RFC 6891 §6.2.3); 0 without EDNS. */
  udpSize = 0
  ednsVersion = 0
  /** DO, CO and Z bits of the OPT (RFC 6891 §6.1.4, RFC 9824 §3.1). */
  ednsFlags = 0
  /** The OPT's options: `packet.subarray(optionsStart, optionsEnd)`. */
  optionsStart = 0
  optionsEnd = 0
  /** rcode that goes with the verdict when it is not to be served. */
  rcode = 0
  #key: string | undefined

  /** Starts anew on other octets, with nothing read yet. */
  clear(packet: Uint8Array): void {
    this.packet = toPlain(packet)
    this.questionEnd = 12
    this.qtype = this.qclass = this.rcode = 0
    this.#key = undefined
    this.forgetOpt()
  }

  /** As if it had come without EDNS. */
  forgetOpt(): void {
    this.optOffset = -1
    this.udpSize = this.ednsVersion = this.ednsFlags = this.optionsStart = this.optionsEnd = 0
  }

  /** Lower-cased wire octets of the query name as a binary string, see name.ts; made when it is first asked for. */
  get key(): string {
    this.#key ??= this.questionEnd === 12 ? '\0' : toKey(this.packet, 12, this.questionEnd - 4)
    return this.#key
  }

  /** Whether this is its key; makes none. */
  hasKey(key: string): boolean {
    if (this.#key !== undefined || this.questionEnd === 12) return this.key === key
    return hasKey(this.packet, 12, this.questionEnd - 4, key)
  }

  get opcode(): number {
    return (this.flags >> 11) & 15
  }

  get edns(): boolean {
    return this.optOffset >= 0
  }

  /** DO bit (RFC 3225). */
  get dnssecOk(): boolean {
    return (this.ednsFlags & 0x8000) !== 0
  }
}

/**
 * The one gate for queries, the same on every transport. Fills `view` from `packet` and says what to do with it.
 * Follows CoreDNS's order of checks and the stricter rules of RFC 6891 §6.1.1 for OPT.
 */
export function readQuery(packet: Uint8Array, view: QueryView): Verdict {
  view.clear(packet)
  if (packet.length < 12) return 'drop'
  view.id = (packet[0]! << 8) | packet[1]!
  view.flags = (packet[2]! << 8) | packet[3]!
  if (view.flags & QR) return 'drop'
  const opcode = view.opcode
  if (opcode !== OPCODES.QUERY && opcode !== OPCODES.NOTIFY) return refuse(view, RCODES.NOTIMP, 'header-only')
  const qdcount = (packet[4]! << 8) | packet[5]!
  const ancount = (packet[6]! << 8) | packet[7]!
  const nscount = (packet[8]! << 8) | packet[9]!
  const arcount = (packet[10]! << 8) | packet[11]!
  if (qdcount !== 1 || ancount > 1 || nscount > 1 || arcount > 2) return refuse(view, RCODES.FORMERR, 'header-only')
  if (packet.length === 12) return refuse(view, RCODES.SERVFAIL, 'no-question')
  try {
    const nameEnd = skipName(packet, 12)
    if (nameEnd + 4 > packet.length) throw new WireError('question cut short')
    view.qtype = (packet[nameEnd]! << 8) | packet[nameEnd + 1]!
    view.qclass = (packet[nameEnd + 2]! << 8) | packet[nameEnd + 3]!
    view.questionEnd = nameEnd + 4
  } catch {
    return refuse(view, RCODES.FORMERR, 'header-only')
  }
  try {
    let at = view.questionEnd
    const before = ancount + nscount
    for (let i = 0; i < before + arcount; i++) at = readRecord(packet, at, i >= before, view)
  } catch {
    view.forgetOpt()
    return refuse(view, RCODES.FORMERR, 'formerr')
  }
  if (view.ednsVersion !== 0) return refuse(view, BADVERS, 'badvers')
  return 'serve'
}

function refuse(view: QueryView, rcode: number, verdict: Verdict): Verdict {
  view.rcode = rcode
  return verdict
}

/** Passes over one record and notes an OPT. @returns the offset behind it. @throws WireError */
function readRecord(packet: Uint8Array, offset: number, additional: boolean, view: QueryView): number {
  const fixed = skipName(packet, offset)
  if (fixed + 10 > packet.length) throw new WireError('record cut short')
  const type = (packet[fixed]! << 8) | packet[fixed + 1]!
  const start = fixed + 10
  const end = start + ((packet[fixed + 8]! << 8) | packet[fixed + 9]!)
  if (end > packet.length) throw new WireError('record data runs past the end of the message')
  if (type !== TYPES.OPT) return end
  if (!additional || view.optOffset >= 0 || packet[offset] !== 0) throw new WireError('OPT out of place')
  checkOptions(packet, start, end)
  view.optOffset = offset
  view.udpSize = (packet[fixed + 2]! << 8) | packet[fixed + 3]!
  view.ednsVersion = packet[fixed + 5]!
  view.ednsFlags = (packet[fixed + 6]! << 8) | packet[fixed + 7]!
  view.optionsStart = start
  view.optionsEnd = end
  return end
}

/** Checks that EDNS options fill their space. @throws WireError */
export function checkOptions(packet: Uint8Array, start: number, end: number): void {
  let at = start
  while (at < end) {
    if (at + 4 > end) throw new WireError('EDNS option cut short')
    at += 4 + ((packet[at + 2]! << 8) | packet[at + 3]!)
  }
  if (at !== end) throw new WireError('EDNS option runs past its record')
}
