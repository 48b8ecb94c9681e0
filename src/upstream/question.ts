import { OPCODES, QR, TC } from '../dns/constants.ts'
import { WireError } from '../dns/errors.ts'
import { LOWER } from '../dns/name.ts'
import { type ReplyScan, scanReply } from '../dns/reply-scan.ts'

/** What is sent to an upstream. */
export interface Question {
  /** Octets of the query; each exchange gives it an id of its own. */
  packet: Uint8Array
  /** Offset behind the question section. */
  questionEnd: number
  /** Any message with the id of the query is an answer: for health probes. */
  anyReply: boolean
}

/** A message that belongs to its question and is well formed. */
export interface Answer {
  wire: Uint8Array
  scan: ReplyScan
}

/** Why a message is not the answer; the `reason` label of the metric. */
export type Mismatch = 'short' | 'id' | 'not_reply' | 'opcode' | 'question' | 'malformed'

/**
 * Decides whether a message whose id has been matched answers the question (RFC 5452 §9.1): a reply, the same opcode, and the same
 * question whatever its case. A bare header is accepted when its rcode is an error: some servers send no more. A truncated
 * message that breaks off within a record counts as an empty truncated one.
 */
export function readAnswer(question: Question, wire: Uint8Array): Answer | Mismatch {
  if (wire.length < 12) return 'short'
  const flags = (wire[2]! << 8) | wire[3]!
  if (!(flags & QR)) return 'not_reply'
  if (question.anyReply) return toBare(question, wire)
  if (((flags >> 11) & 15) !== OPCODES.QUERY) return 'opcode'
  if (isHeaderOnly(wire)) return flags & 15 ? toBare(question, wire) : 'question'
  if (!sameQuestion(question, wire)) return 'question'
  try {
    return { wire, scan: scanReply(wire) }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return flags & TC ? toBare(question, wire) : 'malformed'
  }
}

function isHeaderOnly(wire: Uint8Array): boolean {
  for (let i = 4; i < 12; i++) if (wire[i] !== 0) return false
  return true
}

/** Compares the question sections, ASCII case ignored (RFC 4343); type and class can't differ in case only. */
function sameQuestion({ packet, questionEnd }: Question, wire: Uint8Array): boolean {
  if (wire.length < questionEnd || wire[4] !== 0 || wire[5] !== 1) return false
  const nameEnd = questionEnd - 4
  for (let i = 12; i < nameEnd; i++) if (LOWER[wire[i]!] !== LOWER[packet[i]!]) return false
  for (let i = nameEnd; i < questionEnd; i++) if (wire[i] !== packet[i]) return false
  return true
}

/** The first four octets of `wire` with the question and no records. */
export function toBare({ packet, questionEnd }: Question, wire: Uint8Array): Answer {
  const bare = packet.slice(0, questionEnd)
  bare.set(wire.subarray(0, 4))
  bare.fill(0, 4, 12)
  bare[5] = 1
  return { wire: bare, scan: scanReply(bare) }
}
