import { availableParallelism } from 'node:os'
import { custom, definePlugin, optional } from 'corelet/plugin'

const MAX = 1024

const count = custom('N', 'integer', (token, report) => {
  const word = token.text
  if (!/^[+-]?\d+$/.test(word)) return void report(token, 'invalid', word)
  const number = Number(word)
  if (number < 1) return void report(token, 'not-positive', number)
  return number > MAX ? void report(token, 'too-many', number) : number
})

/** Serves with several processes, to use more than one processor. */
export default definePlugin({
  name: 'multisocket',
  summary: 'serves with several processes that read from the same sockets',
  directive: { args: [optional(count)] },
  errors: {
    invalid: {
      message: 'invalid num sockets: strconv.Atoi: parsing "{0}": invalid syntax',
      hint: 'write a whole number, or leave it out for the number of processors',
      example: '. {\n  multisocket many\n}',
    },
    'not-positive': {
      message: 'num sockets can not be zero or negative: {0}',
      hint: 'write a number from 1 to 1024, or leave it out for the number of processors',
      example: '. {\n  multisocket 0\n}',
    },
    'too-many': {
      message: 'num sockets exceeds maximum (1024): {0}',
      hint: 'more processes than processors make nothing faster',
      example: '. {\n  multisocket 1025\n}',
    },
  },
  parse: ([directive]) => ({ processes: directive!.values[0] }),
  configure({ processes }, settings) {
    settings.processes = processes ?? Math.min(MAX, availableParallelism())
  },
})
