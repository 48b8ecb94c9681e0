import { definePlugin, rest, text } from 'corelet/plugin'
import { createQueue, splitWords } from './command.ts'

const USAGE = 'on EVENT COMMAND [ARGS...] [&]'
const EVENTS = ['startup', 'shutdown', 'certrenew']

/** Runs a program when the server starts or ends. */
export default definePlugin({
  name: 'on',
  summary: 'runs programs when the server starts or ends',
  repeat: 'each',
  directive: { args: [rest(text('EVENT COMMAND [ARGS...] [&]'))], options: {} },
  errors: {
    'unknown-event': {
      message: "Wrong event name or event not supported: '{0}'",
      hint: `events are ${EVENTS.join(', ')}`,
      example: '. {\n  on reload /bin/true\n}',
    },
    'bad-words': {
      message: 'the command has a quote that does not end',
      hint: 'words are split as a shell does it: close each quote',
      example: ". {\n  on startup echo 'hello\n}",
    },
    'no-renewal': {
      message: 'certrenew never happens: certificates are not requested here',
      hint: 'take the line out',
      example: '. {\n  on certrenew /bin/true\n}',
      severity: 'warning',
    },
  },
  parse([use], { report }) {
    const [event, ...words] = use!.tokens
    if (!event || words.length === 0) {
      return void report(event ?? use!.token, 'wrong-argument-count', (event ?? use!.token).text, USAGE)
    }
    const name = event.text.toLowerCase()
    if (!EVENTS.includes(name)) return void report(event, 'unknown-event', event.text)
    const command = splitWords(words.map(({ text }) => text).join(' '))
    if (!command) return void report(words[0]!, 'bad-words')
    if (name === 'certrenew') report(event, 'no-renewal')
    const waits = command.at(-1) !== '&'
    if (!waits && command.length === 1) return void report(words[0]!, 'wrong-argument-count', '&', USAGE)
    return { event: name, command: waits ? command : command.slice(0, -1), waits }
  },
  start({ event, command, waits }, context) {
    const queue = context.share('on', createQueue)
    const run = () => queue({ command, waits, log: context.log })
    if (event === 'startup') return { listening: () => void run() }
    return event === 'shutdown' ? { drain: run } : undefined
  },
})
