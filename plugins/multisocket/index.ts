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
  repeat: 'merge',
  directive: { args: [optional(count)] },
  errors: {
    twice: {
      message: "Wrong argument count or unexpected line ending after '{0}'",
      hint: 'it can be used once in a server block: remove this line',
      example: '. {\n  multisocket 2\n  multisocket 4\n}',
    },
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
  parse([use, second], { report }) {
    if (second) return void report(second.token, 'twice', 'multisocket')
    return { processes: use!.values[0] }
  },
  configure({ processes }, settings) {
    settings.processes = processes ?? Math.min(MAX, availableParallelism())
  },
})
