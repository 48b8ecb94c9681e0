import { hostname } from 'node:os'
import project from 'corelet/package.json' with { type: 'json' }
import { CLASSES, definePlugin, keyOf, optional, rest, TYPES, text } from 'corelet/plugin'
import { shuffle } from '../../src/upstream/random.ts'

/** Octets of a character string (RFC 1035 §3.3). */
const MAX_STRING = 255

/** Authors that are told: their records must fit into a message. */
const MAX_AUTHORS = 200

const DEFAULT_AUTHORS = ['The corelet authors']

/** Answers the TXT queries of class CH that ask for version, authors and name of a server. */
export default definePlugin({
  name: 'chaos',
  summary: 'answers queries of class CH about the server itself',
  repeat: 'first',
  directive: { args: [optional(text('VERSION')), rest(text('AUTHORS'))], options: {} },
  parse([use]) {
    const [given, authors] = use!.values
    return {
      version: cut(given ?? `${project.name}-${project.version}`),
      authors: authors.length > 0 ? [...new Set(authors)].slice(0, MAX_AUTHORS).map(cut) : DEFAULT_AUTHORS,
    }
  },
  configure(_options, settings) {
    settings.anyClass = true
  },
  start(options) {
    const host = () => [cut(hostname() || 'localhost')]
    const version = () => [options.version]
    const strings = new Map([
      [keyOf('version.bind.'), version],
      [keyOf('version.server.'), version],
      [keyOf('authors.bind.'), () => shuffle(options.authors)],
      [keyOf('hostname.bind.'), host],
      [keyOf('id.server.'), host],
    ])
    return function chaos(query, next) {
      if (query.qclass !== CLASSES.CH || query.qtype !== TYPES.TXT) return next(query)
      const told = strings.get(query.key)
      if (!told) return next(query)
      const name = query.qname
      const answers = told().map((data) => ({ name, type: 'TXT' as const, class: 'CH', ttl: 0, data: [data] }))
      return query.reply({ answers }, 'chaos', 'about this server')
    }
  },
})

/** The text without what goes beyond a character string, whole characters only. */
function cut(text: string): string {
  const octets = Buffer.from(text)
  let end = Math.min(octets.length, MAX_STRING)
  while (end < octets.length && (octets[end]! & 0xc0) === 0x80) end--
  return octets.toString('utf8', 0, end)
}
