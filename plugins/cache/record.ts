/** A cached answer as octets: numbers, a few texts that most answers do not have, the message. */
import { AD, RA, type Reply } from 'corelet/plugin'
import { Entry, type EntryFacts } from './entry.ts'

/** Octets in front of the texts. */
const HEAD = 24
const STORED_AT = 0
const TTL = 8
const RCODE = 12
const FLAGS = 14
const EDNS_FLAGS = 16
const KIND = 18
const TEXTS = 20

const DENIAL = 1
const POSITIVE = 2
const MESSAGE = 4

/** Characters of the texts of a failure that are kept. */
const LONGEST_TEXT = 1000

/** What failures and answers from wildcards have besides. */
interface Texts {
  plugin?: string
  error?: string
  wildcard?: string
}

const head = new Uint8Array(HEAD)
const fields = new DataView(head.buffer)
let scratch = new Uint8Array(2048)

/** Writes what is kept of a reply. The octets are good until the next call. */
export function encodeRecord(reply: Reply, facts: EntryFacts): Uint8Array {
  const { wire } = reply
  const texts = encodeTexts(reply, facts)
  fields.setFloat64(STORED_AT, facts.storedAt)
  fields.setUint32(TTL, facts.ttl)
  fields.setUint16(RCODE, reply.rcode)
  fields.setUint16(FLAGS, reply.flags & (RA | AD))
  fields.setUint16(EDNS_FLAGS, reply.scan?.ednsFlags ?? 0)
  head[KIND] = (facts.part === 'denial' ? DENIAL : 0) | (facts.positive ? POSITIVE : 0) | (wire ? MESSAGE : 0)
  fields.setUint16(TEXTS, texts.length)
  const length = HEAD + texts.length + (wire?.length ?? 0)
  if (scratch.length < length) scratch = new Uint8Array(length)
  scratch.set(head)
  scratch.set(texts, HEAD)
  if (wire) scratch.set(wire, HEAD + texts.length)
  return scratch.subarray(0, length)
}

const NO_TEXTS = new Uint8Array()

function encodeTexts(reply: Reply, { wildcard }: EntryFacts): Uint8Array {
  if (reply.wire && wildcard === undefined) return NO_TEXTS
  const texts: Texts = wildcard === undefined ? {} : { wildcard }
  if (!reply.wire) {
    texts.plugin = reply.plugin
    const error = reply.error instanceof Error ? reply.error.message : reply.error
    if (error !== undefined) texts.error = error.slice(0, LONGEST_TEXT)
  }
  return Buffer.from(JSON.stringify(texts))
}

/**
 * Reads what {@link encodeRecord} wrote.
 * @throws WireError, SyntaxError or RangeError when it did not write this
 */
export function decodeRecord(octets: Uint8Array): Entry {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const kind = view.getUint8(KIND)
  const start = HEAD + view.getUint16(TEXTS)
  if (start > octets.length) throw new RangeError('texts longer than their record')
  const texts = start > HEAD ? (JSON.parse(Buffer.from(octets.subarray(HEAD, start)).toString()) as Texts) : {}
  return new Entry(
    {
      part: kind & DENIAL ? 'denial' : 'success',
      ttl: view.getUint32(TTL),
      storedAt: view.getFloat64(STORED_AT),
      positive: (kind & POSITIVE) !== 0,
      wildcard: texts.wildcard,
    },
    {
      rcode: view.getUint16(RCODE),
      flags: view.getUint16(FLAGS),
      ednsFlags: view.getUint16(EDNS_FLAGS),
      wire: kind & MESSAGE ? new Uint8Array(octets.subarray(start)) : undefined,
      plugin: texts.plugin ?? 'cache',
      error: texts.error,
    },
  )
}

/** Monotonic milliseconds at which a record was stored. @throws RangeError when it is too short for one */
export function storedAtOf(octets: Uint8Array): number {
  return new DataView(octets.buffer, octets.byteOffset, octets.length).getFloat64(STORED_AT)
}

/** A copy of a record that was stored at another time. */
export function withStoredAt(octets: Uint8Array, storedAt: number): Uint8Array {
  const copy = new Uint8Array(octets)
  new DataView(copy.buffer).setFloat64(STORED_AT, storedAt)
  return copy
}
