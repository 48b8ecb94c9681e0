import { describeError } from '../instance/describe-error.ts'
import type { Instance } from '../instance/instance.ts'
import type { Log } from '../observe/log.ts'

/** Exit status when the servers could not be stopped. */
const STOP_FAILED = 3
/** Exit status when a plugin failed to stop. */
const HOOK_FAILED = 4
/** Exit status of a forced end. */
const FORCED = 2

/** Milliseconds; any number would do. */
const ALIVE = 60_000

/**
 * Handles signals as CoreDNS does. Before {@link serve} those that end the process do so at once.
 * @param exit removes the pidfile, writes what is left to log, and ends the process
 * @param onEnd called when the end begins
 */
export function trapSignals(
  log: Log,
  exit: (code: number) => Promise<void>,
  onEnd: () => void = () => {},
): { serve(instance: Instance): void } {
  let instance: Instance | undefined
  let interrupted = false
  /** The Corefile may have changed after it was read. */
  let reloadFirst = false

  const end = async (drain: boolean) => {
    onEnd()
    // without sockets nothing else keeps the process alive until the plugins have stopped
    const alive = setInterval(() => {}, ALIVE)
    try {
      const stopped = (await instance?.shutdown({ drain })) ?? true
      await exit(stopped ? 0 : HOOK_FAILED)
    } catch (error) {
      log.line('error', describeError(error))
      await exit(STOP_FAILED)
    } finally {
      clearInterval(alive)
    }
  }
  process.on('SIGINT', () => {
    if (interrupted) {
      log.line('info', 'SIGINT: Force quit')
      void exit(FORCED)
      return
    }
    interrupted = true
    log.line('info', 'SIGINT: Shutting down')
    void end(false)
  })
  process.on('SIGTERM', () => {
    log.line('info', 'SIGTERM: Shutting down servers then terminating')
    void end(true)
  })
  process.on('SIGQUIT', () => {
    log.line('info', 'SIGQUIT: Quitting process immediately')
    void exit(0)
  })
  process.on('SIGHUP', () => {})
  process.on('SIGUSR1', () => {
    log.line('info', 'SIGUSR1: Reloading')
    if (instance) void instance.reload()
    else reloadFirst = true
  })
  process.on('SIGUSR2', () => {
    log.line(
      'info',
      'SIGUSR2: Ignored: there is no binary to replace; start the new version and end this one with SIGTERM',
    )
  })
  return {
    serve(started) {
      instance = started
      if (reloadFirst) void instance.reload()
    },
  }
}
