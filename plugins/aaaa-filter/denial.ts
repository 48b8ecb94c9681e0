/** The answer that stands in for a hidden one: no data, and a SOA so that it may be cached (RFC 2308 §3). */
import { fromText, keyOf, OPTIONS, type Query, Reply, type ResourceRecord, scanReply, TYPES } from 'corelet/plugin'

/** EDE 17, Filtered (RFC 8914 §4.18). */
export const FILTERED: Reply['options'] = [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 17) }]

/** Names that show an administrator where the answer comes from; `invalid` never exists (RFC 2606 §2). */
const SERVER = 'aaaa-filter.invalid.'
const MAILBOX = 'hostmaster.invalid.'
const SERIAL = 1
const REFRESH = 7200
const RETRY = 1800
const EXPIRE = 86_400

/** Makes denials below one zone. */
export class Denial {
  readonly #zone: string
  readonly #zoneKey: string
  /** The SOA without its owner. */
  readonly #record: Uint8Array
  readonly #rcode: number
  readonly #ttl: number

  /** @param zone as text @param ttl seconds, of the SOA and its MINIMUM */
  constructor(zone: string, rcode: number, ttl: number) {
    this.#zone = zone
    this.#zoneKey = keyOf(zone)
    this.#rcode = rcode
    this.#ttl = ttl
    this.#record = encodeSoa(ttl)
  }

  /** The SOA as an object. @param owner the zone, or a name outside that CNAMEs led to */
  toRecord(owner = this.#zone): ResourceRecord {
    return {
      name: owner,
      type: 'SOA',
      ttl: this.#ttl,
      data: {
        mname: SERVER,
        rname: MAILBOX,
        serial: SERIAL,
        refresh: REFRESH,
        retry: RETRY,
        expire: EXPIRE,
        minimum: this.#ttl,
      },
    }
  }

  /** The denial of what `query` asks for, written without the codec: it is as cheap as a cache hit. */
  toReply(query: Query, flags: number, reason: string): Reply {
    const { questionEnd, packet } = query
    const pointed = this.#zoneKey.length > 1
    const wire = new Uint8Array(questionEnd + (pointed ? 2 : 1) + this.#record.length)
    wire.set(packet.subarray(0, questionEnd))
    wire[2] = flags >> 8
    wire[3] = (flags & 0xf0) | this.#rcode
    wire.fill(0, 4, 12)
    wire[5] = 1
    wire[9] = 1
    if (pointed) {
      const owner = 12 + query.key.length - this.#zoneKey.length
      wire[questionEnd] = 0xc0 | (owner >> 8)
      wire[questionEnd + 1] = owner & 0xff
    }
    wire.set(this.#record, wire.length - this.#record.length)
    return new Reply('answer', this.#rcode, flags, wire, scanReply(wire), -1, FILTERED, 'aaaa-filter', reason)
  }
}

function encodeSoa(ttl: number): Uint8Array {
  const server = fromText(SERVER)
  const mailbox = fromText(MAILBOX)
  const length = server.length + mailbox.length + 20
  const octets = new Uint8Array(10 + length)
  const view = new DataView(octets.buffer)
  view.setUint16(0, TYPES.SOA)
  view.setUint16(2, 1)
  view.setUint32(4, ttl)
  view.setUint16(8, length)
  octets.set(server, 10)
  octets.set(mailbox, 10 + server.length)
  for (const [i, number] of [SERIAL, REFRESH, RETRY, EXPIRE, ttl].entries()) {
    view.setUint32(octets.length - 20 + 4 * i, number)
  }
  return octets
}
