import { definePlugin, isBelow, keyOf, type PluginContext, type Running, ZoneList } from 'corelet/plugin'
import { upstreamCodes } from '../../src/forwarding/codes.ts'
import { createForwarder } from '../../src/forwarding/forwarder.ts'
import { createMetrics } from '../../src/forwarding/metrics.ts'
import { openUpstreams } from '../../src/forwarding/upstreams.ts'
import { createOldMetrics } from './metrics.ts'
import { type ForwardOptions, grammar, parse } from './options.ts'

/** Sends queries to other servers. */
export default definePlugin({
  name: 'forward',
  summary: 'asks upstream resolvers over UDP, TCP, TLS or HTTPS',
  repeat: 'each',
  directive: grammar,
  errors: upstreamCodes('forward', 'forward .'),
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
  const metrics = createMetrics(context.metrics, 'forward', createOldMetrics(context.metrics))
  const upstreams = await openUpstreams(options, metrics, context)
  const forwarder = createForwarder('forward', options, { clock: context.clock, metrics, upstreams })

  const fromKey = keyOf(from)
  const except = new ZoneList(options.except)
  return {
    handler: function forward(query, next) {
      const { key } = query
      if (!isBelow(key, fromKey) || (key !== fromKey && except.has(key))) return next(query)
      return forwarder.forward(query, next)
    },
    stop() {
      forwarder.close()
      upstreams.close()
    },
  }
}
