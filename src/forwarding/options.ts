import { isIP } from 'node:net'
import {
  address,
  choice,
  custom,
  duration,
  integer,
  normalizeName,
  one,
  option,
  RCODES,
  type ReadDirective,
  type Report,
  rcode,
  rest,
  some,
  type Token,
  text,
  type Value,
} from '../plugin/index.ts'
import { POLICIES, type PolicyName } from '../upstream/policy.ts'
import type { Destination } from './destination.ts'

const MAX_DESTINATIONS = 15
const MAX_UINT32 = 0xffffffff

const resolverAddress: Value<string> = custom('IP[:PORT]', 'address', (token, report) => {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(token.text)
  const ip = match ? (match[1] ?? match[2]!) : token.text
  if (isIP(ip) === 0 || (match && Number(match[3]) > 0xffff)) {
    return void report(token, 'bad-resolver', token.text)
  }
  return isIP(ip) === 6 ? `[${ip}]:${match?.[3] ?? 53}` : `${ip}:${match?.[3] ?? 53}`
})

const failoverRcode: Value<number> = custom('RCODE', 'rcode', (token, report) => {
  const number = rcode().read(token, report)
  if (number === RCODES.NOERROR) return void report(token, 'failover-noerror')
  return number
})

/** Options that say how upstreams are reached and watched. */
export const connectionOptions = {
  force_tcp: option('asks over TCP even when the client uses UDP', []),
  prefer_udp: option('asks over UDP even when the client uses TCP; a truncated reply is asked for again over TCP', []),
  expire: option('closes sockets that were idle for so long; 10s', [
    one(duration('DURATION', { min: 0, below: 'expire-negative' })),
  ]),
  max_age: option('uses a connection no longer than this; 0 is for ever', [
    one(duration('DURATION', { min: 0, below: 'max-age-negative' })),
  ]),
  max_idle_conns: option('idle TCP or TLS connections kept for each upstream; 0 is without limit', [
    one(integer('INTEGER', { min: 0, below: 'max-idle-conns-negative' })),
  ]),
  read_timeout: option('how long an upstream may take to answer; 2s', [
    one(duration('DURATION', { min: 1e-6, below: 'read-timeout-not-positive' })),
  ]),
  max_fails: option('an upstream is down after more failed probes than this; 2, and 0 never', [
    one(integer('INTEGER', { min: 0, max: MAX_UINT32 })),
  ]),
  tls: option('certificate and key of the client, and the authorities that servers are verified with', [
    rest(text('FILE')),
  ]),
  tls_servername: option('name that the certificates of all TLS upstreams must have', [one(text('NAME'))]),
  health_check: option('how often and with what a failing upstream is probed; 0.5s', [
    one(duration('DURATION', { min: 0, below: 'health-check-negative' })),
    rest(text('no_rec|domain FQDN')),
  ]),
  doh_method: option('HTTP method that https:// upstreams are asked with; POST', [
    one(choice('METHOD', ['GET', 'POST'])),
  ]),
  resolver: option('servers that host names among TO are resolved with', [some(resolverAddress)]),
  source_address: option('address that upstreams are asked from', [one(address('IP'))]),
} as const

/** Options that say how a query goes through several upstreams until one answers. */
export const attemptOptions = {
  max_connect_attempts: option('failed exchanges that a query may have; twice the number of upstreams, 0 is any', [
    one(integer('INTEGER', { min: 0, max: MAX_UINT32 })),
  ]),
  policy: option('order in which upstreams are tried; random', [
    one(choice('POLICY', POLICIES, { code: 'unknown-policy' })),
  ]),
  max_concurrent: option('queries that may be in flight; more are refused; 0 is without limit', [
    one(integer('MAX', { min: 0, below: 'max-concurrent-negative' })),
  ]),
  failfast_all_unhealthy_upstreams: option('SERVFAIL when all upstreams are down, instead of trying one', []),
  failover: option('rcodes for which the next upstream is asked', [some(failoverRcode)]),
} as const

export interface HealthCheck {
  /** Milliseconds. */
  interval: number
  recursionDesired: boolean
  /** Name with its final dot. */
  domain: string
}

/** Times are in milliseconds; 0 has the meaning it has in the Corefile. */
export interface ConnectionOptions {
  destinations: readonly Destination[]
  forceTcp: boolean
  preferUdp: boolean
  expire: number
  maxAge: number
  maxIdleConns: number
  readTimeout: number
  maxFails: number
  /** File names of the `tls` option, undefined without the option. */
  tls: { cert?: string; key?: string; ca?: string } | undefined
  tlsServerName: string | undefined
  dohMethod: 'GET' | 'POST'
  healthCheck: HealthCheck
  resolvers: string[]
  sourceAddress: string | undefined
}

/** 0 has the meaning it has in the Corefile. */
export interface AttemptOptions {
  /** undefined is {@link rounds} for each upstream. */
  maxConnectAttempts: number | undefined
  /** Failed exchanges that a query may have with each upstream; 2 when left out. */
  rounds?: number
  policy: PolicyName
  maxConcurrent: number
  failfast: boolean
  failover: ReadonlySet<number>
}

type ConnectionLines = ReadDirective<{ args: []; options: typeof connectionOptions }>['options']
type AttemptLines = ReadDirective<{ args: []; options: typeof attemptOptions }>['options']

/** Reads {@link connectionOptions}, or those of them that a plugin has. @param tokens of the destinations */
export function readConnectionOptions(
  options: Partial<ConnectionLines>,
  destinations: readonly Destination[],
  tokens: readonly Token[],
  report: Report,
): ConnectionOptions {
  if (destinations.length > MAX_DESTINATIONS) {
    report(tokens[MAX_DESTINATIONS]!, 'too-many-destinations', destinations.length)
  }
  const expire = options.expire?.at(-1)?.values[0] ?? 10_000
  const maxAge = options.max_age?.at(-1)?.values[0] ?? 0
  if (maxAge > 0 && maxAge < expire) {
    const token = options.max_age!.at(-1)!.tokens[0]!
    report(token, 'max-age-below-expire', token.text, options.expire?.at(-1)?.tokens[0]?.text ?? '10s')
  }
  return {
    destinations,
    forceTcp: (options.force_tcp?.length ?? 0) > 0,
    preferUdp: (options.prefer_udp?.length ?? 0) > 0,
    expire,
    maxAge,
    maxIdleConns: options.max_idle_conns?.at(-1)?.values[0] ?? 0,
    readTimeout: options.read_timeout?.at(-1)?.values[0] ?? 2000,
    maxFails: options.max_fails?.at(-1)?.values[0] ?? 2,
    tls: readTls(options, report),
    tlsServerName: readServerName(options, destinations, report),
    dohMethod: options.doh_method?.at(-1)?.values[0] ?? 'POST',
    healthCheck: readHealthCheck(options, report),
    resolvers: options.resolver?.at(-1)?.values[0] ?? [],
    sourceAddress: options.source_address?.at(-1)?.values[0],
  }
}

/** Reads {@link attemptOptions}. */
export function readAttemptOptions(options: AttemptLines): AttemptOptions {
  return {
    maxConnectAttempts: options.max_connect_attempts.at(-1)?.values[0],
    policy: options.policy.at(-1)?.values[0] ?? 'random',
    maxConcurrent: options.max_concurrent.at(-1)?.values[0] ?? 0,
    failfast: options.failfast_all_unhealthy_upstreams.length > 0,
    failover: new Set(options.failover.flatMap((line) => line.values[0])),
  }
}

/** Collects whether anything was reported. */
export function noting(report: Report): { report: Report; readonly failed: boolean } {
  let failed = false
  return {
    report(...finding) {
      failed = true
      report(...finding)
    },
    get failed() {
      return failed
    },
  }
}

/** `tls`, `tls CA`, `tls CERT KEY`, `tls CERT KEY CA`. */
function readTls(options: Partial<ConnectionLines>, report: Report): ConnectionOptions['tls'] {
  const line = options.tls?.at(-1)
  if (!line) return undefined
  const [first, second, third] = line.values[0]
  if (line.tokens.length > 3) {
    const extra = line.tokens[3]!
    report(extra, 'wrong-argument-count', extra.text, 'tls [CERT KEY] [CA]')
  }
  if (first === undefined) return {}
  if (second === undefined) return { ca: first }
  return { cert: first, key: second, ...(third !== undefined && { ca: third }) }
}

function readServerName(
  options: Partial<ConnectionLines>,
  destinations: readonly Destination[],
  report: Report,
): string | undefined {
  const line = options.tls_servername?.at(-1)
  if (!line) return undefined
  for (const each of destinations) {
    const own = each.kind === 'server' ? each.target.serverName : undefined
    if (own !== undefined) report(line.tokens[0]!, 'two-server-names', line.values[0], own)
  }
  return line.values[0]
}

function readHealthCheck(options: Partial<ConnectionLines>, report: Report): HealthCheck {
  const check: HealthCheck = { interval: 500, recursionDesired: true, domain: '.' }
  const line = options.health_check?.at(-1)
  if (!line) return check
  check.interval = line.values[0]
  const words = line.tokens.slice(1)
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word.text === 'no_rec') {
      check.recursionDesired = false
    } else if (word.text === 'domain') {
      const name = words[++i]
      if (!name) {
        report(word, 'wrong-argument-count', word.text, 'health_check DURATION [no_rec] [domain FQDN]')
        continue
      }
      try {
        check.domain = normalizeName(name.text)
      } catch {
        report(name, 'health-check-domain', name.text)
      }
    } else {
      report(word, 'health-check-option', word.text)
    }
  }
  return check
}

/** Limits are written with 0 for none. */
export function toLimit(number: number): number {
  return number === 0 ? Infinity : number
}
