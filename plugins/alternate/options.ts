import { keyOf, type ParseScope, RCODES, type ReadDirective, rcode, some, type Token, text, zone } from 'corelet/plugin'
import { type Destination, destination } from '../../src/forwarding/destination.ts'
import {
  type AttemptOptions,
  attemptOptions,
  type ConnectionOptions,
  connectionOptions,
  noting,
  readAttemptOptions,
  readConnectionOptions,
} from '../../src/forwarding/options.ts'

export const grammar = {
  args: [some(text('[original] RCODES FROM TO'))],
  options: { ...connectionOptions, ...attemptOptions },
} as const

/** One `alternate`. */
export interface AlternateOptions extends ConnectionOptions, AttemptOptions {
  /** Whether the client's own EDNS is asked with. */
  original: boolean
  rcodes: ReadonlySet<number>
  /** Key of the zone. */
  from: string
}

type Report = ParseScope['report']

const USAGE = 'alternate [original] RCODE[,RCODE...] FROM TO...'

/** Reads all uses in a block; undefined after it has reported. */
export function parse(
  uses: readonly ReadDirective<typeof grammar>[],
  { report }: ParseScope,
): AlternateOptions[] | undefined {
  const noted = noting(report)
  const taken = new Set<string>()
  const rules = uses.map((use) => readUse(use, noted.report))
  for (const [i, rule] of rules.entries()) {
    for (const code of rule?.rcodes ?? []) {
      const place = `${code} ${rule!.from}`
      if (taken.has(place)) noted.report(uses[i]!.token, 'rcode-twice', toName(code))
      taken.add(place)
    }
  }
  return noted.failed || !rules.every((rule) => rule !== undefined) ? undefined : rules
}

function readUse({ token, tokens, options }: ReadDirective<typeof grammar>, report: Report) {
  const original = tokens[0]?.text === 'original'
  const [list, from, ...servers] = original ? tokens.slice(1) : tokens
  if (!list || !from || servers.length === 0) {
    const last = tokens.at(-1) ?? token
    return void report(last, 'wrong-argument-count', last.text, USAGE)
  }
  const rcodes = readRcodes(list, report)
  const zones = zone('FROM').read(from, report)
  const destinations = servers.map((server) => destination.read(server, report))
  if (!rcodes || !zones || !destinations.every((each): each is Destination => each !== undefined)) return undefined
  return {
    original,
    rcodes,
    from: keyOf(zones[0]!),
    ...readConnectionOptions(options, destinations, servers, report),
    ...readAttemptOptions(options),
  }
}

function readRcodes(token: Token, report: Report): Set<number> | undefined {
  const numbers = token.text.split(',').map((word) => rcode().read({ ...token, text: word }, report))
  return numbers.every((number) => number !== undefined) ? new Set(numbers) : undefined
}

function toName(code: number): string {
  return Object.entries(RCODES).find(([, number]) => number === code)?.[0] ?? String(code)
}
