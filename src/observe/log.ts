import type { Level, Logger, Metrics } from '../plugin/index.ts'
import { LogSink, type Output, openOutput } from './log-sink.ts'

/** Makes one line, without its line feed, of a text that has no control characters left. */
export type LineFormat = (level: Level, plugin: string | undefined, text: string) => string

export interface LogOptions {
  /** File descriptor to write to; 1 (stdout) when left out. */
  fd?: number
  /** Written to instead of `fd`. */
  output?: Output
  /** {@link textFormat} when left out; `await jsonFormat()` for JSON. */
  format?: LineFormat
  /** DEBUG lines are written, unless {@link Log.for} is told otherwise. */
  debug?: boolean
  /** Gets `corelet_log_dropped_lines_total`. */
  metrics?: Metrics
}

/** The log of the process. Writing never throws and never blocks. */
export interface Log extends Logger {
  /** A logger that puts `plugin/NAME: ` in front. @param debug whether DEBUG lines are written */
  for(plugin: string, debug?: boolean): Logger
  /** Writes a line as it is: the banner and the like. */
  print(text: string): void
  /** Settles when all lines are written, or after `milliseconds` (1000) when the reader is too slow. */
  flush(milliseconds?: number): Promise<void>
}

/** CoreDNS's format: `[INFO] plugin/NAME: text`, without a time. */
const textFormat: LineFormat = (level, plugin, text) =>
  plugin === undefined ? `[${LEVELS[level]}] ${text}` : `[${LEVELS[level]}] plugin/${plugin}: ${text}`

const LEVELS: Record<Level, string> = {
  debug: 'DEBUG',
  info: 'INFO',
  warning: 'WARNING',
  error: 'ERROR',
  fatal: 'FATAL',
}

/** Opens the log. */
export function createLog(options: LogOptions = {}): Log {
  const { format = textFormat, debug = false } = options
  const drops = options.metrics
    ?.counter('corelet_log_dropped_lines_total', 'Log lines lost because the log could not be written in time.')
    .with()
  const sink = new LogSink(options.output ?? openOutput(options.fd ?? 1), (lines) => drops?.inc(lines))
  const write = (level: Level, plugin: string | undefined, text: string): void =>
    sink.write(`${format(level, plugin, escapeControls(text))}\n`)

  const loggerFor = (plugin: string | undefined, withDebug: boolean): Logger => ({
    debug: withDebug ? (text) => write('debug', plugin, text) : () => {},
    info: (text) => write('info', plugin, text),
    warning: (text) => write('warning', plugin, text),
    error: (text) => write('error', plugin, text),
    line: (level, text) => {
      if (level !== 'debug' || withDebug) write(level, undefined, text)
    },
  })

  return {
    ...loggerFor(undefined, debug),
    for: (plugin, withDebug = debug) => loggerFor(plugin, withDebug),
    print: (text) => sink.write(`${text}\n`),
    flush: (milliseconds = 1000) => sink.flush(milliseconds),
  }
}

const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/
const ALL_CONTROLS = new RegExp(CONTROLS.source, 'g')

/** Writes control characters but the tab as `\n`, `\r`, `\xHH` or `\uHHHH`, so that no text can pretend to be a second line. */
export function escapeControls(text: string): string {
  if (!CONTROLS.test(text)) return text
  return text.replace(ALL_CONTROLS, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    const code = character.charCodeAt(0).toString(16)
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`
  })
}
