import { BlockList, isIP } from 'node:net'
import type { Listener, PluginContext } from '../plugin/index.ts'
import { loadCertificates } from '../upstream/certificates.ts'
import { showTarget, type Target } from '../upstream/target.ts'
import { Upstream } from '../upstream/upstream.ts'
import type { ForwardingMetrics, UpstreamMetrics } from './metrics.ts'
import type { ConnectionOptions } from './options.ts'
import { resolveDestinations } from './resolve.ts'

/** The upstreams of one directive, at work. */
export interface Upstreams {
  readonly list: readonly Upstream[]
  /** Counts an answer. */
  answered(upstream: Upstream, rcode: number, seconds: number): void
  close(): void
}

/** Resolves the destinations, loads certificates, and opens an upstream for each server. @throws (rejects) Error with the text to show */
export async function openUpstreams(
  options: ConnectionOptions,
  metrics: ForwardingMetrics,
  { clock, block, log }: PluginContext,
): Promise<Upstreams> {
  const { tlsServerName } = options
  const targets = await resolveDestinations(options.destinations, {
    resolvers: options.resolvers,
    isOwn: ownTargets(block.listeners),
    warn: (text) => log.warning(text),
  })
  const usesTls = targets.some(({ transport }) => transport === 'tls' || transport === 'https')
  const secure = options.tls || usesTls ? await loadCertificates(options.tls ?? {}, block.settings.root) : undefined
  const counters = new Map<Upstream, UpstreamMetrics>()
  for (const target of targets) {
    const named = target.transport !== 'dns' && tlsServerName ? { ...target, serverName: tlsServerName } : target
    const events = metrics.forUpstream(showTarget(target))
    const upstream = new Upstream({ ...options, target: named, clock, secure, maxIdle: options.maxIdleConns, events })
    counters.set(upstream, events)
  }
  const list = [...counters.keys()]
  return {
    list,
    answered: (upstream, rcode, seconds) => counters.get(upstream)!.answered(rcode, seconds),
    close() {
      for (const upstream of list) upstream.close()
    },
  }
}

/** Tells the addresses that a block listens at. One that listens at all addresses names none: any may be another server's. */
function ownTargets(listeners: readonly Listener[]): (target: Target) => boolean {
  const plain = listeners.filter(({ transport, address }) => transport === 'dns' && isIP(address) > 0)
  const lists = plain.map(({ address, port }) => {
    const list = new BlockList()
    list.addAddress(address, familyOf(address))
    return { list, port }
  })
  return ({ address, port }) => lists.some((own) => own.port === port && own.list.check(address, familyOf(address)))
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
