import { definePlugin, isBelow, type PluginContext, type Query, type Running, whenReply } from 'corelet/plugin'
import { attemptCodes, upstreamCodes } from '../../src/forwarding/codes.ts'
import { startForwarder } from '../../src/forwarding/start.ts'
import { type AlternateOptions, grammar, parse } from './options.ts'

/** Asks other upstreams when the plugins behind gave one of some rcodes. */
export default definePlugin({
  name: 'alternate',
  summary: 'asks other upstreams when a reply has one of some rcodes',
  repeat: 'merge',
  directive: grammar,
  errors: {
    ...upstreamCodes('alternate', 'alternate SERVFAIL .'),
    ...attemptCodes('alternate SERVFAIL .'),
    'rcode-twice': {
      message: "rcode '{0}' is specified more than once",
      hint: 'one alternate answers for an rcode of a zone: list all its upstreams there',
      example: '. {\n  alternate SERVFAIL . 127.0.0.1\n  alternate REFUSED,SERVFAIL . 127.0.0.2\n}',
    },
  },
  parse,
  start,
})

async function start(rules: readonly AlternateOptions[], context: PluginContext): Promise<Running> {
  const opened = await Promise.allSettled(
    rules.map(async (rule) => ({ rule, forwarder: await startForwarder('alternate', rule, context) })),
  )
  const alternates = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const stop = () => {
    for (const { forwarder } of alternates) forwarder.close()
  }
  const failed = opened.find((each) => each.status === 'rejected')
  if (failed) {
    stop()
    throw failed.reason
  }
  return {
    handler: function alternate(query, next) {
      return whenReply(next(query), (reply) => {
        if (reply.kind === 'drop') return reply
        const found = alternates.find(({ rule }) => rule.rcodes.has(reply.rcode) && isBelow(query.key, rule.from))
        return found ? found.forwarder.forward(found.rule.original ? asSent(query) : query, next) : reply
      })
    },
    stop,
  }
}

/** The query with the flags and the EDNS that the client sent, where plugins before this one changed them. */
function asSent(query: Query): Query {
  const { origin } = query
  if (origin === query) return query
  const { flags, udpSize, ednsFlags, options } = origin
  return query.with({ flags, edns: origin.edns ? { udpSize, flags: ednsFlags, options } : null })
}
