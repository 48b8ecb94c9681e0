import type { LineFormat } from './log.ts'

/** One JSON object per line: `time` (RFC 3339), `level`, `plugin` if there is one, `msg`. Loads pino, which makes them. */
export async function jsonFormat(): Promise<LineFormat> {
  const { default: pino } = await import('pino')
  let line = ''
  const logger = pino(
    {
      base: null,
      level: 'debug',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level: level === 'warn' ? 'warning' : level }) },
    },
    {
      write(text) {
        line = text
      },
    },
  )
  return (level, plugin, text) => {
    logger[level === 'warning' ? 'warn' : level](plugin === undefined ? {} : { plugin }, text)
    return line.trimEnd()
  }
}
