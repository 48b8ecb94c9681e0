/** Padding of encrypted answers: their length shall not tell what was asked (RFC 7830, RFC 8467). */
import { OPTIONS } from '../dns/constants.ts'
import type { Query } from '../plugin/query.ts'

/** Octets that the length of a padded answer is a multiple of (RFC 8467 §4.1). */
const BLOCK = 468
const OPTION_HEADER = 4

/** Whether the answer is padded: the client's query was, and nobody on the way can read it (RFC 7830 §4, §6). */
function isPadded(origin: Query): boolean {
  if (origin.listener.transport === 'dns') return false
  const { packet } = origin
  for (let at = origin.optionsStart; at < origin.optionsEnd; ) {
    if (((packet[at]! << 8) | packet[at + 1]!) === OPTIONS.PADDING) return true
    at += OPTION_HEADER + ((packet[at + 2]! << 8) | packet[at + 3]!)
  }
  return false
}

/**
 * Appends a PADDING option to the OPT at the end of a message, if the client's query has one. The OPT's length is set anew.
 * @param start offset of the message, `opt` that of its OPT, `end` that behind it
 * @param limit octets that the message may have
 * @returns the offset behind the message
 */
export function padMessage(
  origin: Query,
  out: Uint8Array,
  start: number,
  opt: number,
  end: number,
  limit: number,
): number {
  if (!isPadded(origin)) return end
  const whole = Math.ceil((end - start + OPTION_HEADER) / BLOCK) * BLOCK
  const padded = start + Math.min(whole, limit)
  const zeros = padded - end - OPTION_HEADER
  if (zeros < 0) return end
  out[end] = OPTIONS.PADDING >> 8
  out[end + 1] = OPTIONS.PADDING & 0xff
  out[end + 2] = zeros >> 8
  out[end + 3] = zeros & 0xff
  out.fill(0, end + OPTION_HEADER, padded)
  const length = padded - opt - 11
  out[opt + 9] = length >> 8
  out[opt + 10] = length & 0xff
  return padded
}
