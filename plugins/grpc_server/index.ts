import { definePlugin, limit, limitCodes, one, option, readLimits } from 'corelet/plugin'

/** Tunes the listeners of grpc://. */
export default definePlugin({
  name: 'grpc_server',
  summary: 'bounds the connections of gRPC listeners',
  repeat: 'merge',
  directive: {
    args: [],
    options: {
      max_streams: option('calls that a connection may have open, 0 for any number; 256', [
        one(limit('max_streams', 0)),
      ]),
      max_connections: option('connections at a time, 0 for any number; 200', [one(limit('max_connections', 0))]),
    },
  },
  errors: limitCodes('grpc_server', 'max_streams', 0),
  parse: (uses, { report }) => readLimits(['max_streams', 'max_connections'], uses, report),
  configure(limits, settings) {
    settings.limits.grpc = limits
  },
})
