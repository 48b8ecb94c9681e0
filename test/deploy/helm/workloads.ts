/** The pods within rendered objects, with as much of their fields as tests look at. */
import type { Resource } from './chart.ts'

export interface Container {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[]
  ports?: { name: string; containerPort: number; protocol: string }[]
  resources?: { requests?: Record<string, unknown>; limits?: Record<string, unknown> }
  securityContext: {
    privileged?: boolean
    allowPrivilegeEscalation: boolean
    readOnlyRootFilesystem: boolean
    runAsUser?: number
    capabilities: { drop: string[]; add?: string[] }
  }
  startupProbe?: Probe
  readinessProbe?: Probe
  livenessProbe?: Probe
  lifecycle?: object
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[]
}

export interface Probe {
  httpGet?: { host?: string; port: number | string; path: string }
  exec?: { command: string[] }
}

interface ConfigMapSource {
  name: string
  optional?: boolean
  items?: { key: string; path: string }[]
}

export interface Volume {
  name: string
  configMap?: ConfigMapSource
  projected?: { sources: { configMap: ConfigMapSource }[] }
  emptyDir?: object
  hostPath?: { path: string; type: string }
}

export interface PodSpec {
  hostNetwork?: boolean
  dnsPolicy?: string
  serviceAccountName?: string
  automountServiceAccountToken?: boolean
  priorityClassName?: string
  securityContext: {
    runAsNonRoot?: boolean
    runAsUser?: number
    seccompProfile?: { type: string }
    sysctls?: { name: string; value: string }[]
  }
  initContainers?: Container[]
  containers: Container[]
  volumes?: Volume[]
}

/** What makes pods, and what they are like. */
export interface Workload {
  resource: Resource
  /** `spec.selector.matchLabels`, of what has a selector. */
  selector: Record<string, string> | undefined
  labels: Record<string, string>
  pod: PodSpec
}

interface Spec {
  selector?: { matchLabels: Record<string, string> }
  template: { metadata?: { labels?: Record<string, string> }; spec: PodSpec }
}

/** All of the objects that make pods, or are one. */
export function listWorkloads(resources: readonly Resource[]): Workload[] {
  return resources.flatMap((resource): Workload[] => {
    if (resource.kind === 'Pod') {
      return [
        { resource, selector: undefined, labels: resource.metadata.labels ?? {}, pod: resource['spec'] as PodSpec },
      ]
    }
    if (!['DaemonSet', 'Deployment', 'Job'].includes(resource.kind)) return []
    const { selector, template } = resource['spec'] as Spec
    return [{ resource, selector: selector?.matchLabels, labels: template.metadata?.labels ?? {}, pod: template.spec }]
  })
}

/** That which serves. */
export function findServer(resources: readonly Resource[]): Workload {
  return listWorkloads(resources).find(
    ({ resource }) => resource.kind === 'DaemonSet' || resource.kind === 'Deployment',
  )!
}

/** ConfigMaps that a volume is made from. */
export function listConfigMaps({ configMap, projected }: Volume): ConfigMapSource[] {
  return configMap ? [configMap] : (projected?.sources.map((source) => source.configMap) ?? [])
}
