/**
 * What is kept of Kubernetes' objects: they are large, and only this much of them is ever asked for. Texts that are compared are lower-case
 * already. Nothing is sure about the shape of what comes in: what is missing or of another type is left out.
 */
import { isIP } from 'node:net'
import { addressToOctets, octetsToAddress } from 'corelet/plugin'
import { type Fields, toFields } from '../../src/kubernetes/fields.ts'

/** A port that has a number; {@link NO_PORT} stands for none. */
export interface Port {
  name: string
  /** `tcp`, `udp`, `sctp`. */
  protocol: string
  /** -1 where none is declared. */
  number: number
}

export interface Service {
  namespace: string
  name: string
  /** Where a service of type ExternalName leads to; empty for others. */
  externalName: string
  isHeadless: boolean
  clusterAddresses: readonly string[]
  ports: readonly Port[]
}

export interface Endpoint {
  address: string
  hostname: string
  /** Name of the pod behind it, empty when that is too long for a label. */
  pod: string
  zone: string
}

export interface EndpointSlice {
  namespace: string
  /** Name of the service that it belongs to. */
  service: string
  endpoints: readonly Endpoint[]
  ports: readonly Port[]
  /** Milliseconds since 1970 at which the change happened that it shows; undefined when nobody says. */
  triggered: number | undefined
}

export interface Pod {
  namespace: string
  name: string
  address: string
  labels: Readonly<Record<string, string>>
}

/** Stands for the ports of who declares none: there are addresses, but no service to look up. */
export const NO_PORT: Port = { name: '', protocol: '', number: -1 }

const ONLY_NO_PORT: readonly Port[] = [NO_PORT]

export function toService(object: unknown): Service | undefined {
  const { namespace, name } = metadataOf(object)
  const spec = toFields(toFields(object).spec)
  if (name === '') return undefined
  const addresses = toList(spec.clusterIPs).map(toText)
  if (addresses.length === 0 && toText(spec.clusterIP) !== '') addresses.push(toText(spec.clusterIP))
  return {
    namespace,
    name,
    externalName: spec.type === 'ExternalName' ? toText(spec.externalName) : '',
    isHeadless: addresses[0] === 'None',
    clusterAddresses: addresses.map(toAddress).filter((address) => address !== ''),
    ports: toPorts(spec.ports),
  }
}

/** @param zonal keeps the zones of endpoints */
export function toEndpointSlice(object: unknown, zonal: boolean): EndpointSlice | undefined {
  const { namespace, labels, annotations } = metadataOf(object)
  const service = toText(labels['kubernetes.io/service-name']).toLowerCase()
  if (service === '') return undefined
  const fields = toFields(object)
  const triggered = Date.parse(toText(annotations['endpoints.kubernetes.io/last-change-trigger-time']))
  return {
    namespace,
    service,
    endpoints: toList(fields.endpoints).flatMap((endpoint) => toEndpoints(toFields(endpoint), zonal)),
    ports: toPorts(fields.ports),
    triggered: Number.isNaN(triggered) ? undefined : triggered,
  }
}

/** One for each address; none of an endpoint that is not ready. */
function toEndpoints(endpoint: Fields, zonal: boolean): Endpoint[] {
  if (toFields(endpoint.conditions).ready === false) return []
  const pod = toText(toFields(endpoint.targetRef).name)
  const rest = {
    hostname: toText(endpoint.hostname).toLowerCase(),
    pod: pod.length < 64 ? pod.toLowerCase() : '',
    zone: zonal ? toText(endpoint.zone).toLowerCase() : '',
  }
  return toList(endpoint.addresses)
    .map((address) => ({ address: toAddress(toText(address)), ...rest }))
    .filter(({ address }) => address !== '')
}

/** One without an address has no name, yet. */
export function toPod(object: unknown): Pod | undefined {
  const { namespace, name, labels } = metadataOf(object)
  const address = toAddress(toText(toFields(toFields(object).status).podIP))
  if (address === '') return undefined
  return { namespace, name, address, labels: labels as Record<string, string> }
}

/** The name of a namespace. */
export function toNamespace(object: unknown): string | undefined {
  return metadataOf(object).name || undefined
}

function toPorts(value: unknown): readonly Port[] {
  const ports = toList(value).map((each) => {
    const { name, protocol, port } = toFields(each)
    return {
      name: toText(name).toLowerCase(),
      protocol: (toText(protocol) || 'TCP').toLowerCase(),
      number: typeof port === 'number' ? port : NO_PORT.number,
    }
  })
  return ports.length > 0 ? ports : ONLY_NO_PORT
}

function metadataOf(object: unknown): { namespace: string; name: string; labels: Fields; annotations: Fields } {
  const { namespace, name, labels, annotations } = toFields(toFields(object).metadata)
  return {
    namespace: toText(namespace).toLowerCase(),
    name: toText(name).toLowerCase(),
    labels: toFields(labels),
    annotations: toFields(annotations),
  }
}

/** An address in the one form that it is written in here; empty when it is none. */
export function toAddress(text: string): string {
  if (isIP(text) === 0) return ''
  const octets = addressToOctets(text)
  return octets ? octetsToAddress(octets, 0, octets.length === 4 ? 4 : 16) : ''
}

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
