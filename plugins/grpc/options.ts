import {
  type Code,
  choice,
  one,
  option,
  type ParseScope,
  type ReadDirective,
  rest,
  some,
  text,
  toFallthrough,
  type ZoneList,
  zone,
} from 'corelet/plugin'
import { grpcDestination } from '../../src/forwarding/destination.ts'
import {
  type AttemptOptions,
  type ConnectionOptions,
  noting,
  readConnectionOptions,
} from '../../src/forwarding/options.ts'
import { POLICIES } from '../../src/upstream/policy.ts'

/** Milliseconds that a query may take, at one upstream or at several. */
const TIMEOUT = 5000
/** Milliseconds of idleness after which a connection is closed. */
const EXPIRE = 30 * 60_000

export const grammar = {
  args: [one(zone('FROM')), some(grpcDestination)],
  options: {
    except: option('names below FROM that are not forwarded', [some(zone('NAMES'))]),
    tls: option('certificate and key of the client, and the authorities that servers are verified with', [
      rest(text('FILE')),
    ]),
    tls_servername: option('name that the certificates of all upstreams must have', [one(text('NAME'))]),
    policy: option('order in which upstreams are tried; random', [
      one(choice('POLICY', POLICIES, { code: 'unknown-policy' })),
    ]),
    fallthrough: option('names that do not exist, and failures, go to the next plugin', [rest(zone('ZONES'))]),
  },
} as const

export const codes = {
  'bad-destination': {
    message: 'not an IP address or file: "{0}"',
    hint: 'write an address (10.0.0.10:443, [2001:db8::1]:443), unix:///PATH, or a file such as /etc/resolv.conf; gRPC is asked at port 53 when there is none',
    example: '. {\n  grpc . grpc://10.0.0.10\n}',
  },
  'too-many-destinations': {
    message: 'more than 15 TOs configured: {0}',
    hint: 'list at most 15; a file in the form of resolv.conf counts once',
    example: `. {\n  grpc .${Array.from({ length: 16 }, (_, i) => ` 127.0.0.${i + 1}`).join('')}\n}`,
  },
  'unknown-policy': {
    message: "unknown policy '{0}'",
    hint: 'policies are random, round_robin and sequential',
    example: '. {\n  grpc . 127.0.0.1 {\n    policy best\n  }\n}',
  },
} satisfies Record<string, Code>

export interface GrpcOptions extends ConnectionOptions, AttemptOptions {
  /** Zone that is forwarded, and whether the network it was written as stands for more zones. */
  from: string
  fromMany: boolean
  except: string[]
  fallthrough: ZoneList | undefined
}

/** Turns the directive into options; undefined after it has reported. */
export function parse([use]: readonly ReadDirective<typeof grammar>[], scope: ParseScope): GrpcOptions | undefined {
  const { values, tokens, options } = use!
  const [from, destinations] = values
  const { tls, tls_servername } = options
  const noted = noting(scope.report)
  const connection = readConnectionOptions({ tls, tls_servername }, destinations, tokens.slice(1), noted.report)
  const through = options.fallthrough.at(-1)
  if (noted.failed) return undefined
  return {
    ...connection,
    tls: connection.tls ?? (connection.tlsServerName === undefined ? undefined : {}),
    readTimeout: TIMEOUT,
    expire: EXPIRE,
    maxFails: 0,
    maxConnectAttempts: undefined,
    rounds: 1,
    policy: options.policy.at(-1)?.values[0] ?? 'random',
    maxConcurrent: 0,
    failfast: false,
    failover: new Set(),
    from: from[0]!,
    fromMany: from.length > 1,
    except: options.except.flatMap((line) => line.values[0].flat()),
    fallthrough: through && toFallthrough(through.values[0].flat()),
  }
}
