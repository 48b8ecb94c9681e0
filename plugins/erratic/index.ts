import {
  definePlugin,
  duration,
  integer,
  option,
  optional,
  type Query,
  RCODES,
  type Reply,
  type ResourceRecord,
  TC,
  TYPES,
} from 'corelet/plugin'

const DEFAULT_AMOUNT = 2
/** Milliseconds. */
const DEFAULT_DELAY = 100
const LARGE = 30
/** Queries after which it is ready, and after which it is not any more. */
const READY = [3, 5] as const

const amount = integer('AMOUNT', { min: 0, max: 2 ** 31 - 1, below: 'bad-amount' })

/** Answers badly, on purpose: for tests of clients. */
export default definePlugin({
  name: 'erratic',
  summary: 'drops, delays and truncates answers, for tests of clients',
  repeat: 'merge',
  directive: {
    args: [],
    options: {
      drop: option('drops every so many queries', [optional(amount)]),
      truncate: option('truncates every so many answers', [optional(amount)]),
      delay: option('delays every so many answers', [optional(amount), optional(duration('DURATION', { min: 0 }))]),
      large: option('answers with many records', []),
    },
  },
  errors: {
    'bad-amount': {
      message: 'illegal amount value given "{0}"',
      hint: '2 means every second query, 0 none',
      example: '. {\n  erratic {\n    drop -1\n  }\n}',
    },
  },
  parse(uses) {
    const drop = uses.flatMap(({ options }) => options.drop).at(-1)
    const truncate = uses.flatMap(({ options }) => options.truncate).at(-1)
    const delay = uses.flatMap(({ options }) => options.delay).at(-1)
    const amounts = {
      truncate: truncate ? (truncate.values[0] ?? DEFAULT_AMOUNT) : 0,
      delay: delay ? (delay.values[0] ?? DEFAULT_AMOUNT) : 0,
    }
    return {
      ...amounts,
      drop: drop?.values[0] ?? (amounts.truncate > 0 || amounts.delay > 0 ? 0 : DEFAULT_AMOUNT),
      duration: delay?.values[1] ?? DEFAULT_DELAY,
      large: uses.some(({ options }) => options.large.length > 0),
    }
  },
  start({ drop, truncate, delay, duration, large }, { clock }) {
    let asked = 0
    const each = (number: number, amount: number) => amount > 0 && number % amount === 0
    return {
      ready: () => asked >= READY[0] && asked < READY[1],
      handler: function erratic(query) {
        const number = asked++
        if (each(number, drop)) return query.drop('erratic', 'dropped')
        const reply = toReply(query, { truncated: each(number, truncate), large })
        if (!each(number, delay)) return reply
        return new Promise((resolve) => void clock.timeout(duration, () => resolve(reply)))
      },
    }
  },
})

function toReply(query: Query, { truncated, large }: { truncated: boolean; large: boolean }): Reply {
  const answers = query.qtype === TYPES.AXFR ? toZone(query.qname, truncated) : toAddresses(query, large)
  if (!answers) return query.fail(RCODES.SERVFAIL, 'erratic', undefined, 'no such type')
  const reply = query.reply({ authoritative: true, answers }, 'erratic', truncated ? 'truncated' : 'answered')
  return truncated && query.qtype !== TYPES.AXFR ? reply.copy({ flags: reply.flags | TC }) : reply
}

function toAddresses({ qname: name, qtype }: Query, large: boolean): ResourceRecord[] | undefined {
  if (qtype === TYPES.A) return new Array(large ? LARGE : 1).fill({ name, type: 'A', ttl: 0, data: '192.0.2.53' })
  if (qtype === TYPES.AAAA) return [{ name, type: 'AAAA', ttl: 0, data: '2001:db8::53' }]
  return undefined
}

/** A small zone for a transfer, whose last record is its first again; without it when the transfer is to break off (RFC 5936 §2.2). */
function toZone(name: string, truncated: boolean): ResourceRecord[] {
  const prefix = name === '.' ? '' : name
  const times = { refresh: 7200, retry: 3600, expire: 1_209_600, minimum: 3600 }
  const soa: ResourceRecord = {
    name,
    type: 'SOA',
    ttl: 0,
    data: { mname: `a.${prefix}`, rname: `hostmaster.${prefix}`, serial: 1, ...times },
  }
  const records: ResourceRecord[] = [
    { name, type: 'NS', ttl: 0, data: `a.${prefix}` },
    { name, type: 'NS', ttl: 0, data: `b.${prefix}` },
    { name: `a.${prefix}`, type: 'AAAA', ttl: 0, data: '2001:db8::53' },
    { name: `b.${prefix}`, type: 'AAAA', ttl: 0, data: '2001:db8::54' },
  ]
  return [soa, ...records, ...(truncated ? [] : [soa])]
}
