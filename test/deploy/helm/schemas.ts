/** Kubernetes' own schemas, and those of the custom resources that the chart has. Unlike the API server, they know no field that is not in them. */
import { CiliumLocalRedirectPolicy } from '@kubernetes-models/cilium/cilium.io/v2'
import { PolicyException } from '@kubernetes-models/kyverno/kyverno.io/v2'
import {
  PodMonitor,
  PrometheusRule,
  ServiceMonitor,
} from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { DaemonSet, Deployment } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { Job } from 'kubernetes-models/batch/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1'
import { ConfigMap, Namespace, Pod, Secret, Service, ServiceAccount } from 'kubernetes-models/v1'
import type { Resource } from './chart.ts'

interface Model {
  readonly apiVersion: string
  readonly kind: string
  readonly prototype: { validate(): void }
}

const MODELS = new Map(
  [
    ...[
      ConfigMap,
      Namespace,
      Pod,
      Secret,
      Service,
      ServiceAccount,
      DaemonSet,
      Deployment,
      Job,
      HorizontalPodAutoscaler,
    ],
    ...[NetworkPolicy, PodDisruptionBudget, ClusterRole, ClusterRoleBinding, Role, RoleBinding],
    ...[CiliumLocalRedirectPolicy, PolicyException, PodMonitor, PrometheusRule, ServiceMonitor],
  ].map((model: Model) => [`${model.apiVersion} ${model.kind}`, model]),
)

/** What is wrong with an object by its schema: an empty list when nothing is. */
export function findMistakes(resource: Resource): string[] {
  const { apiVersion, kind } = resource
  const model = MODELS.get(`${apiVersion} ${kind}`)
  if (!model) return [`there is no schema for ${apiVersion} ${kind}`]
  const unread: Unread[] = []
  const mistakes: string[] = []
  try {
    model.prototype.validate.call(watch(resource, '', unread))
  } catch (error) {
    mistakes.push((error as Error).message)
  }
  return [...mistakes, ...unread.flatMap((find) => find()).map((path) => `${path} is not in the schema`)]
}

type Unread = () => string[]

/** A copy that notes which fields are read: one that no schema looks at is one that no schema has. */
function watch(value: unknown, path: string, unread: Unread[]): unknown {
  if (Array.isArray(value)) return value.map((each, index) => watch(each, `${path}/${index}`, unread))
  if (typeof value !== 'object' || value === null) return value
  const read = new Set<string | symbol>()
  const fields = Object.entries(value).map(([key, each]) => [key, watch(each, `${path}/${key}`, unread)] as const)
  unread.push(() => fields.filter(([key]) => !read.has(key)).map(([key]) => `${path}/${key}`))
  return new Proxy(Object.fromEntries(fields), {
    get(target, key: string) {
      read.add(key)
      return target[key]
    },
  })
}
