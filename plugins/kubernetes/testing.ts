/** Objects of a cluster for tests, and the server that has them. */
import { startServer, type TestServer } from 'corelet/plugin/testing'
import { type ApiObject, FakeApi } from '../../src/kubernetes/testing.ts'

export const SERVICES = '/api/v1/services'
export const NAMESPACES = '/api/v1/namespaces'
export const PODS = '/api/v1/pods'
export const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'

export interface PortSpec {
  name?: string
  protocol?: string
  port?: number
}

export function namespace(name: string): ApiObject {
  return { metadata: { name } }
}

export function service(namespace: string, name: string, spec: Record<string, unknown>): ApiObject {
  return { metadata: { namespace, name }, spec }
}

/** A slice of endpoints; addresses alone, or endpoints as the API has them. */
export function slice(
  namespace: string,
  service: string,
  endpoints: readonly (string | Record<string, unknown>)[],
  ports: readonly PortSpec[] = [],
  more: { name?: string; annotations?: Record<string, string> } = {},
): ApiObject {
  const { name = `${service}-1`, annotations = {} } = more
  return {
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': service }, annotations },
    addressType: 'IPv4',
    endpoints: endpoints.map((endpoint) => (typeof endpoint === 'string' ? { addresses: [endpoint] } : endpoint)),
    ports,
  }
}

export function pod(namespace: string, name: string, address: string, labels: Record<string, string> = {}): ApiObject {
  return { metadata: { namespace, name, labels }, status: { podIP: address, phase: 'Running' } }
}

/** A small cluster with a service of each kind. */
export async function startApi(): Promise<FakeApi> {
  const api = await FakeApi.start()
  const http = { name: 'http', protocol: 'TCP', port: 80 }
  api.put(NAMESPACES, namespace('testns'), namespace('other'), namespace('kube-system'))
  api.put(
    SERVICES,
    service('testns', 'svc1', { type: 'ClusterIP', clusterIPs: ['10.0.0.1'], ports: [http] }),
    service('testns', 'dual', { clusterIPs: ['10.0.0.3', '1234:abcd::3'], ports: [http] }),
    service('testns', 'portless', { clusterIP: 'None', clusterIPs: ['None'] }),
    service('testns', 'hdls1', { clusterIPs: ['None'], ports: [http] }),
    service('testns', 'empty', { clusterIPs: ['10.0.0.4'], ports: [http] }),
    service('testns', 'hdlsempty', { clusterIPs: ['None'], ports: [http] }),
    service('testns', 'external', { type: 'ExternalName', externalName: 'ext.interwebs.test', ports: [http] }),
    service('testns', 'inner', { type: 'ExternalName', externalName: 'svc1.testns.svc.cluster.local' }),
    service('testns', 'dangling', { type: 'ExternalName', externalName: 'none.testns.svc.cluster.local' }),
    service('testns', 'round', { type: 'ExternalName', externalName: 'about.testns.svc.cluster.local' }),
    service('testns', 'about', { type: 'ExternalName', externalName: 'round.testns.svc.cluster.local' }),
    service('testns', 'literal', { type: 'ExternalName', externalName: '192.0.2.9' }),
    service('gone', 'svc1', { clusterIPs: ['10.0.0.9'], ports: [http] }),
    service('other', 'two', {
      clusterIPs: ['10.0.1.2'],
      ports: [http, { name: 'dns', protocol: 'UDP', port: 53 }],
    }),
  )
  api.put(
    SLICES,
    slice('testns', 'svc1', [{ addresses: ['172.0.0.1'], hostname: 'ep1a' }], [http]),
    slice('testns', 'dual', ['172.0.0.9'], [http]),
    slice('testns', 'portless', ['172.0.0.20']),
    slice(
      'testns',
      'hdls1',
      [
        { addresses: ['172.0.0.2'], zone: 'Zone-A', targetRef: { name: 'pod-2' } },
        { addresses: ['172.0.0.3'], zone: 'zone-b', conditions: { ready: true } },
        { addresses: ['172.0.0.4'], conditions: { ready: false } },
        { addresses: ['172.0.0.5'], hostname: 'dup' },
        { addresses: ['172.0.0.6'], hostname: 'dup' },
        { addresses: ['5678:abcd::1'] },
      ],
      [http],
    ),
    slice('testns', 'empty', []),
  )
  api.put(PODS, pod('testns', 'client', '127.0.0.1', { app: 'web' }), pod('testns', 'pod-2', '172.0.0.2'))
  return api
}

/** A server for that cluster. @param options lines of the directive @param more other lines of the block */
export async function startCluster(
  api: FakeApi,
  { zones = 'cluster.local in-addr.arpa ip6.arpa', options = '', more = '' } = {},
): Promise<TestServer> {
  return startServer(`.:0 {
    bind 127.0.0.1
    ${more}
    kubernetes ${zones} {
      endpoint ${api.url}
      ${options}
    }
  }
  `)
}
