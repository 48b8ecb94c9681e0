/** What the cache reads from the octets of an answer, without decoding it. */
import { CLASSES, type ReplyScan, readName, skipName, TYPES, toKey } from 'corelet/plugin'

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
  const view = new DataView(wire.buffer, wire.byteOffset, wire.length)
  const targets = new Map<string, string>()
  const holders = new Set<string>()
  let at = scan.questionEnd
  for (let i = 0; i < scan.answers; i++) {
    const ttl = scan.ttlOffsets[i]!
    const type = view.getUint16(ttl - 4)
    if (scan.qclass === CLASSES.ANY || view.getUint16(ttl - 2) === scan.qclass) {
      const owner = view.getUint16(at) === QUESTION_NAME ? scan.key : nameKey(wire, at)
      if (type === scan.qtype || scan.qtype === TYPES.ANY) holders.add(owner)
      if (type === TYPES.CNAME) {
        const target = nameKey(wire, ttl + 6)
        targets.set(owner, (targets.get(owner) ?? target) === target ? target : AMBIGUOUS)
      }
    }
    at = ttl + 6 + view.getUint16(ttl + 4)
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
  const view = new DataView(wire.buffer, wire.byteOffset, wire.length)
  for (let i = scan.answers; i < scan.answers + scan.authorities; i++) {
    const ttl = scan.ttlOffsets[i]!
    if (view.getUint16(ttl - 4) === TYPES.SOA) return view.getUint32(skipName(wire, skipName(wire, ttl + 6)) + 16)
  }
  return Infinity
}

function nameKey(wire: Uint8Array, offset: number): string {
  const name = readName(wire, offset)
  return toKey(name, 0, name.length)
}
