/** From places to replies. */
import {
  isBelow,
  isPending,
  keyOf,
  lookUp,
  type PluginContext,
  type Query,
  type Reply,
  type ResourceRecord,
  TC,
  TYPES,
  type ZoneList,
} from 'corelet/plugin'
import type { Cluster } from './cluster.ts'
import { type Directory, isName, type Place } from './directory.ts'
import { addressOfReverseName, labelsBelow } from './name.ts'
import { toAddress } from './objects.ts'

const PLUGIN = 'kubernetes'

/** Version of the specification that names follow, and how long in seconds that is true. */
const SCHEMA = { version: '1.1.0', ttl: 28_800 }

/** Seconds: the most that a denial is kept. */
const MAX_DENIAL_TTL = 300

/** Names that are followed from one service of type ExternalName to the next. */
const MAX_ALIASES = 10

/** Records of one answer: what a message of 64 KiB holds of the shortest ones. */
const MAX_RECORDS = 4000

export interface AnswerParts {
  directory: Directory
  cluster: Cluster
  /** Zone in which addresses have their names. */
  primaryZone: string
  /** Seconds. */
  ttl: number
  /** Addresses of this server itself. */
  ownAddresses(): readonly string[]
  context: Pick<PluginContext, 'ask'>
}

/** A query within one of the zones. */
export interface Asked {
  query: Query
  /** In the letter case of the client. */
  zone: string
  zoneKey: string
  /** In front of the zone. */
  labels: readonly string[]
}

/** What was found; `missing` when there is no such name. */
export type Result = 'missing' | Found | Promise<'missing' | Found>

export interface Found {
  answers: readonly ResourceRecord[]
  additionals?: readonly ResourceRecord[]
  truncated?: boolean
}

const NOTHING: Found = { answers: [] }

/** The zone that a query is in; undefined when it is in none. */
export function toAsked(query: Query, zones: ZoneList): Asked | undefined {
  const zone = zones.match(query.key)
  if (zone === undefined) return undefined
  const zoneKey = keyOf(zone)
  return { query, zone: query.qname.slice(-zone.length), zoneKey, labels: labelsBelow(query.key, zoneKey) }
}

/** Finds what the query asks for. */
export function answer(asked: Asked, parts: AnswerParts): Result {
  const { query, labels } = asked
  const isApex = labels.length === 0
  switch (query.qtype) {
    case TYPES.SOA:
      return isApex ? { answers: [toSoa(asked, parts)] } : NOTHING
    case TYPES.NS:
      return isApex ? nameservers(asked, parts) : probe(asked, parts)
    case TYPES.A:
    case TYPES.AAAA:
      return addresses(asked, parts)
    case TYPES.TXT:
      return texts(asked, parts)
    case TYPES.CNAME:
      return alias(asked, parts)
    case TYPES.SRV:
      return services(asked, parts)
    case TYPES.PTR:
      return reverse(asked, parts)
    default:
      return probe(asked, parts)
  }
}

/** The reply with what was found. */
export function toReply({ query }: Asked, { answers, additionals = [], truncated }: Found): Reply {
  const reply = query.reply(
    { authoritative: true, answers: answers.slice(0, MAX_RECORDS), additionals },
    PLUGIN,
    'found',
  )
  return truncated ? reply.copy({ flags: reply.flags | TC }) : reply
}

/** A denial, or a failure that looks like one: with the SOA of the zone. */
export function toDenial(asked: Asked, parts: AnswerParts, rcode: number, reason: string): Reply {
  return asked.query.reply({ rcode, authoritative: true, authorities: [toSoa(asked, parts)] }, PLUGIN, reason)
}

function toSoa({ zone }: Asked, { cluster, ttl }: AnswerParts): ResourceRecord {
  return {
    name: zone,
    type: 'SOA',
    ttl: Math.min(ttl, MAX_DENIAL_TTL),
    data: {
      mname: below('ns.dns', zone),
      rname: below('hostmaster', zone),
      serial: cluster.serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttl,
    },
  }
}

/** Whether the name exists: all that can be said for types without data. */
function probe(asked: Asked, parts: AnswerParts): 'missing' | Found {
  return findPlaces(asked, parts) ? NOTHING : 'missing'
}

function findPlaces({ zone, labels, query }: Asked, { directory }: AnswerParts): readonly Place[] | undefined {
  if (labels.length > 0 && isReverse(query.name)) return undefined
  if (isOwnName(labels)) return query.qtype === TYPES.TXT || query.qtype === TYPES.PTR ? undefined : []
  return directory.find(labels, zone)
}

/** Whether this is `ns.dns`, where there are the addresses of this server, or nothing. */
function isOwnName(labels: readonly string[]): boolean {
  return labels.length === 2 && labels[0] === 'ns' && labels[1] === 'dns'
}

function isReverse(name: string): boolean {
  return name.endsWith('.in-addr.arpa.') || name.endsWith('.ip6.arpa.')
}

function addresses(asked: Asked, parts: AnswerParts): Result {
  const { query, labels } = asked
  if (isOwnName(labels)) {
    return { answers: toAddresses(query.qname, query.qtype, ownPlaces(asked, parts), parts.ttl) }
  }
  const places = findPlaces(asked, parts)
  if (!places) return 'missing'
  const [first] = places
  if (first && isName(first)) return follow(query.qname, first.host, asked, parts, [])
  return { answers: toAddresses(query.qname, query.qtype, places, parts.ttl) }
}

/** Records of the type that a query asks for, each address once. */
function toAddresses(name: string, qtype: number, places: readonly Place[], ttl: number): ResourceRecord[] {
  const isWanted = (host: string) => host.includes(':') === (qtype === TYPES.AAAA)
  const hosts = new Set(places.map(({ host }) => host).filter(isWanted))
  return [...hosts].map((host) => toAddressRecord(name, host, ttl))
}

function toAddressRecord(name: string, host: string, ttl: number): ResourceRecord {
  return { name, type: host.includes(':') ? 'AAAA' : 'A', ttl, data: host }
}

function texts(asked: Asked, parts: AnswerParts): Result {
  const { query, labels } = asked
  const { version, ttl } = SCHEMA
  if (labels.length === 1 && labels[0] === 'dns-version') {
    return { answers: [{ name: query.qname, type: 'TXT', ttl, data: [version] }] }
  }
  const places = findPlaces(asked, parts)
  const [first] = places ?? []
  if (!first) return places && labels.length > 0 && asksZonal(labels) ? NOTHING : 'missing'
  return isName(first) ? follow(query.qname, first.host, asked, parts, []) : NOTHING
}

/** Whether endpoints in a zone are asked for, which exist even when there are none. */
function asksZonal(labels: readonly string[]): boolean {
  return labels.at(-4) === '_zone'
}

function alias(asked: Asked, parts: AnswerParts): Result {
  const places = findPlaces(asked, parts)
  if (!places) return 'missing'
  const [first] = places
  if (!first || !isName(first)) return NOTHING
  return { answers: [toAlias(asked.query.qname, first.host, parts.ttl)] }
}

function toAlias(name: string, target: string, ttl: number): ResourceRecord {
  return { name, type: 'CNAME', ttl, data: target }
}

/** Where a service of type ExternalName leads to: another name of the cluster, or one that the whole server is asked for. */
function follow(
  name: string,
  target: string,
  asked: Asked,
  parts: AnswerParts,
  path: readonly string[],
): Found | Promise<Found> {
  const { query, zone, zoneKey } = asked
  const key = keyOf(target)
  if (isBelow(key, keyOf(name)) || path.length >= MAX_ALIASES || path.includes(key)) return NOTHING
  const record = toAlias(name, target, parts.ttl)
  const withAlias = ({ answers, truncated }: Found): Found => {
    return { answers: [record, ...answers], ...(truncated && { truncated }) }
  }
  if (isBelow(key, zoneKey)) {
    const places = parts.directory.find(labelsBelow(key, zoneKey), zone) ?? []
    const next = places[0]
    const found =
      next && isName(next)
        ? follow(target, next.host, asked, parts, [...path, key])
        : { answers: toAddresses(target, query.qtype, query.qtype === TYPES.TXT ? [] : places, parts.ttl) }
    const withRecords = (found: Found) => (found.answers.length > 0 ? withAlias(found) : NOTHING)
    return found instanceof Promise ? found.then(withRecords) : withRecords(found)
  }
  const reply = lookUp(parts.context, query, { name: target })
  const withReply = (reply: Reply): Found => {
    if (reply.kind === 'drop') return NOTHING
    // Better an alias that leads nowhere for now than a denial, which clients keep
    if (reply.kind === 'failure') return withAlias(NOTHING)
    return withAlias({ answers: reply.answers, truncated: reply.truncated && query.qtype !== TYPES.TXT })
  }
  return isPending(reply) ? reply.then(withReply) : withReply(reply)
}

function services(asked: Asked, parts: AnswerParts): 'missing' | Found {
  const { query } = asked
  const places = findPlaces(asked, parts)
  if (!places) return 'missing'
  const answers = new Map<string, ResourceRecord>()
  const additionals = new Map<string, ResourceRecord>()
  const weight = Math.max(1, Math.floor(100 / places.length))
  for (const place of places.filter((place) => !isName(place) && place.port >= 0)) {
    const { host, port } = place
    const target = place.name === '' ? query.qname : place.name
    const data = { priority: 0, weight, port, target }
    answers.set(`${target} ${port}`, { name: query.qname, type: 'SRV', ttl: parts.ttl, data })
    additionals.set(`${target} ${host}`, toAddressRecord(target, host, parts.ttl))
  }
  return { answers: [...answers.values()], additionals: [...additionals.values()] }
}

function reverse(asked: Asked, parts: AnswerParts): 'missing' | Found {
  const { query } = asked
  if (!isReverse(query.name)) return probe(asked, parts)
  const address = addressOfReverseName(query.name)
  const names = address === undefined ? [] : parts.directory.findNames(toAddress(address), parts.primaryZone)
  if (names.length === 0) return asked.labels.length === 0 ? NOTHING : 'missing'
  return { answers: names.map((data) => ({ name: query.qname, type: 'PTR', ttl: parts.ttl, data })) }
}

/** The names under which this server is known in the cluster, and their addresses. */
function nameservers(asked: Asked, parts: AnswerParts): Found {
  const places = ownPlaces(asked, parts)
  const names = new Set(places.map(({ name }) => name))
  const answers = [...names].map((data) => ({ name: asked.query.qname, type: 'NS' as const, ttl: parts.ttl, data }))
  return { answers, additionals: places.map(({ name, host }) => toAddressRecord(name, host, parts.ttl)) }
}

function ownPlaces({ zone }: Asked, { directory, ownAddresses }: AnswerParts): readonly Place[] {
  const own = ownAddresses()
  const places = directory.findOwn(own, zone)
  return places.length > 0 ? places : own.map((host) => ({ host, port: 0, name: below('ns.dns', zone) }))
}

function below(labels: string, zone: string): string {
  return zone === '.' ? `${labels}.` : `${labels}.${zone}`
}
