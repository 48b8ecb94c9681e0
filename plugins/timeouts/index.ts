import { custom, definePlugin, one, option, parseDuration, type Value } from 'corelet/plugin'

const SECOND = 1000
const DAY = 86_400_000

/** A duration, or a whole number of seconds; read as milliseconds. */
const timeout: Value<number> = custom('DURATION', 'duration', (token, report) => {
  const { text } = token
  const value = /^[+-]?\d+$/.test(text) ? Number(text) * SECOND : parseDuration(text)
  if (typeof value === 'string') return void report(token, 'bad-timeout', text)
  if (value < SECOND || value > DAY) return void report(token, 'timeout-range', text)
  return value
})

const queries: Value<number> = custom('N', 'integer', (token, report) => {
  if (!/^[+-]?\d+$/.test(token.text)) return void report(token, 'bad-integer', token.text, 'N', ', -1 or above 0')
  const count = Number(token.text)
  if (count !== -1 && !(count >= 1 && count <= Number.MAX_SAFE_INTEGER)) {
    return void report(token, 'queries-range', token.text)
  }
  return count
})

/** Changes how long connections may take. */
export default definePlugin({
  name: 'timeouts',
  summary: 'sets how long clients on TCP, TLS and HTTPS may take',
  repeat: 'merge',
  directive: {
    args: [],
    options: {
      read: option('for a message to be there as a whole; 3s', [one(timeout)]),
      write: option('for an answer to be taken; 5s', [one(timeout)]),
      idle: option('for the next message to begin; 10s', [one(timeout)]),
      maxtcpqueries: option('messages that a connection may bring, -1 for any number; -1', [one(queries)]),
    },
    unknown: 'unknown-option',
  },
  errors: {
    'bad-timeout': {
      message: "failed to parse duration '{0}'",
      hint: 'write a duration such as 5s or 2m, or a number of seconds',
      example: '. {\n  timeouts {\n    read slowly\n  }\n}',
    },
    'timeout-range': {
      message: "timeout provided '{0}' needs to be between 1 second and 24 hours",
      hint: 'write a duration such as 5s or 2m, or a number of seconds',
      example: '. {\n  timeouts {\n    read 100ms\n  }\n}',
    },
    'queries-range': {
      message: "maxtcpqueries provided '{0}' needs to be -1 (unlimited) or a positive integer",
      hint: 'write a number such as 128, or -1',
      example: '. {\n  timeouts {\n    maxtcpqueries 0\n  }\n}',
    },
    'no-timeouts': {
      message: 'timeouts block with no timeouts specified',
      hint: 'it takes read, write, idle and maxtcpqueries',
      example: '. {\n  timeouts\n}',
    },
    'unknown-option': {
      message: "unknown option: '{0}'",
      hint: '{1}',
      example: '. {\n  timeouts {\n    connect 5s\n  }\n}',
    },
  },
  parse(uses, { report }) {
    const lines = (name: 'read' | 'write' | 'idle' | 'maxtcpqueries') => uses.flatMap(({ options }) => options[name])
    const last = (name: Parameters<typeof lines>[0]) => lines(name).at(-1)?.values[0]
    const empty = uses.find((use) => use.lines.length === 0)
    if (empty) return void report(empty.token, 'no-timeouts')
    const timeouts: { read?: number; write?: number; idle?: number } = {}
    for (const name of ['read', 'write', 'idle'] as const) {
      const value = last(name)
      if (value !== undefined) timeouts[name] = value
    }
    return { timeouts, maxTcpQueries: last('maxtcpqueries') }
  },
  configure({ timeouts, maxTcpQueries }, settings) {
    Object.assign(settings.timeouts, timeouts)
    settings.maxTcpQueries = maxTcpQueries ?? settings.maxTcpQueries
  },
})
