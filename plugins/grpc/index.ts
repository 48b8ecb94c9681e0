import {
  definePlugin,
  isBelow,
  keyOf,
  type PluginContext,
  type Query,
  RCODES,
  type Reply,
  type Running,
  whenReply,
  ZoneList,
} from 'corelet/plugin'
import { startForwarder } from '../../src/forwarding/start.ts'
import { createGrpcMetrics } from './metrics.ts'
import { codes, type GrpcOptions, grammar, parse } from './options.ts'

/** Sends queries to other servers of CoreDNS's gRPC service. */
export default definePlugin({
  name: 'grpc',
  summary: 'asks upstream servers over gRPC',
  directive: grammar,
  errors: codes,
  parse,
  start,
})

async function start(options: GrpcOptions, context: PluginContext): Promise<Running> {
  const { from, fallthrough } = options
  if (options.fromMany) {
    context.log.warning(`Unsupported CIDR notation: only the first of its zones is forwarded: ${from}`)
  }
  const settings = { ...options, mismatchRcode: RCODES.FORMERR }
  const forwarder = await startForwarder('grpc', settings, context, createGrpcMetrics(context.metrics))
  const fromKey = keyOf(from)
  const except = new ZoneList(options.except)
  const passesOn = (query: Query, { kind, rcode }: Reply) =>
    (rcode === RCODES.NXDOMAIN || (kind === 'failure' && rcode === RCODES.SERVFAIL)) && fallthrough?.has(query.key)
  return {
    handler: function grpc(query, next) {
      const { key } = query
      if (!isBelow(key, fromKey) || (key !== fromKey && except.has(key))) return next(query)
      const reply = forwarder.forward(query, next)
      if (!fallthrough || next.plugin === undefined) return reply
      return whenReply(reply, (each) => (passesOn(query, each) ? next(query) : each))
    },
    stop: forwarder.close,
  }
}
