import { custom, definePlugin, isPending, optional, parseDuration } from 'corelet/plugin'
import { Deadlines } from '../../src/upstream/deadlines.ts'
import { Waiting } from './waiting.ts'

/** Milliseconds: most clients give up after five seconds. */
const DEFAULT_TIMEOUT = 5001

const timeout = custom('TIMEOUT', 'duration', (token, report) => {
  const value = parseDuration(token.text)
  if (typeof value === 'string') return void report(token, 'bad-timeout', token.text)
  if (value <= 0) return void report(token, 'no-timeout', token.text)
  return value
})

/** Gives queries up that take too long, and tells those that work for them. */
export default definePlugin({
  name: 'cancel',
  summary: 'gives queries up that take too long',
  repeat: 'last',
  directive: { args: [optional(timeout)] },
  errors: {
    'bad-timeout': {
      message: 'invalid duration: "{0}"',
      hint: 'write a number with a unit, for example 500ms or 2s',
      example: '. {\n  cancel soon\n}',
    },
    'no-timeout': {
      message: 'invalid negative duration: "{0}"',
      hint: 'a query needs some time: write for example 2s',
      example: '. {\n  cancel 0s\n}',
    },
  },
  parse: ([use]) => ({ timeout: use!.values[0] ?? DEFAULT_TIMEOUT }),
  start({ timeout }, { clock }) {
    const deadlines = new Deadlines<Waiting>(clock, timeout)
    return {
      handler: function cancel(query, next) {
        query.origin.cancellable = true
        const result = next(query)
        return isPending(result) ? new Waiting(query, deadlines).until(result) : result
      },
      stop: () => deadlines.close(),
    }
  },
})
