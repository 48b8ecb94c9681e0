import {
  CLASSES,
  type Counter,
  definePlugin,
  lookUp,
  one,
  option,
  optional,
  type PluginContext,
  type Query,
  RCODES,
  type Reply,
  type ResourceRecord,
  TC,
  TYPES,
  whenReply,
} from 'corelet/plugin'
import { embed, type Prefix, prefix, WELL_KNOWN } from './prefix.ts'

/** Seconds, where the answer without AAAA has no SOA that says how long that is so (RFC 6147 §5.1.7). */
const DEFAULT_TTL = 600

interface Dns64Options {
  prefix: Prefix
  translateAll: boolean
  allowIpv4: boolean
}

const withPrefix = (text: string) => `. {\n  dns64 ${text}\n}`

/** Answers AAAA queries with addresses that are made of IPv4 addresses (RFC 6147). */
export default definePlugin({
  name: 'dns64',
  summary: 'makes IPv6 addresses of IPv4 addresses for clients behind NAT64',
  repeat: 'merge',
  directive: {
    args: [optional(prefix)],
    options: {
      prefix: option('what IPv4 addresses are put behind', [one(prefix)]),
      translate_all: option('translates also where there are IPv6 addresses', []),
      allow_ipv4: option('translates for clients on IPv4, too', []),
    },
  },
  errors: {
    'invalid-prefix': {
      message: 'invalid CIDR address: {0}',
      hint: 'write an IPv6 network such as 64:ff9b::/96',
      example: withPrefix('64:ff9b::'),
    },
    'wrong-family': {
      message: 'invalid netmask {0} IPv6 address: {1}',
      hint: 'write an IPv6 network such as 64:ff9b::/96',
      example: withPrefix('10.0.0.0/8'),
    },
    'invalid-length': {
      message: 'invalid prefix length "{0}"',
      hint: 'lengths are 32, 40, 48, 56, 64 and 96 bits (RFC 6052), and 72, 80 and 88',
      example: withPrefix('64:ff9b::/97'),
    },
  },
  parse(uses): Dns64Options {
    const prefixes = uses.flatMap(({ values, options }) => [values[0], options.prefix.at(-1)?.values[0]])
    return {
      prefix: prefixes.findLast((each) => each !== undefined) ?? WELL_KNOWN,
      translateAll: uses.some(({ options }) => options.translate_all.length > 0),
      allowIpv4: uses.some(({ options }) => options.allow_ipv4.length > 0),
    }
  },
  start(options, context) {
    const translated = context.metrics.counter(
      'coredns_dns64_requests_translated_total',
      'Queries that IPv6 addresses were made for.',
      ['server'],
    )
    return (query, next) => {
      const isFor =
        query.qtype === TYPES.AAAA && query.qclass === CLASSES.IN && (options.allowIpv4 || query.family === 2)
      if (!isFor) return next(query)
      return whenReply(next(query), (reply) => {
        if (!needsTranslation(reply, options)) return reply
        return translate(options.prefix, query, reply, context, translated.with(query.listener.server))
      })
    }
  },
})

/** A name that does not exist has no IPv4 address either. */
function needsTranslation(reply: Reply, { translateAll }: Dns64Options): boolean {
  if (reply.kind !== 'answer' || (reply.rcode === RCODES.NXDOMAIN && reply.scan!.answers === 0)) return false
  return translateAll || reply.scan!.answers === 0 || !reply.answers.some(({ type }) => type === 'AAAA')
}

/** @param original the answer without IPv6 addresses */
function translate(
  prefix: Prefix,
  query: Query,
  original: Reply,
  context: PluginContext,
  translated: Counter,
): Reply | Promise<Reply> {
  return whenReply(lookUp(context, query, { qtype: TYPES.A }), (found) => {
    if (found.kind !== 'answer') return query.fail(RCODES.SERVFAIL, 'dns64', `no answer for A: ${found.reason}`)
    translated.inc()
    const limit = original.authorities.find(({ type }) => type === 'SOA')?.ttl ?? DEFAULT_TTL
    const toAaaa = (record: ResourceRecord): ResourceRecord =>
      record.type === 'A'
        ? { ...record, type: 'AAAA', ttl: Math.min(record.ttl, limit), data: embed(prefix, record.data) }
        : record
    const { authorities, additionals } = found
    const reply = query.reply({ answers: found.answers.map(toAaaa), authorities, additionals }, 'dns64', 'translated')
    return found.truncated ? reply.copy({ flags: reply.flags | TC }) : reply
  })
}
