import type { Instance } from '../instance/instance.ts'
import type { Log } from '../observe/log.ts'

/** Exit status of a process that an uncaught error ends, as Go has it. */
const CRASHED = 2

/**
 * From now on the server survives errors that were thrown outside of any query: in a timer of a plugin, by a promise that nobody waits
 * for. Where `debug` is wanted they end the process with their stack.
 */
export function trapStrayErrors(instance: Instance, log: Log): void {
  process.on('uncaughtException', (error) => {
    if (instance.recover(error)) return
    void log.flush().then(() => {
      process.stderr.write(`panic: ${error instanceof Error ? error.stack : error}\n`)
      process.exit(CRASHED)
    })
  })
}
