/** Follows a cluster. Kept over reloads that ask for the same. */
import project from 'corelet/package.json' with { type: 'json' }
import type { Carried, Clock, PluginContext } from 'corelet/plugin'
import { ApiClient } from '../../src/kubernetes/api-client.ts'
import type { ApiServer } from '../../src/kubernetes/api-server.ts'
import { Reflector, type ReflectorParts, type Resource } from '../../src/kubernetes/reflector.ts'
import { Cluster } from './cluster.ts'
import { toEndpointSlice, toNamespace, toPod, toService } from './objects.ts'
import type { ApiOptions } from './options.ts'
import { observeProgramming } from './programming.ts'

/** A kind of objects that is kept up with. */
type Followed = Pick<Reflector<never>, 'synced' | 'run' | 'stop'>

/** Milliseconds between two looks whether all is there, and between two lines that say that it is not. */
const LOOK = 100
const REMIND = 500

export class Watcher implements Carried {
  readonly cluster: Cluster
  readonly #client: ApiClient
  readonly #clock: Clock
  readonly #log: PluginContext['log']
  readonly #reflectors: readonly Followed[]

  constructor(server: ApiServer, options: ApiOptions, { clock, log, metrics }: PluginContext) {
    const { platform, arch, version } = process
    const userAgent = `corelet/${project.version} (${platform}/${arch}/node ${version})`
    this.#clock = clock
    this.#log = log
    this.#client = new ApiClient(server, { clock, metrics, limits: options.limits, userAgent })
    const now = () => clock.wall()
    this.cluster = new Cluster(
      now,
      observeProgramming(metrics, now, (...name) => this.cluster.service(...name)),
    )
    this.#reflectors = follow(this.cluster, options, { client: this.#client, clock, log })
    for (const reflector of this.#reflectors) void reflector.run()
  }

  /** Whether everything that is followed was listed once. */
  get synced(): boolean {
    return this.#reflectors.every(({ synced }) => synced)
  }

  /** Waits until it is synced, so long at most. */
  async ready(milliseconds: number): Promise<void> {
    const end = this.#clock.monotonic() + milliseconds
    let reminded = this.#clock.monotonic()
    while (!this.synced) {
      const now = this.#clock.monotonic()
      if (now >= end) return this.#log.warning('starting server with unsynced Kubernetes API')
      if (now - reminded >= REMIND) {
        reminded = now
        this.#log.info('waiting for Kubernetes API before starting server')
      }
      await new Promise<void>((resolve) => this.#clock.timeout(LOOK, resolve))
    }
  }

  release(): void {
    for (const reflector of this.#reflectors) reflector.stop()
    this.#client.close()
  }
}

/** What is followed, as far as the options need it. */
function follow(cluster: Cluster, options: ApiOptions, parts: ReflectorParts): Followed[] {
  const { labels, namespaceLabels, followsEndpoints, followsPods, zonal } = options
  const all: Followed[] = []
  const add = <T>(resource: Resource<T>) => all.push(new Reflector(resource, parts))
  add({
    name: 'services',
    path: '/api/v1/services',
    labelSelector: labels,
    convert: toService,
    sink: cluster.services,
  })
  add({
    name: 'namespaces',
    path: '/api/v1/namespaces',
    labelSelector: namespaceLabels,
    convert: toNamespace,
    sink: cluster.namespaces,
  })
  if (followsEndpoints) {
    add({
      name: 'endpointslices',
      path: '/apis/discovery.k8s.io/v1/endpointslices',
      labelSelector: labels,
      convert: (object) => toEndpointSlice(object, zonal),
      sink: cluster.slices,
    })
  }
  if (followsPods) {
    add({
      name: 'pods',
      path: '/api/v1/pods',
      labelSelector: labels,
      fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown',
      convert: toPod,
      sink: cluster.pods,
    })
  }
  return all
}
