/** Where log lines go: a file descriptor that may be slow, full or closed without the server noticing more than a count. */
import { fstatSync, write } from 'node:fs'
import { Socket } from 'node:net'

/** Takes text; calls back with an error when it could not be written. */
export type Output = (chunk: Buffer, done: (error: Error | null) => void) => void

/** Characters that may wait for a slow reader; lines beyond it are dropped. */
export const PENDING_LIMIT = 1 << 20

/**
 * Collects lines and writes what one turn of the event loop brought with one call. Never throws, never waits: a line that doesn't fit
 * into {@link PENDING_LIMIT}, or that the output refused, is counted by `dropped`.
 */
export class LogSink {
  readonly #output: Output
  readonly #dropped: (lines: number) => void
  #waiting = ''
  #waitingLines = 0
  #writing = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(output: Output, dropped: (lines: number) => void) {
    this.#output = output
    this.#dropped = dropped
  }

  /** Takes one line with its line feed. */
  write(line: string): void {
    if (this.#writing + this.#waiting.length + line.length > PENDING_LIMIT) {
      this.#dropped(1)
      return
    }
    this.#waiting += line
    this.#waitingLines++
    if (this.#scheduled || this.#writing > 0) return
    this.#scheduled = true
    setImmediate(() => this.#start())
  }

  /** Settles when all is written, or after `milliseconds` at the latest. */
  flush(milliseconds: number): Promise<void> {
    if (this.#writing === 0) this.#start()
    if (this.#writing === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#idle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #start(): void {
    this.#scheduled = false
    if (this.#writing > 0) return
    if (this.#waiting === '') {
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    const chunk = this.#waiting
    const lines = this.#waitingLines
    this.#waiting = ''
    this.#waitingLines = 0
    this.#writing = chunk.length
    this.#output(Buffer.from(chunk), (error) => {
      if (error) this.#dropped(lines)
      this.#writing = 0
      this.#start()
    })
  }
}

/**
 * The output for a file descriptor. Pipes and sockets are written without blocking, since a thread that is stuck in a write to a
 * stalled pipe would keep the process from exiting; files and terminals are written by the thread pool.
 */
export function openOutput(fd: number): Output {
  const stat = fstatSync(fd)
  return stat.isFIFO() || stat.isSocket() ? toPipe(fd) : toFile(fd)
}

function toPipe(fd: number): Output {
  const socket = new Socket({ fd, readable: false, writable: true })
  socket.on('error', () => {})
  return (chunk, done) => void socket.write(chunk, (error) => done(error ?? null))
}

const RETRY_MILLISECONDS = 100

function toFile(fd: number): Output {
  return function writeAll(chunk, done): void {
    write(fd, chunk, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => writeAll(chunk, done), RETRY_MILLISECONDS)
      else if (error) done(error)
      else if (written < chunk.length) writeAll(chunk.subarray(written), done)
      else done(null)
    })
  }
}
