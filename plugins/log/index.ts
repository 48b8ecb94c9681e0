import {
  askAndNote,
  type Code,
  choice,
  definePlugin,
  isBelow,
  keyOf,
  option,
  type Query,
  type Reply,
  type Report,
  type ResponseType,
  rest,
  some,
  type Token,
  text,
} from 'corelet/plugin'
import { COMMON, compileFormat, type Format } from './format.ts'

type Class = 'all' | 'success' | 'denial' | 'error'

/** The first rule that a query's name is below decides what is logged. */
interface Rule {
  /** Zone; see name.ts. */
  key: string
  format: Format
  classes: ReadonlySet<Class>
}

const NEVER_MATCHES: Code = {
  message: "'{0}' is taken as a name, which no query has",
  hint: 'a format needs a name in front: log . "{common}"',
  example: '. {\n  log {combined}\n}',
  severity: 'warning',
}

/** Writes a line for every query, or those of some names and kinds of answers. */
export default definePlugin({
  name: 'log',
  summary: 'logs queries',
  observes: true,
  repeat: 'merge',
  directive: {
    args: [rest(text('[NAMES...] [FORMAT]'))],
    options: {
      class: option('which kinds of answers are logged', [
        some(choice('CLASS', ['all', 'success', 'denial', 'error'], { code: 'invalid-class' })),
      ]),
    },
  },
  errors: {
    'invalid-class': {
      message: 'invalid Class: {0}',
      hint: '{1}',
      example: '. {\n  log {\n    class failure\n  }\n}',
    },
    'never-matches': NEVER_MATCHES,
  },
  parse(uses, { report }) {
    return uses.flatMap(({ tokens, options }) => {
      const classes = new Set<Class>(options.class.flatMap((line) => line.values[0]))
      return toRules(tokens, classes.size === 0 ? new Set<Class>(['all']) : classes, report)
    })
  },
  start(rules, { log, clock }) {
    function note(query: Query, reply: Reply): void {
      const typeNow = (): ResponseType => reply.responseType(clock.wall() / 1000)
      if (query.collectsMetadata) {
        query.setMetadata('log/type', typeNow)
        query.setMetadata('log/class', () => toClass(typeNow()))
      }
      const { key } = query.origin
      const rule = rules.find((each) => isBelow(key, each.key))
      if (!rule || !(rule.classes.has('all') || rule.classes.has(toClass(typeNow())))) return
      log.line('info', rule.format({ query, reply, milliseconds: clock.monotonic() - query.received }))
    }

    return (query, next) => askAndNote(query, next, note)
  },
})

/** A rule for each name; see the README for which words are names. */
function toRules(words: readonly Token[], classes: ReadonlySet<Class>, report: Report): Rule[] {
  if (words.length === 0) return [{ key: keyOf('.'), format: compileFormat(COMMON), classes }]
  const last = words.at(-1)!.text
  const hasFormat = words.length > 1 && last.includes('{')
  const format = compileFormat(hasFormat ? last : COMMON)
  const rules: Rule[] = []
  for (const word of hasFormat ? words.slice(0, -1) : words) {
    const key = toKey(word.text)
    if (key === undefined || word.text.includes('{')) report(word, 'never-matches', word.text)
    if (key !== undefined) rules.push({ key, format, classes })
  }
  return rules
}

function toKey(name: string): string | undefined {
  try {
    return keyOf(name)
  } catch {
    return undefined
  }
}

function toClass(type: ResponseType): Exclude<Class, 'all'> {
  if (type === 'NOERROR' || type === 'DELEGATION') return 'success'
  return type === 'NXDOMAIN' || type === 'NODATA' ? 'denial' : 'error'
}
