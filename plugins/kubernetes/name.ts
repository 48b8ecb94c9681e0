/** The names below a zone of a cluster: Kubernetes' specification of DNS-based service discovery, 1.1.0. */

/** Endpoints in a zone of the cluster only, or before others. */
export interface Zonal {
  mode: 'pin' | 'prefer'
  zone: string
}

/** What a name asks for. Labels that it does not have are empty. */
export type AskedName =
  | {
      part: 'svc'
      namespace: string
      service: string
      endpoint: string
      port: string
      protocol: string
      zonal?: Zonal | undefined
    }
  | { part: 'pod'; namespace: string; pod: string }

/** The labels of a key in front of the zone's, from the left. @param zoneKey the zone, which the name is in */
export function labelsBelow(key: string, zoneKey: string): string[] {
  const labels: string[] = []
  const end = key.length - zoneKey.length
  for (let at = 0; at < end; at += key.charCodeAt(at) + 1) labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
  return labels
}

/**
 * Reads the labels in front of the zone; undefined when no name can look like this.
 * @param zonal whether names ask for zones of the cluster
 */
export function readName(labels: readonly string[], zonal: boolean): AskedName | undefined {
  const part = labels.at(-1)
  const namespace = labels.at(-2) ?? ''
  const name = labels.at(-3) ?? ''
  const more = labels.slice(0, -3)
  if (part === 'pod') return more.length > 2 ? undefined : { part, namespace, pod: name }
  if (part !== 'svc') return undefined
  const asked = { part, namespace, service: name, endpoint: '', port: '', protocol: '' } as const
  if (more.length === 0) return asked
  const mode = more.at(-2)
  if (zonal && more.length > 2 && more.at(-1) === '_zone' && (mode === 'pin' || mode === 'prefer')) {
    return { ...asked, zonal: { mode, zone: more.slice(0, -2).join('.') } }
  }
  if (more.length === 1) return { ...asked, endpoint: more[0]! }
  if (more.length > 2) return undefined
  return { ...asked, port: withoutUnderscore(more[0]!), protocol: withoutUnderscore(more[1]!) }
}

/** The address that a pod's name stands for, as text; it may be none. */
export function addressOfPodName(name: string): string {
  const isIpv4 = /^[^-]*-[^-]+-[^-]+-[^-]*$/.test(name)
  return name.replaceAll('-', isIpv4 ? '.' : ':')
}

/** The address that a name of a reverse zone stands for (RFC 1035 §3.5, RFC 3596 §2.5); undefined when it is not a whole one. */
export function addressOfReverseName(name: string): string | undefined {
  const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa\.$/.exec(name)
  if (ipv4) return ipv4.slice(1).reverse().join('.')
  const nibbles = /^((?:[0-9a-f]\.){32})ip6\.arpa\.$/.exec(name)?.[1]
  if (nibbles === undefined) return undefined
  const digits = nibbles.replaceAll('.', '').split('').reverse().join('')
  return Array.from({ length: 8 }, (_, i) => digits.slice(4 * i, 4 * i + 4)).join(':')
}

function withoutUnderscore(label: string): string {
  return label.startsWith('_') ? label.slice(1) : label
}
