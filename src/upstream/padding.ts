/** Padding of encrypted queries: their length shall not tell what is asked (RFC 7830, RFC 8467). */
import { OPTIONS, TYPES } from '../dns/constants.ts'
import { readU16, writeU16 } from '../dns/octets.ts'
import type { Question } from './question.ts'

/** Octets that the length of a padded query is a multiple of (RFC 8467 §4.1). */
const BLOCK = 128
const OPT_HEADER = 11
const OPTION_HEADER = 4

/**
 * The octets of a question for an encrypted transport. One that ends in an OPT is padded, its own PADDING replaced; others, and those that
 * carry more, stay as they are.
 */
export function padQuestion({ packet, questionEnd: opt }: Question): Uint8Array {
  const start = opt + OPT_HEADER
  const endsInOpt =
    packet.length >= start &&
    packet[opt] === 0 &&
    readU16(packet, opt + 1) === TYPES.OPT &&
    start + readU16(packet, opt + 9) === packet.length
  if (!endsInOpt) return packet
  const kept = optionsBut(packet, start, OPTIONS.PADDING)
  const length = start + kept.reduce((sum, option) => sum + option.length, 0) + OPTION_HEADER
  const padded = new Uint8Array(Math.ceil(length / BLOCK) * BLOCK)
  padded.set(packet.subarray(0, start))
  let at = start
  for (const option of kept) {
    padded.set(option, at)
    at += option.length
  }
  writeU16(padded, at, OPTIONS.PADDING)
  writeU16(padded, at + 2, padded.length - at - OPTION_HEADER)
  writeU16(padded, opt + 9, padded.length - start)
  return padded
}

/** The options from `at` to the end of the message, without one kind. */
function optionsBut(packet: Uint8Array, at: number, code: number): Uint8Array[] {
  const options: Uint8Array[] = []
  while (at < packet.length) {
    const end = at + OPTION_HEADER + readU16(packet, at + 2)
    if (readU16(packet, at) !== code) options.push(packet.subarray(at, end))
    at = end
  }
  return options
}
