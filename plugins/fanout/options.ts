import {
  type Code,
  choice,
  custom,
  duration,
  integer,
  keyOf,
  one,
  option,
  type ParseScope,
  type ReadDirective,
  rcode,
  some,
  text,
  type Value,
  zone,
} from 'corelet/plugin'
import { PATIENCE } from '../../src/forwarding/attempts.ts'
import { type Destination, destination } from '../../src/forwarding/destination.ts'
import {
  type ConnectionOptions,
  connectionOptions,
  noting,
  readConnectionOptions,
} from '../../src/forwarding/options.ts'
import type { RaceOptions } from './race.ts'

const DNS_PORT = 53
const TLS_PORT = 853
const DEFAULT_ATTEMPTS = 3
const MAX_WEIGHT = 100

/** `50 70 100` or `50,70,100`. */
const weights: Value<number[]> = custom('FACTOR', 'integer', (token, report) => {
  const numbers = token.text.split(',').map(Number)
  if (numbers.every((number) => Number.isInteger(number) && number >= 1 && number <= MAX_WEIGHT)) return numbers
  return void report(token, 'bad-load-factor', token.text)
})

export const grammar = {
  args: [one(zone('FROM')), some(destination)],
  options: {
    ...connectionOptions,
    'tls-server': option('the same as tls_servername', [one(text('NAME'))]),
    network: option('asks over this, whatever the client used', [
      one(choice('NETWORK', ['udp', 'tcp', 'tcp-tls'], { ignoreCase: true })),
    ]),
    except: option('names below FROM that are not asked for', [some(zone('NAMES'))]),
    'except-file': option('a file with such names, one on a line', [one(text('FILE'))]),
    'worker-count': option('how many upstreams are asked at once; all', [one(integer('NUMBER', { min: 1 }))]),
    policy: option('which upstreams a query goes to; sequential', [
      one(choice('POLICY', ['sequential', 'weighted-random'])),
    ]),
    'weighted-random-server-count': option('how many are drawn; all', [one(integer('NUMBER', { min: 1 }))]),
    'weighted-random-load-factor': option('the weights of the upstreams, 1 to 100, in their order', [some(weights)]),
    'attempt-count': option('exchanges that may fail with one upstream; 3, and 0 is any number', [
      one(integer('NUMBER', { min: 0 })),
    ]),
    timeout: option('how long a query may take; 4.4s', [one(duration('DURATION', { min: 1e-6 }))]),
    race: option('the first reply counts, whatever its rcode', []),
    next: option('rcodes for which the next fanout is asked', [some(rcode())]),
    max_concurrent: option('queries that may be in flight; more are refused; 0 is without limit', [
      one(integer('MAX', { min: 0, below: 'max-concurrent-negative' })),
    ]),
  },
} as const

export interface FanoutOptions extends ConnectionOptions, RaceOptions {
  /** Key of the zone. */
  from: string
  except: string[]
  exceptFile: string | undefined
  /** How many are drawn by weight; undefined when all are asked in their order, 0 for all. */
  drawn: number | undefined
  /** In the order of the upstreams; those that are not there weigh 100. */
  weights: number[]
  next: ReadonlySet<number>
  maxConcurrent: number
}

/** The code of `fanout` beside those of all plugins that ask upstreams. */
export const LOAD_FACTOR: Code = {
  message: 'invalid load factor: {0}',
  hint: 'write one whole number from 1 to 100 for each upstream',
  example: '. {\n  fanout . 127.0.0.1 {\n    policy weighted-random\n    weighted-random-load-factor 101\n  }\n}',
}

/** Turns one directive into options; undefined after it has reported. */
export function parse([use]: readonly ReadDirective<typeof grammar>[], scope: ParseScope): FanoutOptions | undefined {
  const { values, tokens, options } = use!
  const [from, destinations] = values
  const noted = noting(scope.report)
  const network = options.network.at(-1)?.values[0]
  const factors = options['weighted-random-load-factor'].at(-1)
  const given = factors?.values[0].flat() ?? []
  if (given.length > destinations.length)
    noted.report(factors!.tokens.at(-1)!, 'bad-load-factor', `${given.length} of them`)
  const servers = network === 'tcp-tls' ? destinations.map(toTls) : destinations
  const named = { ...options, tls_servername: [...options.tls_servername, ...options['tls-server']] }
  const connection = readConnectionOptions(named, servers, tokens.slice(1), noted.report)
  const drawn = options.policy.at(-1)?.values[0] === 'weighted-random'
  const parsed: FanoutOptions = {
    from: keyOf(from[0]!),
    except: options.except.flatMap((line) => line.values[0].flat()),
    exceptFile: options['except-file'].at(-1)?.values[0],
    ...connection,
    forceTcp: connection.forceTcp || network === 'tcp',
    preferUdp: connection.preferUdp || network === 'udp',
    drawn: drawn ? (options['weighted-random-server-count'].at(-1)?.values[0] ?? 0) : undefined,
    weights: given,
    timeout: options.timeout.at(-1)?.values[0] ?? PATIENCE,
    workers: options['worker-count'].at(-1)?.values[0],
    attempts: options['attempt-count'].at(-1)?.values[0] ?? DEFAULT_ATTEMPTS,
    firstCounts: options.race.length > 0,
    next: new Set(options.next.flatMap((line) => line.values[0])),
    maxConcurrent: options.max_concurrent.at(-1)?.values[0] ?? 0,
  }
  return noted.failed ? undefined : parsed
}

function toTls(server: Destination): Destination {
  if (server.kind === 'server' && server.target.transport === 'dns') {
    const { target } = server
    return {
      ...server,
      target: { ...target, transport: 'tls', port: target.port === DNS_PORT ? TLS_PORT : target.port },
    }
  }
  if (server.kind === 'host' && server.transport === 'dns') {
    const { kind, name, port } = server
    return { kind, name, transport: 'tls', port: port === DNS_PORT ? TLS_PORT : port }
  }
  return server
}
