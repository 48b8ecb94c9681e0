/** Parts of messages written straight into a buffer. */
import { TYPES } from '../dns/constants.ts'
import type { QueryView } from '../dns/query-view.ts'

/** Writes a header without records. */
export function writeHeader(out: Uint8Array, at: number, id: number, flags: number, questions: 0 | 1): void {
  out[at] = id >> 8
  out[at + 1] = id & 0xff
  out[at + 2] = flags >> 8
  out[at + 3] = flags & 0xff
  out[at + 4] = 0
  out[at + 5] = questions
  out.fill(0, at + 6, at + 12)
}

/** Writes the question octet by octet as it was received, behind the header of the message at `offset`. @returns the offset behind it */
export function writeQuestion(query: QueryView, out: Uint8Array, offset: number): number {
  const { packet, questionEnd } = query
  for (let i = 12; i < questionEnd; i++) out[offset + i] = packet[i]!
  return offset + questionEnd
}

/** Writes an OPT of version 0 without options (RFC 6891 §6.1.2). @returns the offset behind it */
export function writeOpt(out: Uint8Array, at: number, udpSize: number, upperRcode: number, flags: number): number {
  out[at] = 0
  out[at + 1] = 0
  out[at + 2] = TYPES.OPT
  out[at + 3] = udpSize >> 8
  out[at + 4] = udpSize & 0xff
  out[at + 5] = upperRcode
  out[at + 6] = 0
  out[at + 7] = flags >> 8
  out[at + 8] = flags & 0xff
  out[at + 9] = 0
  out[at + 10] = 0
  return at + 11
}

/** Writes one EDNS option. @returns the offset behind it */
export function writeOption(out: Uint8Array, at: number, code: number, data: Uint8Array): number {
  out[at] = code >> 8
  out[at + 1] = code & 0xff
  out[at + 2] = data.length >> 8
  out[at + 3] = data.length & 0xff
  out.set(data, at + 4)
  return at + 4 + data.length
}
