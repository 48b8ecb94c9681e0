import {
  AA,
  AD,
  CLASSES,
  createNetworkMatch,
  Denial,
  FILTERED,
  keyOf,
  type Next,
  OPCODES,
  type PluginContext,
  type Query,
  RCODES,
  type Reply,
  type Sections,
  TC,
  TYPES,
  whenReply,
  ZoneList,
} from 'corelet/plugin'
import { ZoneCounter } from '../../src/observe/zone-counter.ts'
import { inspect } from './inspect.ts'
import type { FilterOptions } from './options.ts'
import { isNotAaaa, strip } from './strip.ts'

/** Where a query was caught. */
interface Catch {
  query: Query
  zone: string
  denial: Denial
}

/**
 * What was made of answers of the cache, by their octets, which all hits of an entry share; undefined when there was nothing to change.
 * It spares the decoding of popular answers and is forgotten with the entry.
 */
type Forms = WeakMap<Uint8Array, Reply | undefined>

/** Hides IPv6 addresses from some clients, below some zones. */
export class Filter {
  readonly #options: FilterOptions
  readonly #zones: ZoneList
  readonly #except: ZoneList
  readonly #isClient: (address: string) => boolean
  readonly #denials: Map<string, Denial>
  readonly #filtered: ZoneCounter
  readonly #hiddenForms: Forms = new WeakMap()
  readonly #strippedForms: Forms = new WeakMap()

  constructor(options: FilterOptions, context: PluginContext) {
    this.#options = options
    this.#zones = new ZoneList(options.zones)
    this.#except = new ZoneList(options.except)
    this.#isClient = options.networks.length > 0 ? createNetworkMatch(options.networks) : () => true
    this.#denials = new Map(
      this.#zones.toArray().map((zone) => [zone, new Denial('aaaa-filter', zone, options.rcode, options.ttl)]),
    )
    this.#filtered = new ZoneCounter(
      context.metrics,
      'coredns_aaaa_filter_filtered_requests_total',
      'Counter of DNS requests whose answer had IPv6 addresses hidden.',
      context.block.view,
    )
  }

  serve(query: Query, next: Next): Reply | Promise<Reply> {
    const { strip, onlyWithA, breakDnssec } = this.#options
    const hides = query.qtype === TYPES.AAAA
    if ((!hides && strip.size === 0) || query.opcode !== OPCODES.QUERY || query.qclass !== CLASSES.IN)
      return next(query)
    const zone = this.#zones.match(query.key)
    if (zone === undefined || this.#except.has(query.key) || !this.#isClient(query.client.address)) return next(query)
    const caught: Catch = { query, zone, denial: this.#denials.get(zone)! }
    if (!hides) return whenReply(next(query), (reply) => this.#strip(caught, reply))
    if (!onlyWithA && (breakDnssec || !query.dnssecOk)) {
      this.#count(caught)
      return caught.denial.toReply(query, query.replyFlags | AA, 'AAAA hidden')
    }
    return whenReply(next(query), (reply) => this.#hide(caught, reply, next))
  }

  /** Hides the AAAA records of an answer, if that is wanted. What has none stays as it is: NXDOMAIN, no data, failures. */
  #hide(caught: Catch, reply: Reply, next: Next): Reply | Promise<Reply> {
    const { query } = caught
    const found = inspect(reply)
    if (!found.aaaa || reply.rcode !== RCODES.NOERROR) return this.#strip(caught, reply)
    if (this.#keepsSigned(query) && found.signed) return reply
    if (!this.#options.onlyWithA) return this.#hidden(caught, reply, found.alias, 'AAAA hidden')
    return whenReply(next(query.with({ qtype: TYPES.A })), (other) => {
      if (other.rcode !== RCODES.NOERROR || !inspect(other).a) return this.#strip(caught, reply)
      return this.#hidden(caught, reply, found.alias, 'AAAA hidden, the name has an A record')
    })
  }

  #hidden(caught: Catch, reply: Reply, alias: boolean, reason: string): Reply {
    const { denial, query } = caught
    this.#count(caught)
    const flags = (reply.flags & ~(AD | TC)) | AA
    if (!alias) return denial.toReply(query, flags, reason)
    const hidden = edit(this.#hiddenForms, reply, ({ answers }) => {
      const owner = answers.find(({ type }) => type === 'AAAA')!.name
      const soa = denial.toRecord(this.#zones.match(keyOf(owner)) === caught.zone ? undefined : owner)
      return { answers: answers.filter(isNotAaaa), authorities: [soa], additionals: [] }
    })!
    const { rcode } = this.#options
    const ttl = Math.min(reply.ttl, this.#options.ttl)
    return hidden.copy({ rcode, flags, ttl, options: FILTERED, plugin: 'aaaa-filter', reason })
  }

  /** Takes the other traces of IPv6 out of an answer, as the `strip` option says. */
  #strip(caught: Catch, reply: Reply): Reply {
    const { onlyWithA, strip: what } = this.#options
    const { query } = caught
    const found = inspect(reply)
    const service = query.qtype === TYPES.HTTPS || query.qtype === TYPES.SVCB
    const traces = {
      additional: what.has('additional') && found.additional,
      answers: what.has('any') && query.qtype === TYPES.ANY && found.aaaa && (found.a || !onlyWithA),
      hints: what.has('ipv6hint') && service && found.service && !(found.signed && this.#keepsSigned(query)),
      onlyWithA,
    }
    if (!traces.additional && !traces.answers && !traces.hints) return reply
    const stripped = edit(this.#strippedForms, reply, (sections) => {
      const rest = strip(sections, traces)
      return rest?.answers.length === 0 && traces.answers ? { ...rest, authorities: [caught.denial.toRecord()] } : rest
    })
    if (!stripped) return reply
    this.#count(caught)
    const flags = traces.answers || traces.hints ? reply.flags & ~AD : reply.flags
    return stripped.copy({ flags, ttl: reply.ttl, options: reply.options })
  }

  #keepsSigned(query: Query): boolean {
    return query.dnssecOk && !this.#options.breakDnssec
  }

  #count({ query, zone }: Catch): void {
    this.#filtered.inc(query.listener, zone)
  }
}

/** The reply with other sections; undefined when `change` finds nothing to change. The caller sets flags, options and TTL again. */
function edit(forms: Forms, reply: Reply, change: (sections: Sections) => Sections | undefined): Reply | undefined {
  const wire = reply.wire!
  if (forms.has(wire)) return forms.get(wire)
  const sections = change(reply.sections)
  const edited = sections && reply.copy({ sections })
  forms.set(wire, edited)
  return edited
}
