import {
  addressToOctets,
  choice,
  createNetworkMatch,
  definePlugin,
  integer,
  network,
  one,
  option,
  type Query,
  RCODES,
  type Reply,
  some,
  TC,
  unmapOctets,
} from 'corelet/plugin'
import { Buckets } from './buckets.ts'

/** Octets of an address that tell one client from the next: a /24 of IPv4, a /56 of IPv6. */
const PREFIX = { 4: 3, 16: 7 } as Record<number, number>

/** Limits how many answers over UDP a client gets. */
export default definePlugin({
  name: 'client-limit',
  summary: 'limits how many answers a client gets',
  directive: {
    args: [one(integer('RATE', { min: 1, max: 1_000_000 }))],
    options: {
      burst: option('answers that may come at once', [one(integer('N', { min: 1, max: 1_000_000 }))]),
      clients: option('clients that are remembered', [one(integer('N', { min: 1, max: 1_000_000 }))]),
      over: option('what becomes of queries beyond', [one(choice('WHAT', ['truncate', 'refuse', 'drop']))]),
      allow: option('clients without a limit', [some(network())]),
    },
  },
  parse([use]) {
    const { values, options } = use!
    const [rate] = values
    return {
      rate,
      burst: options.burst.at(-1)?.values[0] ?? 2 * rate,
      clients: options.clients.at(-1)?.values[0] ?? 10_000,
      over: options.over.at(-1)?.values[0] ?? 'truncate',
      allow: options.allow.flatMap((line) => line.values[0]),
    }
  },
  start({ rate, burst, clients, over, allow }, { clock, metrics }) {
    const buckets = new Buckets(rate, burst, clients)
    const isAllowed = createNetworkMatch(allow)
    const limited = metrics.counter('corelet_client_limit_limited_total', 'Queries beyond the limit.', ['action'])
    const counter = limited.with(over)
    const known = metrics.gauge('corelet_client_limit_clients', 'Clients that are remembered.').with()
    return (query, next) => {
      // who speaks TCP has shown that the address is its own
      if (query.proto === 'tcp' || isAllowed(query.client.address)) return next(query)
      const allowed = buckets.take(toClient(query.client.address), clock.monotonic())
      known.set(buckets.size)
      if (allowed) return next(query)
      counter.inc()
      return answerLess(query, over)
    }
  },
})

/** The network that an address belongs to, as a key. */
function toClient(address: string): string {
  const octets = addressToOctets(address.replace(/%.*/, ''))
  if (!octets) return address
  const plain = unmapOctets(octets)
  return String.fromCharCode(...plain.subarray(0, PREFIX[plain.length]))
}

/** The least that can be said. A truncated answer is no longer than the query, and brings honest clients back over TCP. */
function answerLess(query: Query, over: 'truncate' | 'refuse' | 'drop'): Reply {
  if (over === 'drop') return query.drop('client-limit', 'over the limit')
  if (over === 'refuse') return query.fail(RCODES.REFUSED, 'client-limit', undefined, 'over the limit')
  const reply = query.reply({}, 'client-limit', 'over the limit')
  return reply.copy({ flags: reply.flags | TC })
}
