import { definePlugin, limit, limitCodes, one, option, readLimits } from 'corelet/plugin'

/** Read as CoreDNS reads it; there is no quic:// listener that it could tune. */
export default definePlugin({
  name: 'quic',
  summary: 'is read and means nothing, since QUIC is not served',
  repeat: 'merge',
  directive: {
    args: [],
    options: {
      max_streams: option('streams of a connection', [one(limit('max_streams', 1))]),
      worker_pool_size: option('queries that are read at a time', [one(limit('worker_pool_size', 1))]),
    },
  },
  errors: limitCodes('quic', 'max_streams', 1),
  parse: (uses, { report }) => readLimits(['max_streams', 'worker_pool_size'], uses, report),
})
