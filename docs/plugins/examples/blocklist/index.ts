import { resolve } from 'node:path'
import {
  choice,
  definePlugin,
  duration,
  one,
  option,
  type Query,
  RCODES,
  type Reply,
  some,
  TYPES,
  text,
  ZoneList,
  zone,
} from 'corelet/plugin'
import { ListFile } from './list-file.ts'
import { isListed } from './names.ts'

/** Seconds that clients may keep what they are told. */
const TTL = 60

/** Denies the names on a list, and all names below them. */
export default definePlugin({
  name: 'blocklist',
  summary: 'denies the names on a list',
  directive: {
    args: [one(text('FILE'))],
    options: {
      answer: option('what clients are told', [one(choice('WHAT', ['nxdomain', 'zero']))]),
      reload: option('how often the file is looked at', [one(duration('DURATION', { min: 100 }))]),
      allow: option('names that are never denied, nor those below', [some(zone())]),
    },
  },
  parse([use]) {
    const { values, options } = use!
    return {
      path: values[0],
      answer: options.answer.at(-1)?.values[0] ?? 'nxdomain',
      reload: options.reload.at(-1)?.values[0] ?? 5000,
      allow: new ZoneList(options.allow.flatMap((line) => line.values[0].flat())),
    }
  },
  async start({ path, answer, reload, allow }, context) {
    const { metrics, block } = context
    const entries = metrics.gauge('corelet_blocklist_entries', 'Names on the list.', [], 'max').with()
    const denied = metrics.counter('corelet_blocklist_denied_total', 'Queries that were denied.').with()
    // a list that is not there fails the start: nobody wants to find out later that nothing was denied
    const file = await ListFile.open(resolve(block.settings.root, path), reload, context, (size) => entries.set(size))
    return {
      handler(query, next) {
        if (!isListed(query.key, file.names) || allow.has(query.key)) return next(query)
        denied.inc()
        return deny(query, answer)
      },
      stop: () => file.close(),
    }
  },
})

function deny(query: Query, answer: 'nxdomain' | 'zero'): Reply {
  const soa = {
    name: query.name,
    type: 'SOA',
    ttl: TTL,
    data: { mname: 'blocklist.', rname: '.', serial: 1, refresh: 0, retry: 0, expire: 0, minimum: TTL },
  } as const
  if (answer === 'nxdomain') return query.reply({ rcode: RCODES.NXDOMAIN, authorities: [soa] }, 'blocklist', 'listed')
  const address =
    query.qtype === TYPES.A
      ? ({ type: 'A', data: '0.0.0.0' } as const)
      : query.qtype === TYPES.AAAA
        ? ({ type: 'AAAA', data: '::' } as const)
        : undefined
  if (!address) return query.reply({ authorities: [soa] }, 'blocklist', 'listed')
  return query.reply({ answers: [{ name: query.name, ttl: TTL, ...address }] }, 'blocklist', 'listed')
}
