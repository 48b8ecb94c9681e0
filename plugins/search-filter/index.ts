import {
  AA,
  CLASSES,
  countLabels,
  custom,
  Denial,
  definePlugin,
  integer,
  isBelow,
  keyOf,
  normalizeName,
  OPCODES,
  one,
  option,
  type Query,
  RCODES,
  some,
  TextError,
  type Value,
  ZoneList,
  zone,
} from 'corelet/plugin'
import { ZoneCounter } from '../../src/observe/zone-counter.ts'

const MAX_TTL = 86_400
const DEFAULT_TTL = 60

/** A suffix of a search list. */
interface Suffix {
  /** As text, without the wildcard. */
  zone: string
  /** Labels that stand for any between the name and the zone: 1 for `*.svc.cluster.local`. */
  wildcards: number
}

const suffix: Value<Suffix> = custom('SUFFIX', 'zone', (token, report) => {
  const [, wildcard, rest = ''] = /^(\*\.)?(.*)$/s.exec(token.text)!
  try {
    const zone = normalizeName(rest)
    if (zone !== '.') return { zone, wildcards: wildcard ? 1 : 0 }
  } catch (error) {
    if (!(error instanceof TextError)) throw error
  }
  return void report(token, 'bad-suffix', token.text)
})

/** Denies the names that search lists make of external names. */
export default definePlugin({
  name: 'search-filter',
  summary: 'denies at once the names that search lists make of external names',
  repeat: 'each',
  directive: {
    args: [some(suffix)],
    options: {
      external: option('zones that have no names below the suffixes', [some(zone('ZONES'))]),
      except: option('zones below the suffixes that are left alone', [some(zone('ZONES'))]),
      ttl: option('seconds that a denial may be cached', [one(integer('SECONDS', { min: 0, max: MAX_TTL }))]),
    },
  },
  errors: {
    'bad-suffix': {
      message: "unable to normalize '{0}'",
      hint: 'write a suffix of a search list, such as cluster.local or *.svc.cluster.local',
      example: '. {\n  search-filter . {\n    external com\n  }\n}',
    },
    'nothing-external': {
      message: 'no external zones for search-filter',
      hint: 'list the zones whose names are not below the suffixes: external com org',
      example: '. {\n  search-filter cluster.local\n}',
    },
  },
  parse([use], { report }) {
    const { values, options, token } = use!
    const external = options.external.flatMap((line) => line.values[0].flat())
    if (external.length === 0) return void report(token, 'nothing-external')
    return {
      suffixes: values[0],
      external,
      except: options.except.flatMap((line) => line.values[0].flat()),
      ttl: options.ttl.at(-1)?.values[0] ?? DEFAULT_TTL,
    }
  },
  start({ suffixes, external, except, ttl }, { metrics, block }) {
    const denied = new ZoneCounter(
      metrics,
      'corelet_search_filter_denied_requests_total',
      'Queries for names that a search list made of an external name.',
      block.view,
    )
    const rules = suffixes.map(({ zone, wildcards }) => ({
      zone,
      key: keyOf(zone),
      wildcards,
      denial: new Denial('search-filter', zone, RCODES.NXDOMAIN, ttl),
    }))
    const zones = external.map((each) => ({ labels: keyOf(each).slice(0, -1), count: countLabels(keyOf(each)) }))
    const excepted = new ZoneList(except)
    const find = (query: Query) =>
      rules.find(({ key, wildcards }) => isBelow(query.key, key) && isExternal(query.key, key, wildcards, zones))
    return (query, next) => {
      if (query.qclass !== CLASSES.IN || query.opcode !== OPCODES.QUERY) return next(query)
      const rule = find(query)
      if (!rule || excepted.has(query.key)) return next(query)
      denied.inc(query.listener, rule.zone)
      return rule.denial.toReply(query, query.replyFlags | AA, 'a search list made this name')
    }
  },
})

/** Labels of an external zone as in a key, without the root, and their number. */
interface ExternalZone {
  labels: string
  count: number
}

/**
 * Whether what stands before the suffix is an external name: below an external zone, or such a zone of two labels or more. A zone of one
 * label, such as `com`, may be a service.
 */
function isExternal(key: string, suffix: string, wildcards: number, zones: readonly ExternalZone[]): boolean {
  let rest = key.slice(0, key.length - suffix.length)
  for (let i = 0; i < wildcards; i++) {
    const last = lastLabel(rest)
    if (last < 0) return false
    rest = rest.slice(0, last)
  }
  return zones.some(({ labels, count }) => (rest === labels ? count > 1 : isBelow(`${rest}\0`, `${labels}\0`)))
}

/** Where the last label of some labels begins; -1 when there is none. */
function lastLabel(labels: string): number {
  let last = -1
  for (let at = 0; at < labels.length; at += labels.charCodeAt(at) + 1) last = at
  return last
}
