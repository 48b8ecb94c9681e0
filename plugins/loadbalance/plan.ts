/**
 * How an answer is rearranged. Octets of answers are shared by all hits of a cache entry, so what can be found out once is: where the
 * addresses stand, and whether they can change places without decoding the message.
 */
import {
  octetsToAddress,
  type Reply,
  type ReplyScan,
  type ResourceRecord,
  readU16,
  TYPES,
  toText,
} from 'corelet/plugin'
import type { Address, Addresses, Arrange, Section } from './arrange.ts'

/** Kinds of records, in the order to send them. */
export type Kind = 'alias' | 'other' | 'address' | 'mx'

/** Which order the kinds have in a section. */
export type Order = (section: Section) => readonly Kind[]

export interface PlanOptions {
  /** Those to look at. */
  sections: readonly Section[]
  order: Order
  /** MX records change places, too. */
  shufflesMx: boolean
}

interface Message {
  wire: Uint8Array
  scan: ReplyScan
}

export interface Plan {
  message: Message
  blocks: readonly Block[]
  /** Something must be shuffled that octets can't be moved for: names in it may be pointed at. */
  decodes: boolean
}

/** Addresses of one message that stand side by side and may change places as octets. */
class Block implements Addresses {
  readonly section: Section
  /** Index of the first, counted over all sections. */
  readonly first: number
  readonly count: number
  readonly #message: Message
  #list: Address[] | undefined

  constructor(message: Message, section: Section, first: number, count: number) {
    this.#message = message
    this.section = section
    this.first = first
    this.count = count
  }

  get list(): readonly Address[] {
    const { wire, scan } = this.#message
    this.#list ??= Array.from({ length: this.count }, (_, i) => {
      const ttl = scan.ttlOffsets[this.first + i]!
      return {
        owner: toText(wire, startOf(this.#message, this.first + i)).toLowerCase(),
        address: octetsToAddress(wire, ttl + 6, endOf(wire, ttl) - ttl - 6 === 4 ? 4 : 16),
      }
    })
    return this.#list
  }
}

/** What there is to do for a reply. */
export function makePlan(reply: Reply, options: PlanOptions): Plan {
  const message: Message = { wire: reply.wire!, scan: reply.scan! }
  const found = inspect(message, options)
  const [last] = found.blocks.slice(-1)
  // Names point backwards only: into addresses at the very end of the message none does.
  const isSafe = found.blocks.length === 0 || (found.blocks.length === 1 && isAtEnd(message, last!))
  if (found.sorted && (isSafe || found.decodes)) return { message, ...found }
  const sections = options.sections.map((section) => [
    section,
    sortRecords(reply.sections[section], options.order(section)),
  ])
  const ordered = reply.copy({ sections: Object.fromEntries(sections) })
  const anew: Message = { wire: ordered.wire!, scan: ordered.scan! }
  return { message: anew, ...inspect(anew, options) }
}

/** The records with the kinds in that order, each kind as it came. */
export function sortRecords(records: readonly ResourceRecord[], order: readonly Kind[]): ResourceRecord[] {
  return order.flatMap((kind) => records.filter((record) => kindOf(record) === kind))
}

export function kindOf({ type, data }: ResourceRecord): Kind {
  if (type === 'CNAME') return 'alias'
  if (type === 'MX') return 'mx'
  return (type === 'A' || type === 'AAAA') && typeof data === 'string' ? 'address' : 'other'
}

function inspect(
  message: Message,
  { sections, order, shufflesMx }: PlanOptions,
): Omit<Plan, 'message'> & { sorted: boolean } {
  const { scan } = message
  const blocks: Block[] = []
  let sorted = true
  let decodes = false
  for (const section of sections) {
    const first = firstOf(scan, section)
    const kinds = Array.from({ length: scan[section] }, (_, i) => kindAt(message, first + i))
    const ranks = kinds.map((kind) => order(section).indexOf(kind))
    if (ranks.some((rank, i) => rank < (ranks[i - 1] ?? 0))) sorted = false
    const count = kinds.filter((kind) => kind === 'address').length
    const block = new Block(message, section, first + kinds.indexOf('address'), count)
    if (count > 1 && canMove(message, block)) blocks.push(block)
    else if (count > 1) decodes = true
    if (shufflesMx && kinds.filter((kind) => kind === 'mx').length > 1) decodes = true
  }
  return { blocks, sorted, decodes }
}

function kindAt({ wire, scan }: Message, index: number): Kind {
  const ttl = scan.ttlOffsets[index]!
  const type = readU16(wire, ttl - 4)
  if (type === TYPES.CNAME) return 'alias'
  if (type === TYPES.MX) return 'mx'
  const length = readU16(wire, ttl + 4)
  return (type === TYPES.A && length === 4) || (type === TYPES.AAAA && length === 16) ? 'address' : 'other'
}

function firstOf({ answers, authorities }: ReplyScan, section: Section): number {
  if (section === 'answers') return 0
  return section === 'authorities' ? answers : answers + authorities
}

/** Whether the owners are all mere pointers to names in front of these records: then none of them points to another. */
function canMove(message: Message, { first, count }: Block): boolean {
  const { wire, scan } = message
  const start = startOf(message, first)
  for (let i = first; i < first + count; i++) {
    const at = startOf(message, i)
    if (scan.ttlOffsets[i]! - at !== 6 || wire[at]! < 0xc0) return false
    if ((readU16(wire, at) & 0x3fff) >= start) return false
  }
  return true
}

function isAtEnd({ scan }: Message, { first, count }: Block): boolean {
  return first + count === scan.ttlOffsets.length
}

function startOf({ wire, scan }: Message, index: number): number {
  return index === 0 ? scan.questionEnd : endOf(wire, scan.ttlOffsets[index - 1]!)
}

/** Where the record with that TTL ends: the length of its data stands behind the TTL. */
function endOf(wire: Uint8Array, ttl: number): number {
  return ttl + 6 + readU16(wire, ttl + 4)
}

/** The message with the addresses of its blocks in another order, as a copy. */
export function moveRecords({ message, blocks }: Plan, arrange: Arrange): Message {
  const { wire, scan } = message
  const moved = new Uint8Array(wire)
  const ttlOffsets = [...scan.ttlOffsets]
  for (const block of blocks) {
    let to = startOf(message, block.first)
    let place = block.first
    for (const index of arrange(block)) {
      const start = startOf(message, block.first + index)
      const ttl = scan.ttlOffsets[block.first + index]!
      moved.set(wire.subarray(start, endOf(wire, ttl)), to)
      ttlOffsets[place++] = to + ttl - start
      to += endOf(wire, ttl) - start
    }
  }
  return { wire: moved, scan: { ...scan, ttlOffsets } }
}

/** Types whose answers the weighted policy looks at. */
export const WEIGHTED_TYPES: ReadonlySet<number> = new Set([TYPES.A, TYPES.AAAA, TYPES.SRV])
