import { definePlugin, type Listener } from 'corelet/plugin'
import { Shedder } from './shedder.ts'

/** Milliseconds between two looks at what the sockets could not send. */
const INTERVAL = 1000

/** Drops queries that would have to wait when too many do already. */
export default definePlugin({
  name: 'shed',
  summary: 'drops UDP queries instead of letting them queue under overload',
  directive: { args: [], options: {}, unknown: 'no-options' },
  errors: {
    'no-options': {
      message: 'shed takes no options',
      hint: 'take {0} out',
      example: '. {\n  shed {\n    depth 10\n  }\n}',
    },
    'not-plain': {
      message: 'only plain DNS server blocks are supported; "{0}" uses transport "{1}"',
      hint: 'give the encrypted key a block of its own, without shed',
      example: 'tls://. {\n  shed\n  tls cert.pem key.pem\n  whoami\n}',
    },
  },
  parse: ([use]) => ({ token: use!.token }),
  configure({ token }, _settings, { keys, report }) {
    for (const { text, transport } of keys) if (transport !== 'dns') report(token, 'not-plain', text, transport)
  },
  start(_options, { metrics, clock, block, share }) {
    const dropped = metrics.counter(
      'coredns_shed_dropped_total',
      'Counter of DNS queries and responses dropped under overload.',
      ['server', 'reason'],
    )
    const shedders = share('shed', () => new Map<Listener, Shedder>())
    for (const listener of block.listeners) {
      if (!shedders.has(listener)) shedders.set(listener, new Shedder(listener, dropped))
    }
    const own = block.listeners.map((listener) => shedders.get(listener)!)
    const timer = clock.interval(INTERVAL, () => {
      for (const shedder of own) shedder.publish()
    })
    return {
      handler: function shed(query, next) {
        if (query.proto !== 'udp') return next(query)
        const shedder = shedders.get(query.listener)
        return shedder ? shedder.serve(query, next) : next(query)
      },
      stop: () => timer.cancel(),
    }
  },
})
