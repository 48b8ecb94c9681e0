/** The answer that stands in for a hidden one: no data, and a SOA so that it may be cached (RFC 2308 §3). */
import {
  fromText,
  keyOf,
  OPTIONS,
  QR,
  type Query,
  Reply,
  type ReplyScan,
  type ResourceRecord,
  scanReply,
  TYPES,
} from 'corelet/plugin'

/** EDE 17, Filtered (RFC 8914 §4.18). */
export const FILTERED: Reply['options'] = [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 17) }]

/** Names that show an administrator where the answer comes from; `invalid` never exists (RFC 2606 §2). */
const SERVER = 'aaaa-filter.invalid.'
const MAILBOX = 'hostmaster.invalid.'
const SERIAL = 1
const REFRESH = 7200
const RETRY = 1800
const EXPIRE = 86_400

/** An answer that differs from the others of its length in the question only. */
interface Form {
  wire: Uint8Array
  scan: ReplyScan
}

/** Makes denials below one zone. */
export class Denial {
  readonly #zone: string
  readonly #zoneKey: string
  /** The SOA without its owner. */
  readonly #record: Uint8Array
  readonly #rcode: number
  readonly #ttl: number
  /** By the end of the question. */
  readonly #forms = new Map<number, Form>()

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

  /** The denial of what `query` asks for, made without the codec: it is as cheap as a cache hit. */
  toReply(query: Query, flags: number, reason: string): Reply {
    const { packet, questionEnd } = query
    let form = this.#forms.get(questionEnd)
    if (!form) {
      form = this.#createForm(query)
      this.#forms.set(questionEnd, form)
    }
    const wire = Buffer.allocUnsafe(form.wire.length)
    wire.set(form.wire)
    for (let i = 12; i < questionEnd; i++) wire[i] = packet[i]!
    const scan = { ...form.scan, key: query.key, qtype: query.qtype }
    return new Reply('answer', this.#rcode, flags, wire, scan, -1, FILTERED, 'aaaa-filter', reason)
  }

  /** The answer to any question as long as this one's. */
  #createForm({ key, packet, questionEnd }: Query): Form {
    const owner = 12 + key.length - this.#zoneKey.length
    const pointer = this.#zoneKey.length > 1 ? [0xc0 | (owner >> 8), owner & 0xff] : [0]
    const header = [0, 0, QR >> 8, this.#rcode, 0, 1, 0, 0, 0, 1, 0, 0]
    const wire = Uint8Array.of(...header, ...packet.subarray(12, questionEnd), ...pointer, ...this.#record)
    return { wire, scan: scanReply(wire) }
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
