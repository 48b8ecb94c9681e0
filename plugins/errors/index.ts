import {
  askAndNote,
  custom,
  definePlugin,
  duration,
  one,
  option,
  optional,
  type Query,
  type ReadLine,
  type Regex,
  type Reply,
  type Report,
  regex,
  rest,
  text,
} from 'corelet/plugin'
import { Consolidation, type ConsolidationOptions, LEVELS } from './consolidation.ts'

const logFile = custom('stdout', 'choice', (token, report) =>
  token.text === 'stdout' ? token.text : void report(token, 'invalid-log-file', token.text),
)

/** Logs the errors that plugins behind it failed with; those that match a pattern only as a count now and then. */
export default definePlugin({
  name: 'errors',
  summary: 'logs the errors of failed queries',
  observes: true,
  directive: {
    args: [optional(logFile)],
    options: {
      stacktrace: option('log the stack of thrown errors', []),
      consolidate: option('log errors that match REGEX as a count, once every DURATION', [
        one(duration('DURATION')),
        one(regex()),
        rest(text('[LEVEL] [show_first]')),
      ]),
    },
    unknown: 'unknown-field',
  },
  errors: {
    'invalid-log-file': {
      message: 'invalid log file: {0}',
      hint: 'errors go to the log; write `errors` or `errors stdout`',
      example: '. {\n  errors errors.log\n}',
    },
    'unknown-field': {
      message: 'Unknown field {0}',
      hint: '{1}',
      example: '. {\n  errors {\n    consolidated 5m timeout\n  }\n}',
    },
    'multiple-levels': {
      message: 'multiple log levels specified in consolidate: {0}',
      hint: 'keep one of them',
      example: '. {\n  errors {\n    consolidate 5m timeout info debug\n  }\n}',
    },
    'level-after-show-first': {
      message: 'log level must come before show_first in consolidate: {0}',
      hint: 'write show_first last',
      example: '. {\n  errors {\n    consolidate 5m timeout show_first info\n  }\n}',
    },
    'unknown-consolidate-option': {
      message: 'unknown option in consolidate: {0}',
      hint: 'behind the pattern: a level (warning, error, info, debug) and show_first',
      example: '. {\n  errors {\n    consolidate 5m timeout loudly\n  }\n}',
    },
  },
  parse([directive], { report }) {
    const { consolidate, stacktrace } = directive!.options
    const patterns = consolidate.map((line) => toConsolidation(line, report))
    if (patterns.includes(undefined)) return undefined
    return { stacktrace: stacktrace.length > 0, patterns: patterns as ConsolidationOptions[] }
  },
  configure(options, settings) {
    if (options.stacktrace) settings.stacktrace = true
  },
  start({ patterns }, { log, clock }) {
    const consolidations = patterns.map((pattern) => new Consolidation(pattern, log, clock))

    function note(query: Query, reply: Reply): void {
      const { error } = reply
      if (error === undefined) return
      const message = typeof error === 'string' ? error : error.message
      const line = `${reply.rcode} ${query.name} ${query.type}: ${message}`
      const consolidation = consolidations.find((each) => each.matches(message))
      if (consolidation) consolidation.count(line)
      else log.error(line)
    }

    return {
      handler: (query, next) => askAndNote(query, next, note),
      stop() {
        for (const consolidation of consolidations) consolidation.stop()
      },
    }
  },
})

type ConsolidateLine = ReadLine<
  readonly [ReturnType<typeof one<number>>, ReturnType<typeof one<Regex>>, ReturnType<typeof rest<string>>]
>

function toConsolidation(line: ConsolidateLine, report: Report): ConsolidationOptions | undefined {
  const [period, pattern] = line.values
  const [, , ...words] = line.tokens
  if (words.length > 2) {
    return void report(
      words[2]!,
      'wrong-argument-count',
      words[2]!.text,
      'consolidate DURATION REGEX [LEVEL] [show_first]',
    )
  }
  let level: ConsolidationOptions['level'] | undefined
  let showFirst = false
  for (const word of words) {
    const named = LEVELS.find((each) => each === word.text)
    if (named) {
      if (showFirst) return void report(word, 'level-after-show-first', word.text)
      if (level) return void report(word, 'multiple-levels', word.text)
      level = named
    } else if (word.text === 'show_first') {
      showFirst = true
    } else {
      return void report(word, 'unknown-consolidate-option', word.text)
    }
  }
  return { period, pattern, level: level ?? 'error', showFirst }
}
