import type { Sections } from './message.ts'
import type { ResourceRecord } from './record.ts'

/** Decodes the records of a message that passed scanReply; an OPT is left out. @throws WireError */
export function decodeSections(wire: Uint8Array): Sections {
  throw new Error(`unwritten ${wire.length}`)
}

/**
 * Encodes a message with compressed names; id and flags are left 0 (QR set), the question is given in wire form
 * (name, type, class). @throws WireError when a record can't be encoded or the message exceeds 65535 octets
 */
export function encodeMessage(message: {
  question: Uint8Array
  answers: readonly ResourceRecord[]
  authorities: readonly ResourceRecord[]
  additionals: readonly ResourceRecord[]
}): Uint8Array<ArrayBuffer> {
  throw new Error(`unwritten ${message.question.length}`)
}
