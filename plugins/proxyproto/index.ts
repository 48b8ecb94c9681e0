import {
  choice,
  createNetworkMatch,
  custom,
  definePlugin,
  duration,
  type ListenerProxy,
  network,
  one,
  option,
  optional,
  type ProxyPolicy,
  rest,
} from 'corelet/plugin'

const POLICIES = ['use', 'ignore', 'reject', 'skip'] as const
/** Clients whose proxies said once who they are. */
const SESSIONS = 10_240
/** Milliseconds in which refused headers are told of once. */
const LOG_INTERVAL = 10_000

const sessions = custom('MAX', 'integer', (token, report) => {
  const count = /^\+?\d{1,9}$/.test(token.text) ? Number(token.text) : 0
  return count > 0 ? count : void report(token, 'bad-sessions', token.text)
})

/** Takes the client's address from what a proxy in front says. */
export default definePlugin({
  name: 'proxyproto',
  summary: 'takes the addresses of clients from the PROXY protocol',
  repeat: 'each',
  directive: {
    args: [],
    options: {
      allow: option('networks of proxies that are believed; all', [rest(network('CIDR'))]),
      default: option('what becomes of headers of all others', [
        one(choice('POLICY', POLICIES, { ignoreCase: true, code: 'unknown-policy' })),
      ]),
      udp_session_tracking: option('how long the client of a proxy is remembered for datagrams without a header', [
        one(duration('DURATION')),
        optional(sessions),
      ]),
    },
    unknown: 'unknown-option',
  },
  errors: {
    'configured-twice': {
      message: 'proxy protocol already configured for this server instance',
      hint: 'merge the two into one; it takes several networks',
      example: '. {\n  proxyproto\n  proxyproto\n}',
    },
    'unknown-policy': {
      message: "Wrong argument count or unexpected line ending after '{0}'",
      hint: 'policies are use, ignore, reject and skip',
      example: '. {\n  proxyproto {\n    default believe\n  }\n}',
    },
    'believes-all': {
      severity: 'warning',
      message: 'allow without a network lets everybody say who they are',
      hint: 'name the networks of the proxies: allow 10.0.0.0/24',
      example: '. {\n  proxyproto {\n    allow\n  }\n}',
    },
    'bad-sessions': {
      message: 'udp_session_tracking: invalid max sessions "{0}": must be a positive integer',
      hint: 'write a number such as 10240',
      example: '. {\n  proxyproto {\n    udp_session_tracking 1m 0\n  }\n}',
    },
    'unknown-option': {
      message: "unknown option '{0}'",
      hint: '{1}',
      example: '. {\n  proxyproto {\n    deny 10.0.0.0/8\n  }\n}',
    },
  },
  parse([use], { report }) {
    const { token, options } = use!
    const networks = options.allow.flatMap((line) => line.values[0])
    const other = options.default.at(-1)?.values[0]
    const [milliseconds = 0, most = SESSIONS] = options.udp_session_tracking.at(-1)?.values ?? []
    const isProxy = networks.length > 0 ? createNetworkMatch(networks) : undefined
    const others: ProxyPolicy = other ?? (isProxy ? 'ignore' : 'use')
    const [allow] = options.allow
    if (allow && !isProxy && others === 'use') report(allow.token, 'believes-all')
    const proxy: ListenerProxy = {
      policyOf: (address) => (isProxy?.(address) ? 'use' : others),
      tracking: milliseconds > 0 ? { milliseconds, most } : undefined,
      refused: (address, why) => told.refused?.(address, why),
    }
    const told: { refused?: ListenerProxy['refused'] } = {}
    return { token, proxy, told }
  },
  configure({ token, proxy }, settings, { report }) {
    if (settings.proxy) report(token, 'configured-twice')
    settings.proxy = proxy
  },
  start({ told }, { clock, log }) {
    let last = -Infinity
    let silent = 0
    told.refused = (address, why) => {
      const now = clock.monotonic()
      if (now - last < LOG_INTERVAL) {
        silent++
        return
      }
      log.warning(`refused ${address}: ${why}${silent > 0 ? `, and ${silent} more since` : ''}`)
      last = now
      silent = 0
    }
    return undefined
  },
})
