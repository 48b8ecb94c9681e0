import {
  type Codes,
  choice,
  integer,
  type Network,
  network,
  one,
  option,
  type ParseScope,
  RCODES,
  type ReadDirective,
  rest,
  some,
  zone,
} from 'corelet/plugin'

/** What is taken out of answers to other questions than AAAA. */
export type Stripped = 'additional' | 'any' | 'ipv6hint'

export interface FilterOptions {
  /** As text. */
  zones: readonly string[]
  /** Zones below those that are left alone. */
  except: readonly string[]
  /** Networks of the clients that see no AAAA; empty for all clients. */
  networks: readonly Network[]
  /** AAAA is hidden only where the name has an A record. */
  onlyWithA: boolean
  /** Signed answers are filtered for clients that set DO too. */
  breakDnssec: boolean
  /** NOERROR or NXDOMAIN. */
  rcode: number
  /** Seconds that a filtered answer may be cached. */
  ttl: number
  strip: ReadonlySet<Stripped>
}

export const errors = {
  'nxdomain-denies-name': {
    message: 'rcode NXDOMAIN says that the name does not exist, with no type',
    hint: 'clients that ask for A and AAAA at once, and resolvers that follow RFC 8020, lose the A records too; NOERROR is safe',
    example: '. {\n  aaaa-filter {\n    rcode NXDOMAIN\n  }\n}',
    severity: 'warning',
  },
} satisfies Codes

const MAX_TTL = 86_400

export const directive = {
  args: [rest(zone('ZONES'))],
  options: {
    only_with_a: option('hides AAAA only where the name has an A record', []),
    net: option('clients to hide AAAA from', [some(network('CIDR'))]),
    except: option('zones to leave alone', [some(zone('ZONES'))]),
    break_dnssec: option('filters signed answers for clients that set DO too', []),
    rcode: option('what AAAA is answered with', [one(choice('RCODE', ['NOERROR', 'NXDOMAIN'], { ignoreCase: false }))]),
    ttl: option('seconds that a filtered answer may be cached', [one(integer('SECONDS', { min: 0, max: MAX_TTL }))]),
    strip: option('takes more traces of IPv6 out of answers', [
      some(choice('WHAT', ['additional', 'any', 'ipv6hint'])),
    ]),
  },
} as const

/** Reads one use of the directive. */
export function parse(uses: readonly ReadDirective<typeof directive>[], scope: ParseScope): FilterOptions {
  const { values, options } = uses[0]!
  const zones = values[0].flat()
  const rcode = options.rcode.at(-1)
  if (rcode?.values[0] === 'NXDOMAIN') scope.report(rcode.tokens[0]!, 'nxdomain-denies-name')
  return {
    zones: zones.length > 0 ? zones : scope.zones,
    except: options.except.flatMap(({ values }) => values[0].flat()),
    networks: options.net.flatMap(({ values }) => values[0]),
    onlyWithA: options.only_with_a.length > 0,
    breakDnssec: options.break_dnssec.length > 0,
    rcode: RCODES[rcode?.values[0] ?? 'NOERROR'],
    ttl: options.ttl.at(-1)?.values[0] ?? 60,
    strip: new Set(options.strip.flatMap(({ values }) => values[0])),
  }
}
