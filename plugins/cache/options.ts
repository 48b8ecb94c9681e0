/** The `cache` directive: what is written in the Corefile to what the cache runs with. */
import {
  custom,
  duration,
  integer,
  one,
  option,
  optional,
  type ParseScope,
  parseDuration,
  type ReadDirective,
  type Report,
  rest,
  type Token,
  text,
  usage,
  zone,
} from 'corelet/plugin'

/** One of the two parts of the cache. */
export interface PartOptions {
  /** Entries. */
  capacity: number
  /** Longest and shortest time in seconds that an answer is kept. */
  ttl: number
  minTtl: number
  /** Zones whose answers are not kept in this part. */
  disabled: readonly string[]
}

export interface StaleOptions {
  /** Seconds after expiry in which an entry may still be served. */
  window: number
  verify: boolean
  /** Milliseconds to wait for a new answer before the stale one is served; 0 waits for the outcome. */
  timeout: number
  /** TTL in seconds of a stale answer. */
  ttl: number
  /** Milliseconds after a failed refresh without another try. */
  recheck: number
  preferPositive: boolean
}

export interface CacheOptions {
  /** As text, in the Corefile's order. */
  zones: readonly string[]
  success: PartOptions
  denial: PartOptions
  /** Octets that both parts may hold together. */
  maxBytes: number
  /** `within` is in milliseconds, `share` the last part of the TTL, 0.1 to 0.9. */
  prefetch: { amount: number; within: number; share: number }
  stale: StaleOptions
  /** Seconds that a SERVFAIL is kept. */
  servfail: number
  keepTtl: boolean
  /** Folder of the file that the cache is written to when it ends; undefined for none. */
  snapshot: string | undefined
}

const MINUTES = 60_000
const MAX_TTL_SECONDS = 0xffffffff
const UNITS: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }
const SMALLEST_SIZE = 2 ** 17
const DEFAULT_SIZE = 2 ** 24

const ttl = integer('TTL', { min: 1, below: 'bad-ttl' })
const part = [
  one(integer('CAPACITY')),
  optional(ttl),
  optional(integer('MINTTL', { min: 0, below: 'negative-min-ttl' })),
] as const

const percentage = custom('PERCENTAGE%', 'percentage', (token, report) => {
  if (!token.text.endsWith('%')) return void report(token, 'percentage-sign', token.text.at(-1) ?? '')
  const number = token.text.slice(0, -1)
  if (!/^[+-]?\d+$/.test(number)) return void report(token, 'bad-integer', number, 'PERCENTAGE', '')
  if (Number(number) < 10 || Number(number) > 90) return void report(token, 'percentage-range', Number(number))
  return Number(number) / 100
})

const size = custom('SIZE', 'size', (token, report) => {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/i.exec(token.text) ?? []
  const octets = digits === undefined ? Number.NaN : Number(digits) * UNITS[unit.toUpperCase()]!
  if (!(octets >= SMALLEST_SIZE && octets <= Number.MAX_SAFE_INTEGER)) return void report(token, 'bad-size', token.text)
  return octets
})

export const directive = {
  args: [rest(text('TTL|ZONE'))],
  options: {
    success: option('capacity and times of the part for answers', part, { extra: true }),
    denial: option('capacity and times of the part for NXDOMAIN, NODATA and SERVFAIL', part, { extra: true }),
    max_bytes: option('octets that both parts may hold together', [one(size)]),
    prefetch: option('fetches popular names anew before they expire', [
      one(integer('AMOUNT', { min: 0, below: 'negative-prefetch' })),
      optional(duration('DURATION')),
      optional(percentage),
    ]),
    serve_stale: option('serves expired answers', [rest(text('ARGUMENT'))]),
    serve_stale_policy: option('which stale answers come first', [
      one(
        custom('POLICY', 'choice', (token, report) => {
          if (token.text.toLowerCase() !== 'prefer_positive') return void report(token, 'stale-policy', token.text)
          return 'prefer_positive' as const
        }),
      ),
    ]),
    servfail: option('how long a SERVFAIL is kept', [
      one(duration('DURATION', { min: 0, below: 'negative-servfail', max: 5 * MINUTES, above: 'long-servfail' })),
    ]),
    disable: option('keeps no answers of one kind, everywhere or in some zones', [
      one(
        custom('success|denial', 'choice', (token, report) => {
          if (token.text === 'success' || token.text === 'denial') return token.text
          return void report(token, 'disable-type', token.text)
        }),
      ),
      rest(zone('ZONES', 'disable-zone')),
    ]),
    snapshot: option('writes the cache to a file when the server ends, and reads it at the start', [
      one(text('FOLDER')),
    ]),
    keepttl: option('sends the original TTL instead of the rest of it', []),
  },
  unknown: 'unknown-option',
} as const

const zones = zone('ZONES')
const staleUsage = usage('serve_stale', [
  optional(text('DURATION')),
  optional(text('immediate|verify')),
  optional(text('VERIFYTIMEOUT')),
  optional(text('RESPTTL')),
  optional(text('RECHECK')),
])

/** Reads the directive; undefined after it has reported. */
export function parse(uses: readonly ReadDirective<typeof directive>[], scope: ParseScope): CacheOptions | undefined {
  const { values, tokens, options } = uses[0]!
  let failed = false
  const report: Report = (...finding) => {
    failed = true
    scope.report(...finding)
  }

  const words = [...tokens]
  let maxTtl: number | undefined
  if (/^[+-]?\d+$/.test(values[0][0] ?? '')) maxTtl = ttl.read(words.shift()!, report)
  const given = words.flatMap((token) => zones.read(token, report) ?? [])

  const parts = {
    success: { capacity: 10_000, ttl: maxTtl ?? 3600, minTtl: 5, disabled: [] as string[] },
    denial: { capacity: 10_000, ttl: maxTtl ?? 1800, minTtl: 5, disabled: [] as string[] },
  }
  for (const name of ['success', 'denial'] as const) {
    for (const { values } of options[name]) {
      const kept = parts[name]
      kept.capacity = values[0]
      kept.ttl = values[1] ?? kept.ttl
      kept.minTtl = values[2] ?? kept.minTtl
    }
  }
  for (const { values } of options.disable) {
    const disabled = values[1].flat()
    parts[values[0]].disabled = disabled.length === 0 ? ['.'] : disabled
  }

  const prefetch = options.prefetch.at(-1)?.values
  const policies = options.serve_stale_policy
  for (const { token } of policies.slice(1)) report(token, 'stale-policy-twice')
  if (policies[0] && options.serve_stale.length === 0) report(policies[0].token, 'stale-policy-alone')
  const stale = options.serve_stale.map((line) => parseStale(line.token, line.tokens, report)).at(-1)

  if (failed) return undefined
  return {
    zones: given.length > 0 ? given : scope.zones,
    ...parts,
    maxBytes: options.max_bytes.at(-1)?.values[0] ?? DEFAULT_SIZE,
    prefetch: { amount: prefetch?.[0] ?? 0, within: prefetch?.[1] ?? MINUTES, share: prefetch?.[2] ?? 0.1 },
    stale: { ...(stale ?? NOT_STALE), preferPositive: policies.length > 0 },
    servfail: (options.servfail.at(-1)?.values[0] ?? 5000) / 1000,
    keepTtl: options.keepttl.length > 0,
    snapshot: options.snapshot.at(-1)?.values[0],
  }
}

const NOT_STALE: StaleOptions = { window: 0, verify: false, timeout: 0, ttl: 0, recheck: 0, preferPositive: false }

/** `serve_stale [DURATION] [immediate [RESPTTL [RECHECK]] | verify [VERIFYTIMEOUT [RESPTTL [RECHECK]]]]` */
function parseStale(name: Token, tokens: readonly Token[], report: Report): StaleOptions {
  const options: StaleOptions = { ...NOT_STALE, window: 3600 }
  const [window, mode, ...times] = tokens
  if (window) options.window = (readTime(window, report, 'stale-negative') ?? 0) / 1000
  if (!mode) return options
  options.verify = mode.text.toLowerCase() === 'verify'
  if (!options.verify && mode.text.toLowerCase() !== 'immediate') report(mode, 'stale-mode', mode.text)
  if (times.length > (options.verify ? 3 : 2)) {
    report(times.at(-1) ?? name, 'wrong-argument-count', times.at(-1)!.text, staleUsage)
    return options
  }
  const timeout = options.verify ? times.shift() : undefined
  if (timeout) options.timeout = readTime(timeout, report, 'stale-timeout') ?? 0
  const [ttl, recheck] = times
  if (ttl) {
    const seconds = (readTime(ttl, report, 'stale-ttl-range') ?? 0) / 1000
    if (!Number.isInteger(seconds)) report(ttl, 'stale-ttl-fraction', ttl.text)
    else if (seconds > MAX_TTL_SECONDS) report(ttl, 'stale-ttl-range', ttl.text)
    options.ttl = seconds
  }
  if (recheck) {
    options.recheck = readTime(recheck, report, 'stale-recheck-negative') ?? 0
    if (options.recheck > 5 * MINUTES) report(recheck, 'stale-recheck-range', recheck.text)
  }
  return options
}

/** Milliseconds; `negative` is the code for less than 0. */
function readTime(token: Token, report: Report, negative: string): number | undefined {
  const time = parseDuration(token.text)
  if (typeof time === 'string') return void report(token, 'bad-duration', time)
  if (time < 0) return void report(token, negative, token.text)
  return time
}
