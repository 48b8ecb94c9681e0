import { UsageError } from './go-flags.ts'

/** A word behind `corelet`: `check`, `status` … */
export interface Subcommand<Request> {
  /** Shown when asked for, and after what is wrong with the arguments. */
  usage: string
  /**
   * What is asked for; undefined when that is the usage.
   * @throws UsageError
   * @throws TypeError of parseArgs
   */
  read(args: readonly string[]): Request | undefined
  /** Does it. @returns the exit status */
  work(request: Request): number | Promise<number>
}

/** Options of those that read their arguments with parseArgs. */
export const HELP = { help: { type: 'boolean', short: 'h', default: false } } as const

/** What a subcommand does with its arguments: with wrong ones nothing, exit status 2. @returns the exit status */
export function defineSubcommand<Request>({ usage, read, work }: Subcommand<Request>) {
  return async (args: readonly string[]): Promise<number> => {
    let request: Request | undefined
    try {
      request = read(args)
    } catch (error) {
      if (!isMisuse(error)) throw error
      process.stderr.write(`${error.message}\n${usage}`)
      return 2
    }
    if (request !== undefined) return work(request)
    process.stdout.write(usage)
    return 0
  }
}

function isMisuse(error: unknown): error is Error {
  const code = error instanceof TypeError && 'code' in error ? String(error.code) : ''
  return error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS_')
}
