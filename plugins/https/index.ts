import { definePlugin, limit, limitCodes, one, option, readLimits } from 'corelet/plugin'

/** Tunes the listeners of https://. */
export default definePlugin({
  name: 'https',
  summary: 'bounds the connections of DNS over HTTPS listeners',
  repeat: 'merge',
  directive: {
    args: [],
    options: {
      max_connections: option('connections at a time, 0 for any number; 200', [one(limit('max_connections', 0))]),
    },
  },
  errors: limitCodes('https', 'max_connections', 0),
  parse: (uses, { report }) => readLimits(['max_connections'], uses, report),
  configure(limits, settings) {
    settings.limits.https = limits
  },
})
