import { CD, OPCODES, QR, RD, toClassName, toTypeName } from '../dns/constants.ts'
import type { EdnsOption } from '../dns/message.ts'
import { keyOf, keyToText, toText } from '../dns/name.ts'
import { copyOctets } from '../dns/octets.ts'
import { type QueryChange, rebuildQuery } from '../dns/query-build.ts'
import { PLAIN_UDP_SIZE, QueryView, readQuery } from '../dns/query-view.ts'
import type { Listener, Peer } from './listener.ts'
import { Reply, type ReplyParts } from './reply.ts'

/** {@link Query.udpLimit} that no plugin has set. */
export const NO_LIMIT = 0xffff

/**
 * A query on its way down the chain: a view on the packet, with what is known of the client. It is never changed; a plugin that
 * asks something else passes `query.with(…)` on.
 *
 * When the handler has returned a Reply, the object is filled with another query, its `client` and `local` too. When a handler anywhere in
 * the chain returns a promise, the query is kept as it is. Who answers at once and wants the query later calls {@link Query.keep} before;
 * take no slice of `packet` before that.
 */
export class Query extends QueryView {
  readonly listener: Listener
  /** The query that the client sent, when this one was derived from it by {@link Query.with}; else itself. */
  readonly origin: Query
  /** Zone of the server block that serves it, as text. Set by the router. */
  zone = '.'
  /** Name of the view that let it in, else empty. */
  view = ''
  /** Largest UDP answer in octets that a plugin such as `bufsize` allows; counts on `origin`. */
  udpLimit = NO_LIMIT
  /**
   * False when too many queries wait already: what has to be waited for gets SERVFAIL (`failOverloaded`), old data are better than none.
   * Counts on `origin`.
   */
  mayWait = true
  /** Whether somebody may give it up; see {@link Query.signal}. Counts on `origin`. */
  cancellable = false
  /** How many lookups through the server's own chain led to it; the server bounds them. */
  depth = 0
  #client: Peer
  #local: Peer
  #proto: 'udp' | 'tcp'
  #received: number
  #kept = false
  #name: string | undefined
  #abort: AbortController | undefined
  #metadata: Map<string, () => string> | undefined

  constructor(listener: Listener, client: Peer, local: Peer, proto: 'udp' | 'tcp', received: number, origin?: Query) {
    super()
    this.listener = listener
    this.#client = client
    this.#local = local
    this.#proto = proto
    this.#received = received
    this.origin = origin ?? this
  }

  /**
   * For the server: makes it the query of another client, to be read from its packet: all that a plugin may have
   * set is as it is in a new one. One that {@link isKept} stays as it is.
   */
  renew(client: Peer, local: Peer, proto: 'udp' | 'tcp', received: number): void {
    if (this.#kept) throw new Error('this query is kept')
    this.#client = client
    this.#local = local
    this.#proto = proto
    this.#received = received
    this.#name = this.#abort = this.#metadata = undefined
    this.zone = '.'
    this.view = ''
    this.udpLimit = NO_LIMIT
    this.mayWait = true
    this.cancellable = false
    this.depth = 0
  }

  get client(): Peer {
    return this.#client
  }

  get local(): Peer {
    return this.#local
  }

  get proto(): 'udp' | 'tcp' {
    return this.#proto
  }

  /** Monotonic milliseconds at which it came in. */
  get received(): number {
    return this.#received
  }

  /** Whether somebody wants it longer than until it is answered. */
  get isKept(): boolean {
    return this.#kept
  }

  /** Lower-cased query name as text, with its final dot. */
  get name(): string {
    this.#name ??= keyToText(this.key)
    return this.#name
  }

  /** Query name in the case it was sent in. */
  get qname(): string {
    return toText(this.packet, 12)
  }

  /** Mnemonic of the query type, `TYPE123` when it has none. */
  get type(): string {
    return toTypeName(this.qtype)
  }

  /** Mnemonic of the query class, `CLASS123` when it has none. */
  get class(): string {
    return toClassName(this.qclass)
  }

  /** 1 for IPv4, 2 for IPv6. */
  get family(): 1 | 2 {
    return this.client.family ?? (this.client.address.includes(':') ? 2 : 1)
  }

  /** Octets that an answer to it may have: 65535 on TCP, else at least 512 and at most what the client takes. */
  get maxSize(): number {
    return this.proto === 'tcp' ? 0xffff : Math.max(PLAIN_UDP_SIZE, this.udpSize)
  }

  /** The EDNS options that came with it. */
  get options(): EdnsOption[] {
    const options: EdnsOption[] = []
    for (let at = this.optionsStart; at < this.optionsEnd; ) {
      const length = (this.packet[at + 2]! << 8) | this.packet[at + 3]!
      const code = (this.packet[at]! << 8) | this.packet[at + 1]!
      options.push({ code, data: copyOctets(this.packet, at + 4, at + 4 + length) })
      at += 4 + length
    }
    return options
  }

  /** Makes it and its ends stay as they are, with an own copy of the packet. The server does that when a handler returns a promise. */
  keep(): void {
    if (this.#kept) return
    this.#kept = true
    this.#client.keep?.()
    if (this.origin === this) this.packet = copyOctets(this.packet)
    else this.origin.keep()
  }

  /** A query that differs from this one in name, type, flags or EDNS and knows the same client. */
  with(change: QueryChange): Query {
    const derived = new Query(this.listener, this.client, this.local, this.proto, this.received, this.origin)
    const verdict = readQuery(rebuildQuery(this, change), derived)
    if (verdict !== 'serve') throw new Error(`the changed query can't be served: ${verdict}`)
    derived.zone = this.zone
    derived.view = this.view
    derived.depth = this.depth
    return derived
  }

  /**
   * The same question as if it had come over `proto`, with the metadata known so far; background work uses TCP so that nothing is cut off.
   */
  over(proto: 'udp' | 'tcp'): Query {
    const derived = new Query(this.listener, copyOf(this.client), copyOf(this.local), proto, this.received)
    readQuery(copyOctets(this.packet), derived)
    derived.zone = this.zone
    derived.view = this.view
    derived.depth = this.depth
    if (this.collectsMetadata) derived.collectMetadata()
    derived.copyMetadata(this)
    return derived
  }

  /**
   * An answer made of records. Flags of the query (RD, CD) are copied, as CoreDNS's SetReply does.
   * @param plugin the plugin that answers
   * @param reason a few words for logs and `explain`, e.g. `hit`
   */
  reply(parts: ReplyParts, plugin: string, reason: string): Reply {
    return Reply.fromParts(this, parts, plugin, reason)
  }

  /**
   * No answer was made: the server sends a bare message with `rcode` (SERVFAIL, REFUSED, FORMERR or NOTIMP).
   * @param error what the `errors` plugin logs; undefined when there is nothing to log
   * @param reason a few words; the error's text when left out
   */
  fail(rcode: number, plugin: string, error: string | Error | undefined, reason?: string): Reply {
    return Reply.failure(this, rcode, plugin, error, reason)
  }

  /** No answer at all: the client hears nothing. */
  drop(plugin: string, reason: string): Reply {
    return Reply.dropped(this, plugin, reason)
  }

  /** Header flags of a plain reply: QR, the opcode, and for QUERY the client's RD and CD. */
  get replyFlags(): number {
    const opcode = this.flags & 0x7800
    return QR | opcode | (this.opcode === OPCODES.QUERY ? this.flags & (RD | CD) : 0)
  }

  /**
   * Aborted when nobody waits for the answer any more, for work that takes long: `fetch(url, { signal })`. undefined where nothing gives
   * queries up, so that they cost nothing there.
   */
  get signal(): AbortSignal | undefined {
    const { origin } = this
    if (!origin.cancellable) return undefined
    origin.#abort ??= new AbortController()
    return origin.#abort.signal
  }

  /** Gives it up: work for it should end. */
  cancel(): void {
    const { origin } = this
    origin.#abort ??= new AbortController()
    origin.#abort.abort()
  }

  /** Metadata that plugins publish is kept from now on, and what was there is forgotten. For the server, where `metadata` is on. */
  collectMetadata(): void {
    this.origin.#metadata = new Map()
  }

  /** Whether anybody can see metadata of this query; spares making values that nobody will. */
  get collectsMetadata(): boolean {
    return this.origin.#metadata !== undefined
  }

  /**
   * Publishes a metadata value under the label `plugin/name`, in place of one that is there. Nothing happens where `metadata` is off, or when
   * a part of the label is empty.
   * @param value called for each reader, so it costs nothing when there is none
   */
  setMetadata(label: string, value: () => string): void {
    const known = this.origin.#metadata
    if (!known) return
    const slash = label.indexOf('/')
    if (slash > 0 && slash < label.length - 1) known.set(label, value)
  }

  /** Value of a metadata label, undefined when nothing was published or `metadata` is off. */
  metadata(label: string): string | undefined {
    return this.origin.#metadata?.get(label)?.()
  }

  /** Publishes what is published for `other`, a query that was asked on behalf of this one. */
  copyMetadata(other: Query): void {
    const { origin } = this
    if (other.origin === origin) return
    for (const [label, value] of other.origin.#metadata ?? []) this.setMetadata(label, value)
  }

  /** A question asked by the server itself, for lookups through its own chain. @throws TextError on a bad name */
  static ask(
    question: { name: string; qtype: number; qclass?: number; dnssecOk?: boolean },
    context: {
      listener: Listener
      client: Peer
      local: Peer
      proto: 'udp' | 'tcp'
      received: number
      depth?: number
    },
  ): Query {
    keyOf(question.name)
    const query = new Query(context.listener, context.client, context.local, context.proto, context.received)
    query.depth = context.depth ?? 0
    const template = new QueryView()
    template.packet = new Uint8Array(12)
    template.flags = RD
    const packet = rebuildQuery(template, {
      name: question.name,
      qtype: question.qtype,
      qclass: question.qclass ?? 1,
      ...(question.dnssecOk ? { edns: { udpSize: 1232, flags: 0x8000, options: [] } } : {}),
    })
    if (readQuery(packet, query) !== 'serve') throw new Error(`not a question: ${question.name}`)
    return query
  }
}

/** An end that outlives the batch its datagram came in. */
function copyOf({ address, port }: Peer): Peer {
  return { address, port }
}
