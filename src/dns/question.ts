import { LOWER } from './name.ts'

/** What is asked, as octets; a Query is one. */
export interface QuestionOctets {
  /** A message; its first question is meant. */
  readonly packet: Uint8Array
  readonly questionEnd: number
  readonly qtype: number
  readonly qclass: number
}

/** Where the name stands in a message, and what stands behind it. */
const NAME = 12
const TYPE_AND_CLASS = 4

const SEED = (Math.random() * 2 ** 32) | 0

/**
 * A number of 32 bits for looking up a question, whatever the case of its name; other ones in each process, so that nobody outside can choose
 * names that collide.
 * @param bits of what else tells apart what is looked up
 */
export function hashQuestion({ packet, questionEnd, qtype, qclass }: QuestionOctets, bits: number): number {
  const start = Math.imul((qtype << 16) | qclass, 0x85ebca6b) ^ bits
  return hashName(packet, NAME, questionEnd - TYPE_AND_CLASS, start)
}

/** The same for a name alone, which is not compressed, from `at` to `end`. @param bits of what else tells apart what is looked up */
export function hashName(packet: Uint8Array, at: number, end: number, bits: number): number {
  let hash = SEED ^ bits
  for (; at < end; at++) {
    hash = Math.imul(hash ^ LOWER[packet[at]!]!, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}
