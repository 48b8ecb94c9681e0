/** What is known of a cluster, and the ways to find it. */
import { isDeepStrictEqual } from 'node:util'
import { Collection } from './collection.ts'
import { MultiMap } from './multi-map.ts'
import type { EndpointSlice, Pod, Service } from './objects.ts'

export class Cluster {
  /** By `NAMESPACE/NAME`. */
  readonly services: Collection<Service>
  readonly slices: Collection<EndpointSlice>
  readonly pods: Collection<Pod>
  readonly namespaces: Collection<string>
  readonly #servicesAt = new MultiMap<Service>()
  readonly #slicesOf = new MultiMap<EndpointSlice>()
  readonly #slicesAt = new MultiMap<EndpointSlice>()
  readonly #podsAt = new MultiMap<Pod>()
  readonly #now: () => number
  #changed: number

  /** @param now milliseconds since 1970 @param arrived is told of each slice that comes, changes or goes */
  constructor(now: () => number, arrived: (slice: EndpointSlice) => void) {
    this.#now = now
    this.#changed = now()
    this.services = new Collection((before, after) => {
      for (const address of before?.clusterAddresses ?? []) this.#servicesAt.remove(address, before!)
      for (const address of after?.clusterAddresses ?? []) this.#servicesAt.add(address, after!)
      if (!isDeepStrictEqual(before, after)) this.#touch()
    })
    this.slices = new Collection((before, after) => {
      if (before) {
        this.#slicesOf.remove(`${before.namespace}/${before.service}`, before)
        for (const address of addressesOf(before)) this.#slicesAt.remove(address, before)
      }
      if (after) {
        this.#slicesOf.add(`${after.namespace}/${after.service}`, after)
        for (const address of addressesOf(after)) this.#slicesAt.add(address, after)
      }
      if (!isDeepStrictEqual(withoutTime(before), withoutTime(after))) this.#touch()
      arrived((after ?? before)!)
    })
    this.pods = new Collection((before, after) => {
      if (before) this.#podsAt.remove(before.address, before)
      if (after) this.#podsAt.add(after.address, after)
      if (before?.address !== after?.address) this.#touch()
    })
    this.namespaces = new Collection(() => {})
  }

  /** Seconds since 1970 at which an answer last changed: the serial of SOA records. */
  get serial(): number {
    return Math.floor(this.#changed / 1000)
  }

  hasNamespace(name: string): boolean {
    return this.namespaces.get(`/${name}`) !== undefined
  }

  service(namespace: string, name: string): Service | undefined {
    return this.services.get(`${namespace}/${name}`)
  }

  /** Services that have a cluster address. */
  servicesAt(address: string): readonly Service[] {
    return this.#servicesAt.get(address)
  }

  slicesOf(namespace: string, service: string): readonly EndpointSlice[] {
    return this.#slicesOf.get(`${namespace}/${service}`)
  }

  /** Slices that have an endpoint with the address. */
  slicesAt(address: string): readonly EndpointSlice[] {
    return this.#slicesAt.get(address)
  }

  podsAt(address: string): readonly Pod[] {
    return this.#podsAt.get(address)
  }

  #touch(): void {
    this.#changed = this.#now()
  }
}

function addressesOf({ endpoints }: EndpointSlice): Set<string> {
  return new Set(endpoints.map(({ address }) => address))
}

function withoutTime(slice: EndpointSlice | undefined): unknown {
  return slice && { ...slice, triggered: undefined }
}
