import {
  type Codes,
  fromTypeName,
  type Line,
  type Network,
  network,
  type ParseScope,
  type ReadDirective,
  type Report,
  rest,
  type Token,
  toTypeName,
  zone,
} from 'corelet/plugin'

const ACTIONS = ['allow', 'block', 'filter', 'drop'] as const

/** What becomes of a query. */
export type Action = (typeof ACTIONS)[number]

/** A line of a rule. */
export interface Policy {
  action: Action
  /** undefined for all types. */
  types: ReadonlySet<number> | undefined
  /** undefined for all clients. */
  networks: readonly Network[] | undefined
}

/** One use of the directive: its first policy that fits decides. */
export interface Rule {
  /** As text. */
  zones: readonly string[]
  policies: readonly Policy[]
}

const example = (line: string) => `. {\n  acl {\n    ${line}\n  }\n}`

export const errors = {
  'bad-action': {
    message: "unexpected token \"{0}\"; expect 'allow', 'block', 'filter' or 'drop'",
    hint: 'usage: allow|block|filter|drop [type QTYPE...] [net SOURCE...]',
    example: example('deny net 192.0.2.0/24'),
  },
  'bad-section': {
    message: 'unexpected token "{0}"; expect \'type | net\'',
    hint: 'usage: allow|block|filter|drop [type QTYPE...] [net SOURCE...]',
    example: example('block 192.0.2.0/24'),
  },
  'empty-section': {
    message: 'no token specified in "{0}" section',
    hint: 'write * for all of them',
    example: example('block type net 192.0.2.0/24'),
  },
  'bad-type': {
    message: 'unexpected token "{0}"; expect legal QTYPE',
    hint: 'a record type in capitals such as A or AAAA, or * for all types',
    example: example('block type AXYZ'),
  },
  'bad-source': {
    message: 'illegal CIDR notation "{0}"',
    hint: 'write an address, a network such as 10.0.0.0/8 or 2001:db8::/32, or * for all clients',
    example: example('block net 192.0.2.0/33'),
  },
} satisfies Codes

export const directive = { args: [rest(zone('ZONES'))], others: 'keep' } as const

const source = network('SOURCE', 'bad-source')

/** Reads all uses of the directive, a rule each. */
export function parse(
  uses: readonly ReadDirective<typeof directive>[],
  { zones, report }: ParseScope,
): readonly Rule[] | undefined {
  let failed = false
  const noting: Report = (...finding) => {
    failed = true
    report(...finding)
  }
  const rules = uses.map(({ values, lines }): Rule => {
    const own = values[0].flat()
    return { zones: own.length > 0 ? own : zones, policies: lines.flatMap((line) => readPolicy(line, noting) ?? []) }
  })
  return failed ? undefined : rules
}

/** Reads `ACTION [type QTYPE...] [net SOURCE...]`. */
function readPolicy({ name, args }: Line, report: Report): Policy | undefined {
  const action = ACTIONS.find((each) => each === name.text.toLowerCase())
  if (!action) return void report(name, 'bad-action', name.text)
  const types: (number | undefined)[] = []
  const networks: (Network | undefined)[] = []
  const all = { type: false, net: false }
  for (const { word, tokens } of toSections(args)) {
    const section = word.text.toLowerCase()
    if (section !== 'type' && section !== 'net') return void report(word, 'bad-section', word.text)
    if (tokens.length === 0) return void report(word, 'empty-section', word.text)
    for (const token of tokens) {
      if (token.text === '*') {
        all[section] = true
        break
      }
      if (section === 'type') types.push(readType(token, report))
      else networks.push(source.read(token, report))
    }
  }
  return {
    action,
    types: all.type || types.length === 0 ? undefined : new Set(types.filter(isRead)),
    networks: all.net || networks.length === 0 ? undefined : networks.filter(isRead),
  }
}

/** The words of a line, cut in front of each `type` and `net`. */
function toSections(words: readonly Token[]): { word: Token; tokens: Token[] }[] {
  const sections: { word: Token; tokens: Token[] }[] = []
  for (const word of words) {
    const last = sections.at(-1)
    if (last && !['type', 'net'].includes(word.text.toLowerCase())) last.tokens.push(word)
    else sections.push({ word, tokens: [] })
  }
  return sections
}

/** Types are written as CoreDNS knows them: in capitals. */
function readType(token: Token, report: Report): number | undefined {
  const type = fromTypeName(token.text)
  if (type === undefined || toTypeName(type) !== token.text) return void report(token, 'bad-type', token.text)
  return type
}

/** What could not be read was reported. */
function isRead<T>(value: T | undefined): value is T {
  return value !== undefined
}
