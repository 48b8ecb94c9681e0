import type { Query, ZoneList } from 'corelet/plugin'
import { toAsked } from './answer.ts'
import type { Cluster } from './cluster.ts'
import type { Directory } from './directory.ts'

/** Publishes what a name asks for, and which pod asks where pods are known. */
export function publishMetadata(zones: ZoneList, directory: Directory, cluster: Cluster, zonal: boolean) {
  return (query: Query): void => {
    const set = (name: string, value: string) => query.setMetadata(`kubernetes/${name}`, () => value)
    const [pod] = cluster.podsAt(query.client.address)
    if (pod) {
      set('client-namespace', pod.namespace)
      set('client-pod-name', pod.name)
      for (const [label, value] of Object.entries(pod.labels)) set(`client-label/${label}`, value)
    }
    const asked = toAsked(query, zones)
    if (!asked || asked.labels.length === 0) return
    const name = directory.describe(asked.labels)
    if (!name) {
      set('parse-error', 'invalid query name')
      return
    }
    set('kind', name.part)
    set('namespace', name.namespace)
    if (name.part === 'pod') return
    set('service', name.service)
    set('endpoint', name.endpoint)
    set('port-name', name.port)
    set('protocol', name.protocol)
    if (zonal) set('zone', name.zonal?.zone ?? '')
  }
}
