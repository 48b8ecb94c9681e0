/** What the cache reads from the octets of an answer, without decoding it. */
import { CLASSES, type ReplyScan, readName, readU16, readU32, skipName, TYPES, toKey } from 'corelet/plugin'

/** The first octets of a name that points to the question's. */
const QUESTION_NAME = 0xc00c

/** Stands for the target of a name that has two. */
const AMBIGUOUS = ''

/**
 * Whether the answer section holds what was asked for: the type at the name itself or at the end of its CNAMEs. A loop or a name with
 * two targets leads nowhere; a DNAME counts by the CNAME made from it.
 */
export function answersQuestion(wire: Uint8Array, scan: ReplyScan): boolean {
  if (scan.answers === 0) return false
  return isDirect(wire, scan) || isReached(wire, scan)
}

/** Whether all answers have the name and the type that were asked for, as most do. */
function isDirect(wire: Uint8Array, { answers, qtype, qclass, questionEnd, ttlOffsets }: ReplyScan): boolean {
  if (qtype === TYPES.CNAME) return false
  let at = questionEnd
  for (let i = 0; i < answers; i++) {
    const ttl = ttlOffsets[i]!
    if (readU16(wire, at) !== QUESTION_NAME || readU16(wire, ttl - 4) !== qtype) return false
    if (readU16(wire, ttl - 2) !== qclass) return false
    at = ttl + 6 + readU16(wire, ttl + 4)
  }
  return true
}

function isReached(wire: Uint8Array, scan: ReplyScan): boolean {
  const targets = new Map<string, string>()
  const holders = new Set<string>()
  let at = scan.questionEnd
  for (let i = 0; i < scan.answers; i++) {
    const ttl = scan.ttlOffsets[i]!
    const type = readU16(wire, ttl - 4)
    if (scan.qclass === CLASSES.ANY || readU16(wire, ttl - 2) === scan.qclass) {
      const owner = readU16(wire, at) === QUESTION_NAME ? scan.key : nameKey(wire, at)
      if (type === scan.qtype || scan.qtype === TYPES.ANY) holders.add(owner)
      if (type === TYPES.CNAME) {
        const target = nameKey(wire, ttl + 6)
        targets.set(owner, (targets.get(owner) ?? target) === target ? target : AMBIGUOUS)
      }
    }
    at = ttl + 6 + readU16(wire, ttl + 4)
  }
  if (scan.qtype === TYPES.ANY) return holders.has(scan.key)
  if (scan.qtype === TYPES.CNAME) return (targets.get(scan.key) ?? AMBIGUOUS) !== AMBIGUOUS
  let name = scan.key
  for (let hops = 0; targets.has(name); hops++) {
    name = targets.get(name)!
    if (name === AMBIGUOUS || hops >= targets.size) return false
  }
  return holders.has(name)
}

/** MINIMUM of the first SOA in the authority section, in seconds (RFC 2308 §4); Infinity without one. */
export function soaMinimum(wire: Uint8Array, scan: ReplyScan): number {
  for (let i = scan.answers; i < scan.answers + scan.authorities; i++) {
    const ttl = scan.ttlOffsets[i]!
    if (readU16(wire, ttl - 4) === TYPES.SOA) return readU32(wire, skipName(wire, skipName(wire, ttl + 6)) + 16)
  }
  return Infinity
}

function nameKey(wire: Uint8Array, offset: number): string {
  const name = readName(wire, offset)
  return toKey(name, 0, name.length)
}
