import { definePlugin, isBelow, keyOf, type PluginContext, type Running, ZoneList } from 'corelet/plugin'
import { attemptCodes, upstreamCodes } from '../../src/forwarding/codes.ts'
import { startForwarder } from '../../src/forwarding/start.ts'
import { createOldMetrics } from './metrics.ts'
import { type ForwardOptions, grammar, parse } from './options.ts'

/** Sends queries to other servers. */
export default definePlugin({
  name: 'forward',
  summary: 'asks upstream resolvers over UDP, TCP, TLS or HTTPS',
  repeat: 'each',
  directive: grammar,
  errors: { ...upstreamCodes('forward', 'forward .'), ...attemptCodes('forward .') },
  parse,
  configure(_options, settings) {
    settings.anyClass = true
  },
  start,
})

async function start(options: ForwardOptions, context: PluginContext): Promise<Running> {
  const { from } = options
  if (options.fromMany) {
    context.log.warning(`Unsupported CIDR notation: only the first of its zones is forwarded: ${from}`)
  }
  const forwarder = await startForwarder('forward', options, context, createOldMetrics(context.metrics))

  const fromKey = keyOf(from)
  const except = new ZoneList(options.except)
  const takesAll = from === '.' && except.size === 0
  const takes = (key: string) => isBelow(key, fromKey) && (key === fromKey || !except.has(key))
  return {
    handler: function forward(query, next) {
      return takesAll || takes(query.key) ? forwarder.forward(query, next) : next(query)
    },
    stop: forwarder.close,
  }
}
