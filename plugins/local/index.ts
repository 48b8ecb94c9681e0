import {
  choice,
  definePlugin,
  isBelow,
  keyOf,
  one,
  option,
  type Query,
  RCODES,
  type Reply,
  type ResourceRecord,
  TYPES,
  ZoneList,
} from 'corelet/plugin'

/** Seconds: a week. */
const TTL = 604_800

const LOCALHOST = keyOf('localhost.')
const LOOPBACK = keyOf('1.0.0.127.in-addr.arpa.')
/** The first label of `localhost.example.net.` as it stands in a key. */
const PREFIX = LOCALHOST.slice(0, -1)

/** Zones that no query should leave the machine for (RFC 6303 §4.1, §4.2, RFC 6761 §6.3). */
const ZONES = ['localhost.', '0.in-addr.arpa.', '127.in-addr.arpa.', '255.in-addr.arpa.']
const zones = new ZoneList(ZONES)
const apexes: ReadonlySet<string> = new Set(ZONES.map(keyOf))

/** Answers for localhost and for the reverse names of addresses that only mean something on one machine. */
export default definePlugin({
  name: 'local',
  summary: 'answers for localhost and reverse names of this-host addresses',
  repeat: 'merge',
  directive: {
    args: [],
    options: {
      localhost_prefix: option('whether names that begin with the label localhost are localhost', [
        one(choice('on|off', ['on', 'off'], { code: 'on-or-off' })),
      ]),
    },
  },
  errors: {
    'on-or-off': {
      message: "localhost_prefix expects 'on' or 'off', got \"{0}\"",
      hint: 'it is on when it is left out',
      example: '. {\n  local {\n    localhost_prefix maybe\n  }\n}',
    },
  },
  parse: (uses) => ({ prefix: uses.flatMap(({ options }) => options.localhost_prefix).at(-1)?.values[0] !== 'off' }),
  start({ prefix }, { metrics }) {
    const localhosts = metrics
      .counter('coredns_local_localhost_requests_total', 'Counter of localhost.<domain> requests.')
      .with()
    return function local(query, next) {
      const { key } = query
      const below = key !== LOCALHOST && isBelow(key, LOCALHOST)
      if (below || (prefix && key !== LOCALHOST && key.startsWith(PREFIX))) {
        localhosts.inc()
        return answer(query, toAddress(query), query.qname)
      }
      const match = zones.match(key)
      if (match === undefined) return next(query)
      if (apexes.has(key)) return answer(query, toApex(query), query.qname)
      const zone = query.qname.slice(-match.length)
      if (key === LOOPBACK) return answer(query, toPointer(query), zone)
      return answer(query, [], zone, RCODES.NXDOMAIN)
    }
  },
})

/** The records, or the SOA of `zone` when there are none. */
function answer(query: Query, answers: ResourceRecord[], zone: string, rcode: number = RCODES.NOERROR): Reply {
  const authorities = answers.length > 0 ? [] : [toSoa(zone)]
  return query.reply(
    { rcode, answers, authorities },
    'local',
    answers.length > 0 ? 'local name' : 'no such local record',
  )
}

function toAddress({ qname: name, qtype }: Query): ResourceRecord[] {
  if (qtype === TYPES.A) return [{ name, type: 'A', ttl: TTL, data: '127.0.0.1' }]
  return qtype === TYPES.AAAA ? [{ name, type: 'AAAA', ttl: TTL, data: '::1' }] : []
}

function toApex(query: Query): ResourceRecord[] {
  const { qname: name, qtype, key } = query
  if (qtype === TYPES.SOA) return [toSoa(name)]
  if (qtype === TYPES.NS) return [{ name, type: 'NS', ttl: TTL, data: 'localhost.' }]
  return key === LOCALHOST ? toAddress(query) : []
}

function toPointer({ qname: name, qtype }: Query): ResourceRecord[] {
  return qtype === TYPES.PTR ? [{ name, type: 'PTR', ttl: TTL, data: 'localhost.' }] : []
}

function toSoa(name: string): ResourceRecord {
  const times = { serial: 1, refresh: 0, retry: 0, expire: 0, minimum: TTL }
  return { name, type: 'SOA', ttl: TTL, data: { mname: 'localhost.', rname: 'root.localhost.', ...times } }
}
