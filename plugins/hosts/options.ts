/** What the directive says. */
import {
  type Codes,
  custom,
  type Line,
  option,
  optional,
  type ParseScope,
  parseDuration,
  type ReadDirective,
  rest,
  suggest,
  text,
  toFallthrough,
  type Value,
  ZoneList,
  zone,
} from 'corelet/plugin'
import { isAddress } from './table.ts'

export interface HostsOptions {
  /** As written; relative paths start from the block's root. */
  path: string
  zones: ZoneList
  /** Entries in the Corefile itself, one line each. */
  inline: string[]
  /** Seconds. */
  ttl: number
  makesReverse: boolean
  /** Milliseconds between two looks at the file; 0 looks only once. */
  reload: number
  fallthrough: ZoneList | undefined
  fallthroughUnsupported: boolean
}

export const errors = {
  'ttl-missing': {
    message: 'ttl needs a time in second',
    hint: 'write ttl SECONDS, for example ttl 60',
    example: '. {\n  hosts {\n    ttl\n  }\n}',
  },
  'ttl-not-a-number': {
    message: "ttl needs a number of second, not '{0}'",
    hint: 'write ttl SECONDS without a unit, for example ttl 60',
    example: '. {\n  hosts {\n    ttl 60s\n  }\n}',
  },
  'ttl-out-of-range': {
    message: 'ttl provided is invalid: {0}',
    hint: 'a TTL here is 1 to 65535 seconds',
    example: '. {\n  hosts {\n    ttl 0\n  }\n}',
  },
  'reload-arguments': {
    message: 'reload needs a duration (zero seconds to disable)',
    hint: 'write reload DURATION, for example reload 10s',
    example: '. {\n  hosts {\n    reload\n  }\n}',
  },
  'reload-invalid': {
    message: "invalid duration for reload '{0}'",
    hint: 'write a number with a unit, for example 500ms, 30s, 1h30m',
    example: '. {\n  hosts {\n    reload often\n  }\n}',
  },
  'reload-negative': {
    message: "invalid negative duration for reload '{0}'",
    hint: 'write 0s to read the file only once',
    example: '. {\n  hosts {\n    reload -5s\n  }\n}',
  },
  'needs-fallthrough': {
    message: 'fallthrough_unsupported requires fallthrough',
    hint: 'add a line with fallthrough',
    example: '. {\n  hosts {\n    fallthrough_unsupported\n  }\n}',
  },
  'not-an-entry': {
    severity: 'warning',
    message: "'{0}' begins neither an option nor an entry of the form IP NAME...: the line is ignored",
    hint: '{1}',
    example: '. {\n  hosts {\n    no_revers\n  }\n}',
  },
} satisfies Codes

const seconds: Value<number> = custom('SECONDS', 'integer', (token, report) => {
  if (!/^[+-]?\d+$/.test(token.text)) return void report(token, 'ttl-not-a-number', token.text)
  const number = Number(token.text)
  if (number < 1 || number > 65_535) return void report(token, 'ttl-out-of-range', token.text)
  return number
})

const interval: Value<number> = custom('DURATION', 'duration', (token, report) => {
  const milliseconds = parseDuration(token.text)
  if (typeof milliseconds === 'string') return void report(token, 'reload-invalid', token.text)
  if (milliseconds < 0) return void report(token, 'reload-negative', token.text)
  return milliseconds
})

export const directive = {
  args: [optional(text('FILE')), rest(zone('ZONES'))],
  options: {
    ttl: option('TTL of the answers in seconds; 3600 by default', [optional(seconds)], { extra: true }),
    no_reverse: option('makes no PTR answers', []),
    reload: option('how often to look whether the file changed; 5s by default, 0s never', [optional(interval)], {
      extra: true,
    }),
    fallthrough: option('names without an entry go to the next plugin', [rest(zone('ZONES'))]),
    fallthrough_unsupported: option('types other than A, AAAA and PTR go to the next plugin', []),
  },
  others: 'keep',
} as const

/** Turns the directive into options; undefined after it has reported. */
export function parse(
  [read]: readonly ReadDirective<typeof directive>[],
  { zones, report }: ParseScope,
): HostsOptions | undefined {
  const { values, options, lines } = read!
  let failed = false
  const fail = (...finding: Parameters<typeof report>) => {
    failed = true
    report(...finding)
  }
  for (const { token, values, tokens } of options.ttl)
    if (values[0] === undefined && tokens.length === 0) fail(token, 'ttl-missing')
  for (const { token, tokens } of options.reload) if (tokens.length !== 1) fail(token, 'reload-arguments')
  const inline = readInline(lines, { zones, report: fail }, report)
  const unsupported = options.fallthrough_unsupported.at(-1)
  const fallthrough = options.fallthrough.at(-1)
  if (unsupported && !fallthrough) fail(unsupported.token, 'needs-fallthrough')
  if (failed) return undefined
  const [path = '/etc/hosts', own] = values
  return {
    path,
    zones: new ZoneList(own.length > 0 ? own.flat() : zones),
    inline,
    ttl: options.ttl.at(-1)?.values[0] ?? 3600,
    makesReverse: options.no_reverse.length === 0,
    reload: options.reload.at(-1)?.values[0] ?? 5000,
    fallthrough: fallthrough && toFallthrough(fallthrough.values[0].flat()),
    fallthroughUnsupported: unsupported !== undefined,
  }
}

/** The lines that are no options: entries until `fallthrough`, mistakes behind it. */
function readInline(lines: readonly Line[], { report: fail }: ParseScope, warn: ParseScope['report']): string[] {
  const known = Object.keys(directive.options)
  const inline: string[] = []
  let closed = false
  for (const { name, args, block } of lines) {
    const word = name.text
    if (Object.hasOwn(directive.options, word)) {
      if (word === 'fallthrough') closed = true
    } else if (closed) {
      fail(name, 'unknown-property', word, isAddress(word) ? 'entries come before fallthrough' : suggest(word, known))
    } else if (block) {
      fail(name, 'unexpected-block', word)
    } else {
      if (!isAddress(word) || args.length === 0) warn(name, 'not-an-entry', word, suggest(word, known))
      inline.push([word, ...args.map(({ text }) => text)].join(' '))
    }
  }
  return inline
}
