import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Logger } from 'corelet/plugin'

/** A program to run. */
export interface Command {
  /** Program and arguments. */
  command: readonly string[]
  /** Commands behind it run when it has ended. */
  waits: boolean
  log: Logger
}

/** Milliseconds after which a program that others wait for is killed. */
const PATIENCE = 60_000

/** Makes what runs commands one after the other; it settles when the command has ended, or at once when nothing waits for it. */
export function createQueue(): (command: Command) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return (command) => {
    last = last.then(() => run(command))
    return last
  }
}

/** Runs a program without a shell; what goes wrong is logged. */
async function run({ command: [program = '', ...args], waits, log }: Command): Promise<void> {
  const text = [program, ...args].join(' ')
  log.info(`${waits ? 'Blocking' : 'Nonblocking'} Command: "${text}"`)
  const child = spawn(program, args, { stdio: 'inherit', ...(waits && { signal: AbortSignal.timeout(PATIENCE) }) })
  const ended = once(child, 'exit').then(
    ([status, signal]) => {
      if (status !== 0) log.error(`"${text}" ended with ${status === null ? `signal ${signal}` : `status ${status}`}`)
    },
    ({ name, message }: Error) => {
      const killed = name === 'AbortError'
      log.error(killed ? `"${text}" was killed after ${PATIENCE / 1000} s` : `"${text}" could not be run: ${message}`)
    },
  )
  if (waits) await ended
  else child.unref()
}

/** Words of a command as a shell splits them: quotes and backslashes, nothing else. undefined when a quote does not end. */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === '\\' && quote !== "'" && i + 1 < text.length) word = (word ?? '') + text[++i]!
    else if (quote !== '') {
      if (char === quote) quote = ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (!/\s/.test(char)) word = (word ?? '') + char
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (quote !== '') return undefined
  return word === undefined ? words : [...words, word]
}
