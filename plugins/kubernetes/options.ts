/** What the directive says. */
import {
  custom,
  one,
  option,
  optional,
  type ParseScope,
  parseDuration,
  type ReadDirective,
  type Report,
  rest,
  some,
  suggest,
  type Token,
  text,
  toFallthrough,
  type Value,
  ZoneList,
  zone,
} from 'corelet/plugin'
import type { NamingOptions } from './directory.ts'
import { isSelector } from './selector.ts'

/** How the API server is found, and what of it is followed: all that the state depends on. */
export interface ApiOptions {
  endpoint: string | undefined
  tls: { cert: string; key: string; ca: string } | undefined
  kubeconfig: { file: string; context: string | undefined } | undefined
  /** Requests per second, at once, under way. */
  limits: { perSecond: number; burst: number; inFlight: number }
  /** Of services, their endpoints and pods. */
  labels: string
  namespaceLabels: string
  followsEndpoints: boolean
  followsPods: boolean
  zonal: boolean
}

export interface KubernetesOptions {
  zones: ZoneList
  /** Zone in which addresses have their names. */
  primaryZone: string
  api: ApiOptions
  naming: NamingOptions
  /** Seconds. */
  ttl: number
  fallthrough: ZoneList | undefined
  /** Milliseconds that queries wait for the first lists. */
  startupTimeout: number
}

const PODS = ['disabled', 'insecure', 'verified'] as const

type Pods = (typeof PODS)[number]

const pods: Value<Pods> = custom('MODE', 'choice', (token, report) => {
  const found = PODS.find((each) => each === token.text)
  if (!found) report(token, 'bad-pods', token.text, suggest(token.text, PODS))
  return found
})

function amount(name: string, pattern: RegExp, bad: string, negative: string): Value<number> {
  return custom(name, 'number', (token, report) => {
    if (!pattern.test(token.text)) return void report(token, bad, token.text)
    const number = Number(token.text)
    if (number < 0) return void report(token, negative)
    return number
  })
}

const WHOLE = /^[+-]?\d+$/
const FRACTION = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i

const seconds: Value<number> = custom('SECONDS', 'integer', (token, report) => {
  if (!WHOLE.test(token.text)) return void report(token, 'bad-integer', token.text, 'SECONDS', '')
  const number = Number(token.text)
  if (number < 0 || number > 3600) return void report(token, 'ttl-out-of-range', token.text)
  return number
})

const url: Value<string> = custom('URL', 'url', (token, report) => {
  const text = token.text.includes('://') ? token.text : `http://${token.text}`
  if (!URL.canParse(text)) return void report(token, 'bad-endpoint', token.text)
  return token.text
})

const wait: Value<number> = custom('DURATION', 'duration', (token, report) => {
  const milliseconds = parseDuration(token.text)
  if (typeof milliseconds === 'string') return void report(token, 'bad-startup-timeout', token.text)
  return milliseconds
})

export const directive = {
  args: [rest(zone('ZONES'))],
  options: {
    endpoint: option('URL of the API server; that of the cluster around by default', [some(url)]),
    tls: option('certificate, key and authority for `endpoint`', [rest(text('FILE'))]),
    kubeconfig: option('a file as kubectl has it, and one of its contexts', [
      one(text('FILE')),
      optional(text('CONTEXT')),
    ]),
    apiserver_qps: option('requests per second to the API server; 5 by default, 0 without limit', [
      one(amount('QPS', FRACTION, 'bad-qps', 'negative-qps')),
    ]),
    apiserver_burst: option('requests that may come at once; 10 by default', [
      one(amount('BURST', WHOLE, 'bad-burst', 'negative-burst')),
    ]),
    apiserver_max_inflight: option('lists under way; 0, the default, is without limit', [
      one(amount('MAX', WHOLE, 'bad-inflight', 'negative-inflight')),
    ]),
    namespaces: option('answers for these namespaces only', [some(text('NAMESPACE'))]),
    namespace_labels: option('answers for namespaces with these labels only', [some(text('SELECTOR'))]),
    labels: option('knows services, endpoints and pods with these labels only', [some(text('SELECTOR'))]),
    pods: option('whether pods have names: disabled, insecure, verified', [one(pods)]),
    endpoint_pod_names: option('endpoints without a hostname are called like their pods', []),
    ttl: option('TTL of the answers in seconds; 5 by default', [one(seconds)], { extra: true }),
    noendpoints: option('does not follow endpoints', []),
    zonal: option('names may ask for endpoints in a zone', []),
    ignore: option('services without a ready endpoint do not exist: `empty_service`', [rest(text('empty_service'))]),
    fallthrough: option('names that do not exist go to the next plugin', [rest(zone('ZONES'))]),
    multicluster: option('not supported', [rest(text('ZONES'))]),
    startup_timeout: option('how long queries wait for the API server at the start; 5s by default', [one(wait)]),
  },
} as const

type Read = ReadDirective<typeof directive>

/** Turns the directive into options; undefined after it has reported. */
export function parse([read]: readonly Read[], scope: ParseScope): KubernetesOptions | undefined {
  const { values, options, token } = read!
  let failed = false
  const fail: Report = (...finding) => {
    failed = true
    scope.report(...finding)
  }
  const zones = values[0].length > 0 ? values[0].flat() : [...scope.zones]
  const primaryZone = zones.find((each) => !/\.(in-addr|ip6)\.arpa\.$/.test(each))
  if (primaryZone === undefined) fail(token, 'only-reverse')
  check(options, fail, scope.report)
  const last = <T>(lines: readonly { values: readonly [T] }[], missing: T) => lines.at(-1)?.values[0] ?? missing
  const labels = readSelector(options.labels, 'bad-labels', fail)
  const namespaceLabels = readSelector(options.namespace_labels, 'bad-namespace-labels', fail)
  if (failed) return undefined
  const [cert, key, ca] = options.tls.at(-1)?.values[0] ?? []
  const [file, context] = options.kubeconfig.at(-1)?.values ?? []
  const mode: Pods = last(options.pods, 'disabled')
  const zonal = options.zonal.length > 0
  return {
    zones: new ZoneList(zones),
    primaryZone: primaryZone!,
    api: {
      endpoint: options.endpoint.at(-1)?.values[0][0],
      tls: ca === undefined ? undefined : { cert: cert!, key: key!, ca },
      kubeconfig: file === undefined ? undefined : { file, context },
      limits: {
        perSecond: last(options.apiserver_qps, 5),
        burst: last(options.apiserver_burst, 10),
        inFlight: last(options.apiserver_max_inflight, 0),
      },
      labels,
      namespaceLabels,
      followsEndpoints: options.noendpoints.length === 0,
      followsPods: mode === 'verified',
      zonal,
    },
    naming: {
      namespaces: new Set(options.namespaces.flatMap(({ values }) => values[0])),
      pods: mode,
      endpointPodNames: options.endpoint_pod_names.length > 0,
      zonal,
      ignoreEmpty: options.ignore.some(({ values }) => values[0].length > 0),
    },
    ttl: last(options.ttl, 5),
    fallthrough:
      options.fallthrough.length > 0 ? toFallthrough(options.fallthrough.at(-1)!.values[0].flat()) : undefined,
    startupTimeout: last(options.startup_timeout, 5000),
  }
}

/** What the words of single options can't know of one another. */
function check(options: Read['options'], fail: Report, warn: Report): void {
  for (const { values, tokens } of options.endpoint) {
    if (values[0].length > 1) warn(tokens[1]!, 'first-endpoint', values[0][0]!)
  }
  for (const { token, values } of options.tls) {
    if (values[0].length !== 3) fail(token, 'tls-arguments', values[0].length)
  }
  for (const { tokens } of options.ignore) {
    const other = tokens.find(({ text }) => text !== 'empty_service')
    if (other) fail(other, 'bad-ignore', other.text)
  }
  for (const { token, values } of options.multicluster) fail(token, 'no-multicluster', values[0].join(' '))
  const byLabel = options.namespace_labels.at(-1)
  if (byLabel && options.namespaces.length > 0) fail(byLabel.token, 'two-ways-of-namespaces')
  const zonal = options.zonal.at(-1)
  if (zonal && options.noendpoints.length > 0) fail(zonal.token, 'zonal-without-endpoints')
}

function readSelector(
  lines: readonly { token: Token; values: readonly [string[]] }[],
  code: string,
  fail: Report,
): string {
  const line = lines.at(-1)
  if (!line) return ''
  const selector = line.values[0].join(' ')
  if (!isSelector(selector)) fail(line.token, code, selector)
  return selector
}
