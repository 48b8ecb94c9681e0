/**
 * How an answer is rearranged. Octets of answers are shared by all hits of a cache entry, so what can be found out once is: where the
 * addresses stand, and whether they can change places without decoding the message.
 */
import { type Reply, type ReplyScan, type ResourceRecord, TYPES } from 'corelet/plugin'
import type { Address, Arrange, Section } from './arrange.ts'

/** Records in the order to send, addresses and MX as they came. */
export type Sort = (records: readonly ResourceRecord[], section: Section) => ResourceRecord[]

/** Records of one message that stand side by side and may change places as octets. */
export interface Block {
  /** Index of the first, counted over all sections. */
  first: number
  addresses: readonly Address[]
  section: Section
}

export interface Plan {
  message: { wire: Uint8Array; scan: ReplyScan }
  blocks: readonly Block[]
  /** Something must be shuffled that octets can't be moved for: names in it may be pointed at. */
  decodes: boolean
}

/** What there is to do for a reply in some of its sections. */
export function makePlan(
  reply: Reply,
  { sections, sort, shufflesMx }: { sections: readonly Section[]; sort: Sort; shufflesMx: boolean },
): Plan {
  const sorted = sections.map((section) => ({ section, records: sort(reply.sections[section], section) }))
  const same = sorted.every(({ section, records }) => records.every((each, i) => each === reply.sections[section][i]))
  const ordered = same
    ? reply
    : reply.copy({ sections: Object.fromEntries(sorted.map((each) => [each.section, each.records])) })
  const message = { wire: ordered.wire!, scan: ordered.scan! }
  const blocks: Block[] = []
  let decodes = false
  for (const { section, records } of sorted) {
    const at = records.findIndex(isAddress)
    const addresses = records.filter(isAddress).map(toAddress)
    if (addresses.length > 1) {
      const first = firstOf(message.scan, section) + at
      if (canMove(message, first, addresses.length)) blocks.push({ first, addresses, section })
      else decodes = true
    }
    if (shufflesMx && records.filter(({ type }) => type === 'MX').length > 1) decodes = true
  }
  return { message, blocks, decodes }
}

export function isAddress(record: ResourceRecord): record is ResourceRecord & { data: string } {
  return (record.type === 'A' || record.type === 'AAAA') && typeof record.data === 'string'
}

export function toAddress({ name, data }: ResourceRecord & { data: string }): Address {
  return { owner: name.toLowerCase(), address: data }
}

function firstOf({ answers, authorities }: ReplyScan, section: Section): number {
  if (section === 'answers') return 0
  return section === 'authorities' ? answers : answers + authorities
}

/** Whether the owners are all mere pointers to names in front of these records: then nothing points into them. */
function canMove({ wire, scan }: Plan['message'], first: number, count: number): boolean {
  const start = startOf(wire, scan, first)
  for (let i = first; i < first + count; i++) {
    const at = startOf(wire, scan, i)
    if (scan.ttlOffsets[i]! - at !== 6 || wire[at]! < 0xc0) return false
    if ((((wire[at]! & 0x3f) << 8) | wire[at + 1]!) >= start) return false
  }
  return true
}

function startOf(wire: Uint8Array, scan: ReplyScan, index: number): number {
  return index === 0 ? scan.questionEnd : endOf(wire, scan.ttlOffsets[index - 1]!)
}

/** Where the record with that TTL ends: the length of its data stands behind the TTL. */
function endOf(wire: Uint8Array, ttl: number): number {
  return ttl + 6 + ((wire[ttl + 4]! << 8) | wire[ttl + 5]!)
}

/** The message with the addresses of its blocks in another order, as a copy. */
export function moveRecords({ message, blocks }: Plan, arrange: Arrange): Plan['message'] {
  const { wire, scan } = message
  const moved = new Uint8Array(wire)
  const ttlOffsets = [...scan.ttlOffsets]
  for (const { first, addresses, section } of blocks) {
    let to = startOf(wire, scan, first)
    let place = first
    for (const index of arrange(addresses, section)) {
      const start = startOf(wire, scan, first + index)
      const ttl = scan.ttlOffsets[first + index]!
      moved.set(wire.subarray(start, endOf(wire, ttl)), to)
      ttlOffsets[place++] = to + ttl - start
      to += endOf(wire, ttl) - start
    }
  }
  return { wire: moved, scan: { ...scan, ttlOffsets } }
}

/** Types whose answers the weighted policy looks at. */
export const WEIGHTED_TYPES: ReadonlySet<number> = new Set([TYPES.A, TYPES.AAAA, TYPES.SRV])
