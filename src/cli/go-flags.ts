import { parseArgs } from 'node:util'

/** A flag: `boolean` takes no separate value. */
export interface Flag {
  type: 'string' | 'boolean'
  usage: string
}

export type Flags = Record<string, Flag>

/** Wrong use of the command line; the message is shown before the usage. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export interface ParsedFlags {
  /** Strings as given, the last use of a flag counts; undefined when not given. */
  values: Record<string, string | boolean | undefined>
  /** What stands behind the flags. */
  rest: string[]
}

/**
 * Reads flags as Go's package flag does: `-x v`, `-x=v`, `--x v`, `--x=v`; the first word that is no flag, or `--`, ends them.
 * @throws UsageError
 */
export function parseGoFlags(args: readonly string[], flags: Flags): ParsedFlags {
  const normal: string[] = []
  let at = 0
  for (; at < args.length; at++) {
    const word = args[at]!
    if (!/^-./.test(word)) break
    if (word === '--') {
      at++
      break
    }
    const [, name = '', value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? []
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${word}`)
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    if (!flag) throw new UsageError(`flag provided but not defined: -${name}`)
    if (flag.type === 'boolean') {
      normal.push(toBoolean(name, value) ? `--${name}` : `--no-${name}`)
    } else {
      const given = value ?? args[++at]
      if (given === undefined) throw new UsageError(`flag needs an argument: -${name}`)
      normal.push(`--${name}=${given}`)
    }
  }
  const options = Object.fromEntries(Object.entries(flags).map(([name, { type }]) => [name, { type }]))
  const { values } = parseArgs({ args: normal, options, strict: true, allowNegative: true })
  return { values: values as ParsedFlags['values'], rest: args.slice(at) }
}

function toBoolean(name: string, value: string | undefined): boolean {
  if (value === undefined || ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw new UsageError(`invalid boolean value "${value}" for -${name}: parse error`)
}

/** The flags as Go lists them. */
export function describeFlags(flags: Flags): string {
  return Object.entries(flags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { type, usage }]) => `  -${name}${type === 'string' ? ' string' : ''}\n    \t${usage}\n`)
    .join('')
}
