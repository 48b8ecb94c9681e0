/** Who is behind a name of the cluster, and which names an address has. */
import { isIP } from 'node:net'
import type { Cluster } from './cluster.ts'
import { type AskedName, addressOfPodName, readName } from './name.ts'
import { type Endpoint, type Port, type Service, toAddress } from './objects.ts'

/** One place where a service is. */
export interface Place {
  /** An address; the name of another place for services of type ExternalName. */
  host: string
  /** -1 where no port is declared. */
  port: number
  /** Its own name, in text. */
  name: string
}

/** Whether a place is only another name. */
export function isName({ host }: Place): boolean {
  return host.endsWith('.')
}

/** Which names are answered, and how. */
export interface NamingOptions {
  /** Only these namespaces; all when empty. */
  namespaces: ReadonlySet<string>
  pods: 'disabled' | 'insecure' | 'verified'
  /** Endpoints without a hostname are called like their pods. */
  endpointPodNames: boolean
  /** Names may ask for endpoints in a zone. */
  zonal: boolean
  /** Services without a ready endpoint do not exist. */
  ignoreEmpty: boolean
}

type ServiceName = AskedName & { part: 'svc' }

/** An endpoint, and a port of the slice that it is in. */
interface Offer {
  endpoint: Endpoint
  port: Port
}

export class Directory {
  readonly #cluster: Cluster
  readonly #options: NamingOptions

  constructor(cluster: Cluster, options: NamingOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Whether names of a namespace are answered. */
  exposes(namespace: string): boolean {
    return this.#isWanted(namespace) && this.#cluster.hasNamespace(namespace)
  }

  /**
   * The places behind a name; none when it exists without any, undefined when it does not exist.
   * @param labels in front of the zone @param zone that the name is in, as text
   */
  find(labels: readonly string[], zone: string): readonly Place[] | undefined {
    if (labels.length === 0) return []
    const asked = readName(labels, this.#options.zonal)
    if (!asked) return undefined
    if (asked.namespace === '') return []
    if (!this.exposes(asked.namespace)) return undefined
    if (asked.part === 'pod') return this.#findPod(asked.namespace, asked.pod)
    return asked.service === '' ? [] : this.#findService(asked, zone)
  }

  /** The names of an address: that of its service, else those of the endpoints that have it. */
  findNames(address: string, zone: string): string[] {
    const service = this.#cluster.servicesAt(address).find(({ namespace }) => this.#isWanted(namespace))
    if (service) return [nameOf(service, zone)]
    const names = new Set<string>()
    for (const { namespace, service, endpoints } of this.#cluster.slicesAt(address)) {
      if (!this.#isWanted(namespace)) continue
      const base = nameOf({ namespace, name: service }, zone)
      for (const endpoint of endpoints) {
        if (endpoint.address === address) names.add(`${this.#nameEndpoint(endpoint)}.${base}`)
      }
    }
    return [...names]
  }

  /** Names and addresses of the services that these addresses of our own are endpoints of: the DNS service of the cluster. */
  findOwn(addresses: readonly string[], zone: string): Place[] {
    const own = new Map<string, Service>()
    for (const { namespace, service } of addresses.flatMap((address) => this.#cluster.slicesAt(address))) {
      const found = this.#cluster.service(namespace, service)
      if (found) own.set(`${namespace}/${service}`, found)
    }
    return [...own.values()].flatMap((service) => {
      const base = nameOf(service, zone)
      if (!service.isHeadless) return service.clusterAddresses.map((host) => ({ host, port: 0, name: base }))
      const endpoints = this.#cluster.slicesOf(service.namespace, service.name).flatMap((slice) => slice.endpoints)
      return endpoints.map((endpoint) => {
        return { host: endpoint.address, port: 0, name: `${this.#nameEndpoint(endpoint)}.${base}` }
      })
    })
  }

  /** What a plugin that logs wants to know of a name. */
  describe(labels: readonly string[]): AskedName | undefined {
    return readName(labels, this.#options.zonal)
  }

  #isWanted(namespace: string): boolean {
    const { namespaces } = this.#options
    return namespaces.size === 0 || namespaces.has(namespace)
  }

  #findPod(namespace: string, name: string): readonly Place[] | undefined {
    const { pods } = this.#options
    if (pods === 'disabled') return undefined
    if (name === '') return []
    const host = addressOfPodName(name)
    const exists =
      pods === 'insecure' ? isIP(host) !== 0 : this.#cluster.podsAt(host).some((pod) => pod.namespace === namespace)
    return exists ? [{ host: toAddress(host), port: 0, name: '' }] : undefined
  }

  #findService(asked: ServiceName, zone: string): readonly Place[] | undefined {
    const service = this.#cluster.service(asked.namespace, asked.service)
    if (!service) return undefined
    const { externalName, isHeadless } = service
    const base = nameOf(service, zone)
    if (externalName !== '') {
      const isPlain = asked.endpoint === '' && asked.port === '' && asked.protocol === '' && !asked.zonal
      if (!isPlain || isIP(externalName) !== 0) return undefined
      return [{ host: externalName.endsWith('.') ? externalName : `${externalName}.`, port: 0, name: base }]
    }
    if (this.#options.ignoreEmpty && !isHeadless && !this.#hasEndpoints(service)) return undefined
    if (asked.zonal && !isHeadless) return undefined
    if (isHeadless || asked.endpoint !== '') return this.#findEndpoints(asked, base)
    const places = service.ports
      .filter((port) => isAskedFor(port, asked))
      .flatMap(({ number }) => service.clusterAddresses.map((host) => ({ host, port: number, name: base })))
    return places.length > 0 ? places : undefined
  }

  #findEndpoints(asked: ServiceName, base: string): readonly Place[] | undefined {
    const offers: Offer[] = []
    for (const slice of this.#cluster.slicesOf(asked.namespace, asked.service)) {
      for (const endpoint of slice.endpoints) {
        if (asked.endpoint !== '' && this.#nameEndpoint(endpoint) !== asked.endpoint) continue
        for (const port of slice.ports) if (isAskedFor(port, asked)) offers.push({ endpoint, port })
      }
    }
    const chosen = chooseZone(offers, asked)
    if (chosen.length === 0 && !asked.zonal) return undefined
    return chosen.map(({ endpoint, port }) => {
      return { host: endpoint.address, port: port.number, name: `${this.#nameEndpoint(endpoint)}.${base}` }
    })
  }

  #hasEndpoints({ namespace, name }: Service): boolean {
    return this.#cluster.slicesOf(namespace, name).some(({ endpoints }) => endpoints.length > 0)
  }

  /** The label that an endpoint is called by. */
  #nameEndpoint({ hostname, pod, address }: Endpoint): string {
    if (hostname !== '') return hostname
    if (this.#options.endpointPodNames && pod !== '') return pod
    const label = address.replaceAll(/[.:]/g, '-')
    return address.endsWith(':') ? `${label}0` : label
  }
}

function nameOf({ namespace, name }: { namespace: string; name: string }, zone: string): string {
  return `${name}.${namespace}.svc.${zone === '.' ? '' : zone}`
}

function isAskedFor(port: Port, { port: name, protocol }: ServiceName): boolean {
  return (name === '' || name === port.name) && (protocol === '' || protocol === port.protocol)
}

function chooseZone(offers: readonly Offer[], { zonal }: ServiceName): readonly Offer[] {
  if (!zonal) return offers
  const near = offers.filter(({ endpoint }) => endpoint.zone === zonal.zone)
  return near.length > 0 || zonal.mode === 'pin' ? near : offers
}
