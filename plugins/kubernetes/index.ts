import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { definePlugin, type Handler, type PluginContext, RCODES, type Reply, TYPES } from 'corelet/plugin'
import { type ApiServer, atEndpoint, inCluster } from '../../src/kubernetes/api-server.ts'
import { fromKubeconfig } from '../../src/kubernetes/kubeconfig.ts'
import { type AnswerParts, answer, type Found, toAsked, toDenial, toReply } from './answer.ts'
import { errors } from './codes.ts'
import { Directory } from './directory.ts'
import { publishMetadata } from './metadata.ts'
import { directive, type KubernetesOptions, parse } from './options.ts'
import { Watcher } from './watcher.ts'

/** Answers for the services, endpoints and pods of a Kubernetes cluster. */
export default definePlugin({
  name: 'kubernetes',
  summary: 'answers for the services, endpoints and pods of a Kubernetes cluster',
  directive,
  errors,
  parse,
  async start(options, context) {
    const { api, naming, zones } = options
    const server = await findServer(options, context)
    const fingerprint = JSON.stringify(api)
    const watch = () => context.carry(fingerprint, () => new Watcher(server, api, context))
    const watcher = context.share(`kubernetes ${fingerprint}`, watch)
    await watcher.ready(options.startupTimeout)
    const { cluster } = watcher
    const directory = new Directory(cluster, naming)
    return {
      handler: createHandler(options, watcher, directory, context),
      metadata: publishMetadata(zones, directory, cluster, naming.zonal),
      ready: () => watcher.synced,
    }
  },
})

/** @throws (rejects) Error that says why no API server can be asked */
async function findServer({ api }: KubernetesOptions, { clock }: PluginContext): Promise<ApiServer> {
  if (api.kubeconfig) return fromKubeconfig(api.kubeconfig.file, api.kubeconfig.context, () => clock.wall())
  return api.endpoint === undefined ? inCluster() : atEndpoint(api.endpoint, api.tls)
}

function createHandler(
  { zones, primaryZone, ttl, fallthrough }: KubernetesOptions,
  watcher: Watcher,
  directory: Directory,
  context: PluginContext,
): Handler {
  const ownAddresses = () => addressesOf(context.block.settings.bind)
  const parts: AnswerParts = { directory, cluster: watcher.cluster, primaryZone, ttl, ownAddresses, context }
  return function kubernetes(query, next) {
    const asked = toAsked(query, zones)
    if (!asked) return next(query)
    if (query.qtype === TYPES.AXFR || query.qtype === TYPES.IXFR) {
      return query.fail(RCODES.REFUSED, 'kubernetes', undefined, 'zone transfer')
    }
    const finish = (result: 'missing' | Found): Reply | Promise<Reply> => {
      if (result !== 'missing') {
        const isEmpty = result.answers.length === 0
        return isEmpty ? toDenial(asked, parts, RCODES.NOERROR, 'name without this type') : toReply(asked, result)
      }
      if (fallthrough?.has(query.key)) return next(query)
      return watcher.synced
        ? toDenial(asked, parts, RCODES.NXDOMAIN, 'no such name')
        : toDenial(asked, parts, RCODES.SERVFAIL, 'not synced')
    }
    const result = answer(asked, parts)
    return result instanceof Promise ? result.then(finish) : finish(result)
  }
}

/** The addresses that this server is asked at, as far as they are the machine's to others. */
function addressesOf(bound: readonly string[] | undefined): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses)
  const outward = all.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address)
  const named = bound?.filter((address) => isIP(address) !== 0 && !isUnspecified(address)) ?? []
  return named.length > 0 ? outward.filter((address) => named.includes(address)) : outward
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
