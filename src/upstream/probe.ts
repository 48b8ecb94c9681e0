import { RD, TYPES } from '../dns/constants.ts'
import { fromText } from '../dns/name.ts'
import type { Question } from './question.ts'

/** The question that health probes ask: `domain IN NS`. @throws TextError on a bad name */
export function createProbe(options: { domain: string; recursionDesired: boolean }): Question {
  const name = fromText(options.domain)
  const packet = new Uint8Array(12 + name.length + 4)
  const view = new DataView(packet.buffer)
  view.setUint16(2, options.recursionDesired ? RD : 0)
  view.setUint16(4, 1)
  packet.set(name, 12)
  view.setUint16(12 + name.length, TYPES.NS)
  view.setUint16(14 + name.length, 1)
  return { packet, questionEnd: packet.length, anyReply: true }
}
