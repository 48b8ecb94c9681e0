/** Changes on encoded messages that spare decoding them. */
import { decodeSections, encodeMessage } from './codec.ts'
import { type ReplyScan, scanReply } from './reply-scan.ts'

/** The message without its OPT and without trailing garbage; nothing is copied when the OPT is the last record. */
export function withoutOpt(wire: Uint8Array, scan: ReplyScan): { wire: Uint8Array; scan: ReplyScan } {
  const bare = { ...scan, optOffset: -1, optEnd: -1, optLast: false, optionsStart: 0, optionsEnd: 0 }
  if (scan.optOffset < 0) {
    return wire.length === scan.end ? { wire, scan } : { wire: wire.subarray(0, scan.end), scan }
  }
  if (scan.optLast) {
    bare.size -= scan.optEnd - scan.optOffset
    bare.end = scan.optOffset
    return { wire: wire.subarray(0, scan.optOffset), scan: bare }
  }
  const sections = decodeSections(wire)
  const encoded = encodeMessage({
    ...sections,
    question: wire.subarray(12, scan.questionEnd),
  })
  encoded[2] = scan.flags >> 8
  encoded[3] = scan.flags & 0xff
  const rescanned = scanReply(encoded)
  return { wire: encoded, scan: { ...rescanned, rcode: scan.rcode, ednsFlags: scan.ednsFlags } }
}
