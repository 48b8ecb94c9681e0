import { decodeSections, encodeMessage } from '../dns/codec.ts'
import { QR, RCODES, TC, toRcodeName, Z } from '../dns/constants.ts'
import type { EdnsOption, Sections } from '../dns/message.ts'
import { withoutOpt } from '../dns/patch.ts'
import type { ResourceRecord } from '../dns/record.ts'
import { classify, type ReplyScan, type ResponseType, scanReply } from '../dns/reply-scan.ts'
import type { Query } from './query.ts'

/** `answer` has a message, `failure` leaves the message to the server, `drop` is silence. */
export type ReplyKind = 'answer' | 'failure' | 'drop'

/** What a plugin says when it answers with records; left out is empty, NOERROR, no flag. */
export interface ReplyParts {
  rcode?: number
  /** AA bit. */
  authoritative?: boolean
  answers?: readonly ResourceRecord[]
  authorities?: readonly ResourceRecord[]
  additionals?: readonly ResourceRecord[]
  /** EDNS options for the client, sent when it speaks EDNS. */
  options?: readonly EdnsOption[]
}

/** What {@link Reply.copy} may change. */
export interface ReplyChange {
  flags?: number
  rcode?: number
  ttl?: number
  options?: readonly EdnsOption[]
  plugin?: string
  reason?: string | ((reply: Reply) => string)
  /** Other octets without OPT, and the scan that goes with them. */
  message?: { wire: Uint8Array; scan: ReplyScan }
  sections?: Partial<Sections>
}

const NO_OPTIONS: readonly EdnsOption[] = []

/**
 * The outcome of a query: an answer, a failure or silence, who decided it and why. The message is octets without an OPT; the server
 * adds id, question, OPT and size limit at the end. A Reply is never changed: take a {@link Reply.copy}.
 */
export class Reply {
  readonly kind: ReplyKind
  /** The 12-bit rcode. */
  readonly rcode: number
  /** The flags word of the header; its rcode bits are not used. */
  readonly flags: number
  /** Message octets without OPT; undefined for failures and silence. They may be shared: never write to them. */
  readonly wire: Uint8Array | undefined
  /** What one pass over `wire` found; undefined for failures and silence. */
  readonly scan: ReplyScan | undefined
  /** Seconds that every record's TTL is sent as; -1 to send those in `wire`. */
  readonly ttl: number
  /** EDNS options for the client. */
  readonly options: readonly EdnsOption[]
  /** Name of the plugin that decided. */
  readonly plugin: string
  /** For failures: what went wrong. */
  readonly error: string | Error | undefined
  readonly #reason: string | ((reply: Reply) => string)
  #sections: Sections | undefined

  constructor(
    kind: ReplyKind,
    rcode: number,
    flags: number,
    wire: Uint8Array | undefined,
    scan: ReplyScan | undefined,
    ttl: number,
    options: readonly EdnsOption[],
    plugin: string,
    reason: string | ((reply: Reply) => string),
    error?: string | Error,
  ) {
    this.kind = kind
    this.rcode = rcode
    this.flags = flags
    this.wire = wire
    this.scan = scan
    this.ttl = ttl
    this.options = options
    this.plugin = plugin
    this.error = error
    this.#reason = reason
  }

  /** Why it came out like this, in a few words. */
  get reason(): string {
    return typeof this.#reason === 'string' ? this.#reason : this.#reason(this)
  }

  get rcodeName(): string {
    return toRcodeName(this.rcode)
  }

  /** Octets of the message before OPT, truncation and compression; 12 plus the question for failures is left to the caller. */
  get size(): number {
    return this.scan?.size ?? 0
  }

  get truncated(): boolean {
    return (this.flags & TC) !== 0
  }

  /** CoreDNS's class of the message. @param now seconds since 1970 */
  responseType(now: number): ResponseType {
    if (this.scan)
      return classify(this.scan.rcode === this.rcode ? this.scan : { ...this.scan, rcode: this.rcode }, now)
    return this.rcode === RCODES.SERVFAIL || this.rcode === RCODES.NOTIMP ? 'SERVERERROR' : 'OTHERERROR'
  }

  get answers(): readonly ResourceRecord[] {
    return this.sections.answers
  }

  get authorities(): readonly ResourceRecord[] {
    return this.sections.authorities
  }

  get additionals(): readonly ResourceRecord[] {
    return this.sections.additionals
  }

  /** The records, decoded when first asked for, with `ttl` applied. */
  get sections(): Sections {
    if (this.#sections) return this.#sections
    if (!this.wire) return { answers: [], authorities: [], additionals: [] }
    const sections = decodeSections(this.wire)
    if (this.ttl >= 0) {
      for (const records of [sections.answers, sections.authorities, sections.additionals]) {
        for (const record of records) record.ttl = this.ttl
      }
    }
    this.#sections = sections
    return sections
  }

  /** A Reply that differs in some parts; octets are shared unless `sections` change. */
  copy(change: ReplyChange): Reply {
    let { wire, scan } = change.message ?? this
    let ttl = change.ttl ?? this.ttl
    if (change.sections && wire && scan) {
      const encoded = encodeMessage({
        ...this.sections,
        ...change.sections,
        question: wire.subarray(12, scan.questionEnd),
      })
      encoded[2] = scan.flags >> 8
      encoded[3] = scan.flags & 0xff
      wire = encoded
      scan = scanReply(encoded)
      ttl = change.ttl ?? -1
    }
    return new Reply(
      this.kind,
      change.rcode ?? this.rcode,
      change.flags ?? this.flags,
      wire,
      scan,
      ttl,
      change.options ?? this.options,
      change.plugin ?? this.plugin,
      change.reason ?? this.#reason,
      this.error,
    )
  }

  /**
   * An answer from octets, such as an upstream's, which the caller has scanned and matched with its question. An OPT is taken out:
   * its options become `options`.
   */
  static fromWire(
    wire: Uint8Array,
    scan: ReplyScan,
    plugin: string,
    reason: string | ((reply: Reply) => string),
  ): Reply {
    const options = scan.optOffset < 0 ? NO_OPTIONS : readOptions(wire, scan.optionsStart, scan.optionsEnd)
    const bare = withoutOpt(wire, scan)
    return new Reply('answer', scan.rcode, scan.flags & ~Z, bare.wire, bare.scan, -1, options, plugin, reason)
  }

  /** An answer made of records; see {@link Query.reply}. */
  static fromParts(query: Query, parts: ReplyParts, plugin: string, reason: string): Reply {
    const wire = encodeMessage({
      question: query.packet.subarray(12, query.questionEnd),
      answers: parts.answers ?? [],
      authorities: parts.authorities ?? [],
      additionals: parts.additionals ?? [],
    })
    const rcode = parts.rcode ?? RCODES.NOERROR
    const flags = query.replyFlags | (parts.authoritative ? 0x0400 : 0)
    wire[2] = flags >> 8
    wire[3] = (flags & 0xf0) | (rcode & 15)
    const scan = scanReply(wire)
    return new Reply('answer', rcode, flags, wire, scan, -1, parts.options ?? NO_OPTIONS, plugin, reason)
  }

  static failure(
    query: Query,
    rcode: number,
    plugin: string,
    error: string | Error | undefined,
    reason = error instanceof Error ? error.message : (error ?? ''),
  ): Reply {
    return new Reply('failure', rcode, query.replyFlags, undefined, undefined, -1, NO_OPTIONS, plugin, reason, error)
  }

  static dropped(query: Query, plugin: string, reason: string): Reply {
    return new Reply(
      'drop',
      RCODES.NOERROR,
      query.replyFlags | QR,
      undefined,
      undefined,
      -1,
      NO_OPTIONS,
      plugin,
      reason,
    )
  }
}

function readOptions(wire: Uint8Array, start: number, end: number): EdnsOption[] {
  const options: EdnsOption[] = []
  for (let at = start; at < end; ) {
    const length = (wire[at + 2]! << 8) | wire[at + 3]!
    options.push({
      code: (wire[at]! << 8) | wire[at + 1]!,
      data: new Uint8Array(wire.subarray(at + 4, at + 4 + length)),
    })
    at += 4 + length
  }
  return options
}
