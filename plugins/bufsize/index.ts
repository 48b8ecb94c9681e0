import { custom, definePlugin, optional } from 'corelet/plugin'

/** Octets; what no path in use fragments (RFC 9715 §3.1). */
const DEFAULT_SIZE = 1232
const MIN_SIZE = 512
const MAX_SIZE = 4096

const size = custom('SIZE', 'integer', (token, report) => {
  const octets = Number(token.text)
  if (/^\d+$/.test(token.text) && octets >= MIN_SIZE && octets <= MAX_SIZE) return octets
  return void report(token, 'bad-size', token.text)
})

/** Bounds the size of UDP answers, of this server's and of those it asks for. */
export default definePlugin({
  name: 'bufsize',
  summary: 'bounds the size of UDP answers',
  repeat: 'first',
  directive: { args: [optional(size)] },
  errors: {
    'bad-size': {
      message: "Wrong argument count or unexpected line ending after '{0}'",
      hint: `SIZE is a number of octets, from ${MIN_SIZE} to ${MAX_SIZE}`,
      example: '. {\n  bufsize 100\n}',
    },
  },
  parse: ([use]) => ({ size: use!.values[0] ?? DEFAULT_SIZE }),
  start: ({ size }) =>
    function bufsize(query, next) {
      if (!query.edns) return next(query)
      query.origin.udpLimit = size
      if (query.udpSize <= size) return next(query)
      return next(query.with({ edns: { udpSize: size, flags: query.ednsFlags, options: query.options } }))
    },
})
