/** The answer that a filter gives in place of the true one: no data, and a SOA so that it may be cached (RFC 2308 §3). */
import { OPTIONS, QR, TYPES } from '../dns/constants.ts'
import { fromText, keyOf } from '../dns/name.ts'
import type { ResourceRecord } from '../dns/record.ts'
import { type ReplyScan, scanReply } from '../dns/reply-scan.ts'
import type { Query } from './query.ts'
import { Reply } from './reply.ts'

/** EDE 17, Filtered (RFC 8914 §4.18). */
export const FILTERED: Reply['options'] = [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 17) }]

/** `invalid` never exists (RFC 2606 §2). */
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

/** Makes denials below one zone. Their SOA names `PLUGIN.invalid.`, which shows an administrator where the answer comes from. */
export class Denial {
  readonly #plugin: string
  readonly #zone: string
  readonly #zoneKey: string
  /** The SOA without its owner. */
  readonly #record: Uint8Array
  readonly #rcode: number
  readonly #ttl: number
  /** By the end of the question. */
  readonly #forms = new Map<number, Form>()

  /** @param plugin that denies @param zone as text @param ttl seconds, of the SOA and its MINIMUM */
  constructor(plugin: string, zone: string, rcode: number, ttl: number) {
    this.#plugin = plugin
    this.#zone = zone
    this.#zoneKey = keyOf(zone)
    this.#rcode = rcode
    this.#ttl = ttl
    this.#record = encodeSoa(plugin, ttl)
  }

  /** The SOA as an object. @param owner the zone, or a name outside that CNAMEs led to */
  toRecord(owner = this.#zone): ResourceRecord {
    return {
      name: owner,
      type: 'SOA',
      ttl: this.#ttl,
      data: {
        mname: `${this.#plugin}.invalid.`,
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
    return new Reply('answer', this.#rcode, flags, wire, scan, -1, FILTERED, this.#plugin, reason)
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

function encodeSoa(plugin: string, ttl: number): Uint8Array {
  const server = fromText(`${plugin}.invalid.`)
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
