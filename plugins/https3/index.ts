import { definePlugin, limit, limitCodes, one, option, readLimits } from 'corelet/plugin'

/** Read as CoreDNS reads it; there is no https3:// listener that it could tune. */
export default definePlugin({
  name: 'https3',
  summary: 'is read and means nothing, since HTTP/3 is not served',
  repeat: 'merge',
  directive: {
    args: [],
    options: {
      max_streams: option('streams of a connection, 0 for any number', [one(limit('max_streams', 0))]),
      max_connections: option('connections at a time, 0 for any number', [one(limit('max_connections', 0))]),
    },
  },
  errors: limitCodes('https3', 'max_streams', 0),
  parse: (uses, { report }) => readLimits(['max_streams', 'max_connections'], uses, report),
})
