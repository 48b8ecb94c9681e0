import {
  AA,
  type Code,
  definePlugin,
  type Line,
  type Query,
  RA,
  RD,
  type Reply,
  type Report,
  type Token,
  usage,
  whenReply,
} from 'corelet/plugin'

const FLAGS: Record<string, number> = { aa: AA, ra: RA, rd: RD }

/** What a flags word is changed by: `flags & keep | set`. */
interface Change {
  keep: number
  set: number
}

const code = (message: string, hint: string, line: string): Code => ({
  message: `setting up rule: ${message}`,
  hint,
  example: `. {\n  header {\n    ${line}\n  }\n}`,
})

/** Sets and clears flags of queries and answers. */
export default definePlugin({
  name: 'header',
  summary: 'sets and clears flags of queries and answers',
  repeat: 'merge',
  directive: { args: [], others: 'keep' },
  errors: {
    'bad-selector': code(
      'invalid selector={0} should be query or response',
      'usage: query|response set|clear FLAG...',
      'set ra',
    ),
    'no-action': code('no flag action provided', 'usage: query|response set|clear FLAG...', 'response'),
    'no-flags': code(
      'invalid length for flags, at least one should be provided',
      'flags are aa, ra and rd',
      'response set',
    ),
    'bad-action': code(
      'unknown flag action={0}, should be set or clear',
      'usage: query|response set|clear FLAG...',
      'response flip ra',
    ),
    'bad-flag': code('unknown/unsupported flag={0}', 'flags are aa, ra and rd', 'response set tc'),
  },
  parse(uses, { report }) {
    const use = uses.find(({ lines }) => lines.length > 0)
    if (!use) return void report(uses[0]!.token, 'wrong-argument-count', 'header', usage('header', []))
    const rules = use.lines.map((line) => readRule(line, report))
    const changeOf = (selector: string): Change | undefined => {
      const own = rules.filter((rule) => rule?.selector === selector)
      return own.length > 0 ? own.reduce<Change>((sum, rule) => apply(sum, rule!), { keep: 0xffff, set: 0 }) : undefined
    }
    return rules.includes(undefined) ? undefined : { query: changeOf('query'), response: changeOf('response') }
  },
  start({ query: onQuery, response: onResponse }) {
    const toAsked = (query: Query) => {
      const flags = onQuery ? changed(query.flags, onQuery) : query.flags
      return flags === query.flags ? query : query.with({ flags })
    }
    const toAnswer = (reply: Reply) =>
      reply.kind === 'answer' ? reply.copy({ flags: changed(reply.flags, onResponse!) }) : reply
    return function header(query, next) {
      const result = next(toAsked(query))
      return onResponse ? whenReply(result, toAnswer) : result
    }
  },
})

interface Rule {
  selector: 'query' | 'response'
  action: 'set' | 'clear'
  bits: number
}

/** Reads `query|response set|clear FLAG...`; undefined after it has reported. */
function readRule({ name, args }: Line, report: Report): Rule | undefined {
  const word = (token: Token) => token.text.toLowerCase()
  const selector = word(name)
  const [verb, ...flags] = args
  if (selector !== 'query' && selector !== 'response') return void report(name, 'bad-selector', name.text)
  if (!verb) return void report(name, 'no-action')
  if (flags.length === 0) return void report(verb, 'no-flags')
  const action = word(verb)
  if (action !== 'set' && action !== 'clear') return void report(verb, 'bad-action', verb.text)
  const unknown = flags.filter((flag) => !Object.hasOwn(FLAGS, word(flag)))
  for (const flag of unknown) report(flag, 'bad-flag', flag.text)
  if (unknown.length > 0) return undefined
  return { selector, action, bits: flags.reduce((bits, flag) => bits | FLAGS[word(flag)]!, 0) }
}

function apply({ keep, set }: Change, { action, bits }: Rule): Change {
  return action === 'set' ? { keep, set: set | bits } : { keep: keep & ~bits, set: set & ~bits }
}

function changed(flags: number, { keep, set }: Change): number {
  return (flags & keep) | set
}
