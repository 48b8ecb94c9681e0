/** Changes on encoded messages that spare decoding them. */
import { decodeSections, encodeMessage } from './codec.ts'
import { copyOctets, toPlain } from './octets.ts'
import { type ReplyScan, scanReply } from './reply-scan.ts'

/**
 * The message without its OPT and without trailing garbage, as a plain Uint8Array. `wire` is left as it is: taking out an OPT makes a copy.
 * @throws WireError when a message that must be encoded anew, as its OPT is not the last record, gets longer than 65535 octets
 */
export function withoutOpt(wire: Uint8Array, scan: ReplyScan): { wire: Uint8Array; scan: ReplyScan } {
  if (scan.optOffset < 0) {
    const plain = toPlain(wire)
    return { wire: plain.length === scan.end ? plain : plain.subarray(0, scan.end), scan }
  }
  if (!scan.optLast) return encodeAnew(wire, scan)
  const bare = copyOctets(wire, 0, scan.optOffset)
  bare[10] = scan.additionals >> 8
  bare[11] = scan.additionals & 0xff
  const size = scan.size - (scan.optEnd - scan.optOffset)
  return { wire: bare, scan: { ...scan, ...NO_OPT, size, end: bare.length } }
}

const NO_OPT = { optOffset: -1, optEnd: -1, optLast: false, optionsStart: 0, optionsEnd: 0 }

function encodeAnew(wire: Uint8Array, scan: ReplyScan): { wire: Uint8Array; scan: ReplyScan } {
  const question = wire.subarray(12, scan.questionEnd)
  const encoded = encodeMessage({ id: scan.id, flags: scan.flags, question, ...decodeSections(wire) })
  return { wire: encoded, scan: { ...scanReply(encoded), rcode: scan.rcode, ednsFlags: scan.ednsFlags } }
}
