export type Level = 'debug' | 'info' | 'warning' | 'error' | 'fatal'

/** Writes `[LEVEL] plugin/NAME: text` lines. Never throws and never blocks. */
export interface Logger {
  /** Written only in blocks with the `debug` plugin. */
  debug(text: string): void
  info(text: string): void
  warning(text: string): void
  error(text: string): void
  /** A line without the plugin's name in front. */
  line(level: Level, text: string): void
}
