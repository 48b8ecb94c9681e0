import { definePlugin, isBelow, keyOf, type PluginContext, type Running, ZoneList } from 'corelet/plugin'
import { createPolicy } from '../../src/upstream/policy.ts'
import { showTarget } from '../../src/upstream/target.ts'
import { Upstream } from '../../src/upstream/upstream.ts'
import { loadCertificates } from './certificates.ts'
import { codes } from './codes.ts'
import { createForwarder } from './forwarder.ts'
import { createMetrics, type UpstreamMetrics } from './metrics.ts'
import { type ForwardOptions, grammar, parse } from './options.ts'
import { resolveDestinations } from './resolve.ts'

/** Sends queries to other servers. */
export default definePlugin({
  name: 'forward',
  summary: 'asks upstream resolvers over UDP, TCP or TLS',
  repeat: 'each',
  directive: grammar,
  errors: codes,
  parse,
  configure(_options, settings) {
    settings.anyClass = true
  },
  start,
})

async function start(options: ForwardOptions, context: PluginContext): Promise<Running> {
  const { clock, block, log } = context
  const { from, tlsServerName } = options
  if (options.fromMany) log.warning(`Unsupported CIDR notation: only the first of its zones is forwarded: ${from}`)
  const targets = await resolveDestinations(options.destinations, options.resolvers)
  const usesTls = targets.some(({ transport }) => transport === 'tls')
  const secure = options.tls || usesTls ? await loadCertificates(options.tls ?? {}, block.settings.root) : undefined

  const metrics = createMetrics(context.metrics)
  const counters = new Map<Upstream, UpstreamMetrics>()
  for (const target of targets) {
    const named = target.transport === 'tls' && tlsServerName ? { ...target, serverName: tlsServerName } : target
    const events = metrics.forUpstream(showTarget(target))
    const upstream = new Upstream({ ...options, target: named, clock, secure, maxIdle: options.maxIdleConns, events })
    counters.set(upstream, events)
  }
  const upstreams = [...counters.keys()]
  const forwarder = createForwarder(options, {
    clock,
    metrics,
    upstreams,
    policy: createPolicy(options.policy),
    answered: (upstream, rcode, seconds) => counters.get(upstream)!.answered(rcode, seconds),
  })

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
      for (const upstream of upstreams) upstream.close()
    },
  }
}
