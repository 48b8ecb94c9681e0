/** The node agent's flags: those of node-cache, in all its versions, and our own. */
import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { type AgentOptions, INTERCEPTIONS, LINK_TYPES, RULE_POSITIONS } from '../agent/options.ts'
import { parseDuration } from '../plugin/duration.ts'
import { type Flags, type ParsedFlags, UsageError } from './go-flags.ts'

/** Where the kube-dns ConfigMap is looked for when no flag says. */
const KUBE_DNS_FOLDER = '/etc/kube-dns'

export const AGENT_FLAGS = {
  localip: {
    type: 'string',
    usage: 'Addresses that pods ask, with commas between them; makes this the agent of a node',
  },
  interfacename: { type: 'string', usage: 'Link that the addresses are put on (default "nodelocaldns")' },
  intfname: { type: 'string', usage: 'Former name of -interfacename' },
  setupinterface: { type: 'boolean', usage: 'Make and keep the link and its addresses (default true)' },
  'link-type': { type: 'string', usage: `Kind of the link: ${LINK_TYPES.join(', ')} (default "auto")` },
  setupiptables: { type: 'boolean', usage: 'Make and keep the rules (default true)' },
  setupebtables: { type: 'boolean', usage: 'Has no effect any more' },
  interception: { type: 'string', usage: `How rules are made: ${INTERCEPTIONS.join(', ')} (default "auto")` },
  'rule-position': { type: 'string', usage: `Where rules go: ${RULE_POSITIONS.join(', ')} (default "insert")` },
  'host-traffic': { type: 'boolean', usage: "Rules for the node's own processes, too (default true)" },
  syncinterval: {
    type: 'string',
    usage: 'Time between two looks at link and rules, seconds or with a unit (default 60)',
  },
  skipteardown: { type: 'boolean', usage: 'Leave link and rules behind at the end' },
  'metrics-listen-address': { type: 'string', usage: 'The agent\'s metrics (default "0.0.0.0:9353")' },
  'prometheus-listen-address': { type: 'string', usage: 'Value of __PROMETHEUS__ENDPOINT__ (default ":9253")' },
  basecorefile: { type: 'string', usage: 'Template of the Corefile (default "/etc/coredns/Corefile.base")' },
  corefile: {
    type: 'string',
    usage: 'Where the Corefile is written when -conf is not given (default "/etc/Corefile")',
  },
  kubednscm: { type: 'string', usage: `Folder of the kube-dns ConfigMap (default "${KUBE_DNS_FOLDER}" if it exists)` },
  'custom-corefiles': { type: 'string', usage: 'Folder with .override files for the root zone and .server files' },
  upstreamsvc: {
    type: 'string',
    usage: 'Service that leads past this cache, its address or a file with that (default "kube-dns")',
  },
  'health-port': { type: 'string', usage: 'Port of the health endpoint (default 8080)' },
  reloadwithsignal: { type: 'boolean', usage: 'Tell the server of a new Corefile by a signal' },
  'probe-interval': { type: 'string', usage: 'Time between two queries to the own addresses (default 1s)' },
  'probe-failures': { type: 'string', usage: 'Failures in a row that take the rules away (default 3)' },
} satisfies Flags

type Values = ParsedFlags['values']

/**
 * What the flags say to the node agent; undefined without `-localip`.
 * @param server what the server's flags say
 * @param warn told of flags that have no effect any more
 * @throws UsageError
 */
export function readAgentFlags(
  values: Values,
  server: { conf: string; dnsPort: number },
  warn: (text: string) => void,
): AgentOptions | undefined {
  if (values['localip'] === undefined) return undefined
  if (values['setupebtables'] !== undefined) warn('-setupebtables has no effect any more')
  if (values['intfname'] !== undefined) warn('-intfname is called -interfacename now')
  const text = (name: keyof typeof AGENT_FLAGS, fallback: string) => String(values[name] ?? fallback)
  const place = readPlace(values)
  if (place.localIps.length === 0) throw new UsageError('invalid value "" for flag -localip: no address')
  return {
    ...place,
    hostTraffic: values['host-traffic'] !== false,
    rulePosition: readChoice(values, 'rule-position', RULE_POSITIONS, 'insert'),
    syncInterval: readSyncInterval(text('syncinterval', '60')),
    skipTeardown: values['skipteardown'] === true,
    metricsAddress: text('metrics-listen-address', '0.0.0.0:9353'),
    prometheusAddress: text('prometheus-listen-address', ':9253'),
    template: text('basecorefile', '/etc/coredns/Corefile.base'),
    corefile: server.conf === '' ? text('corefile', '/etc/Corefile') : server.conf,
    kubeDnsFolder: text('kubednscm', existsSync(KUBE_DNS_FOLDER) ? KUBE_DNS_FOLDER : ''),
    customFolder: text('custom-corefiles', ''),
    upstreamService: text('upstreamsvc', 'kube-dns'),
    healthPort: readInteger(values, 'health-port', 8080, 0xffff),
    dnsPort: server.dnsPort,
    reloadWithSignal: values['reloadwithsignal'] === true,
    probeInterval: readDuration('probe-interval', text('probe-interval', '1s')),
    probeFailures: readInteger(values, 'probe-failures', 3, 1000),
  }
}

/** What the flags say of where an agent is; no addresses without `-localip`. @throws UsageError */
export function readPlace(values: Values): Pick<AgentOptions, 'localIps' | 'linkType' | 'linkName' | 'interception'> {
  return {
    localIps: readAddresses(String(values['localip'] ?? '')),
    linkType: values['setupinterface'] === false ? 'none' : readChoice(values, 'link-type', LINK_TYPES, 'auto'),
    linkName: readLinkName(String(values['interfacename'] ?? values['intfname'] ?? 'nodelocaldns')),
    interception:
      values['setupiptables'] === false ? 'none' : readChoice(values, 'interception', INTERCEPTIONS, 'auto'),
  }
}

/** Blanks and empty elements are what a removed variable leaves behind. @throws UsageError */
function readAddresses(list: string): string[] {
  const addresses = list
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  const wrong = addresses.find((each) => isIP(each) === 0)
  if (wrong !== undefined) throw new UsageError(`invalid value "${list}" for flag -localip: "${wrong}" is no address`)
  return [...new Set(addresses)]
}

/** Names of links have at most 15 octets, and neither slash nor blank (IFNAMSIZ of Linux). @throws UsageError */
function readLinkName(name: string): string {
  if (!/^[^\s/]{1,15}$/.test(name) || Buffer.byteLength(name) > 15) {
    throw new UsageError(`invalid value "${name}" for flag -interfacename: a link's name has 1 to 15 octets`)
  }
  return name
}

/**
 * Seconds without a unit. node-cache took the number of nanoseconds for that of seconds, so durations below a microsecond mean that.
 * @returns milliseconds
 * @throws UsageError
 */
function readSyncInterval(value: string): number {
  if (/^\d+$/.test(value)) return positive('syncinterval', value, Number(value) * 1000)
  const milliseconds = readDuration('syncinterval', value)
  return milliseconds < 0.001 ? milliseconds * 1e9 : milliseconds
}

/** @returns milliseconds @throws UsageError */
function readDuration(name: string, value: string): number {
  const milliseconds = parseDuration(value)
  if (typeof milliseconds === 'string')
    throw new UsageError(`invalid value "${value}" for flag -${name}: ${milliseconds}`)
  return positive(name, value, milliseconds)
}

function positive(name: string, value: string, number: number): number {
  if (number <= 0) throw new UsageError(`invalid value "${value}" for flag -${name}: not more than 0`)
  return number
}

/** @throws UsageError */
function readInteger(values: Values, name: keyof typeof AGENT_FLAGS, fallback: number, max: number): number {
  const value = String(values[name] ?? fallback)
  if (!/^\d+$/.test(value) || Number(value) > max || Number(value) < 1) {
    throw new UsageError(`invalid value "${value}" for flag -${name}: not a whole number from 1 to ${max}`)
  }
  return Number(value)
}

/** @throws UsageError */
function readChoice<T extends string>(
  values: Values,
  name: keyof typeof AGENT_FLAGS,
  choices: readonly T[],
  fallback: NoInfer<T>,
): T {
  const value = values[name] ?? fallback
  const found = choices.find((choice) => choice === value)
  if (found !== undefined) return found
  throw new UsageError(`invalid value "${value}" for flag -${name}: not one of ${choices.join(', ')}`)
}
