/** What a container of a rendered pod finds: its files and its environment, as the kubelet would give them. */
import type { Resource } from './chart.ts'
import { type Container, listConfigMaps, type PodSpec } from './workloads.ts'

/** Where the pod is, by the paths of the downward API. */
export const FIELDS: Readonly<Record<string, string>> = {
  'status.hostIP': '192.0.2.10',
  'status.podIP': '10.1.0.2',
  'status.podIPs': '10.1.0.2,fd00:1::2',
}

/**
 * Variables of the container, with the host of each Service as the kubelet names it.
 * @param services addresses by name; those of the chart have one that leads nowhere when left out
 */
export function listVariables(
  { env = [] }: Container,
  resources: readonly Resource[],
  services: Readonly<Record<string, string>>,
): Record<string, string> {
  const variables: Record<string, string> = {}
  const own = resources.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name)
  for (const name of [...own, ...Object.keys(services)]) {
    variables[`${name.toUpperCase().replaceAll('-', '_')}_SERVICE_HOST`] = services[name] ?? '10.96.0.99'
  }
  for (const { name, value, valueFrom } of env)
    variables[name] = expand(value ?? FIELDS[valueFrom!.fieldRef.fieldPath]!, variables)
  return variables
}

/** `$(NAME)` becomes the variable; what is none stays. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\((\w+)\)/g, (whole, name) => variables[name] ?? whole)
}

/**
 * Files of ConfigMaps by their paths in the container.
 * @param others keys of ConfigMaps that are not the chart's, by name
 */
export function listFiles(
  pod: PodSpec,
  container: Container,
  resources: readonly Resource[],
  others: Readonly<Record<string, Record<string, string>>> = {},
): Map<string, string> {
  const configMaps = new Map(
    resources.map((each) => [`${each.kind} ${each.metadata.name}`, each['data'] as Record<string, string>]),
  )
  const files = new Map<string, string>()
  for (const volume of pod.volumes ?? []) {
    const content = new Map<string, string>()
    for (const { name, items } of listConfigMaps(volume)) {
      const data = configMaps.get(`ConfigMap ${name}`) ?? others[name] ?? {}
      for (const { key, path } of items ?? Object.keys(data).map((each) => ({ key: each, path: each }))) {
        if (data[key] !== undefined) content.set(path, data[key])
      }
    }
    for (const { mountPath, subPath } of (container.volumeMounts ?? []).filter(({ name }) => name === volume.name)) {
      if (subPath === undefined) for (const [path, text] of content) files.set(`${mountPath}/${path}`, text)
      else if (content.has(subPath)) files.set(mountPath, content.get(subPath)!)
    }
  }
  return files
}
