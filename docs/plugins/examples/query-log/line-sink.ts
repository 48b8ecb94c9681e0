import { connect, type Socket } from 'node:net'
import type { Clock, Timer } from 'corelet/plugin'

/** Milliseconds between two attempts to reach the program. */
const PAUSE = 1000

export interface SinkHooks {
  clock: Clock
  dropped(): void
  /** Told how many lines wait, whenever that changes. */
  waiting(count: number): void
  problem(message: string): void
}

/**
 * Sends lines to a program that listens on a Unix socket. Never blocks and never fails: while the program is away or slow, a bounded number of
 * lines waits, and those that come on top are dropped.
 */
export class LineSink {
  readonly #path: string
  readonly #most: number
  readonly #hooks: SinkHooks
  readonly #queue: string[] = []
  #socket: Socket | undefined
  /** Whether the program takes more now. */
  #flows = false
  #retry: Timer | undefined
  #closed = false
  #told = ''

  constructor(path: string, most: number, hooks: SinkHooks) {
    this.#path = path
    this.#most = most
    this.#hooks = hooks
    this.#connect()
  }

  write(line: string): void {
    if (this.#closed) return
    if (this.#flows && this.#socket) {
      this.#flows = this.#socket.write(`${line}\n`)
      return
    }
    if (this.#queue.length < this.#most) {
      this.#queue.push(line)
      this.#hooks.waiting(this.#queue.length)
    } else {
      this.#hooks.dropped()
    }
  }

  /** Settles when what was taken is on its way; lines that still wait are dropped. */
  close(): Promise<void> {
    this.#closed = true
    this.#retry?.cancel()
    const socket = this.#socket
    if (!socket || socket.connecting) {
      socket?.destroy()
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      socket.once('close', () => resolve())
      socket.end()
    })
  }

  #connect(): void {
    const socket = connect(this.#path)
    socket.unref()
    this.#socket = socket
    socket.on('connect', () => {
      this.#told = ''
      this.#flush()
    })
    socket.on('drain', () => this.#flush())
    socket.on('error', ({ message }) => this.#tell(message))
    socket.on('close', () => this.#lose())
    // it has nothing to say; reading is what notices that it is gone
    socket.resume()
  }

  #flush(): void {
    this.#flows = true
    if (this.#queue.length === 0 || !this.#socket) return
    this.#flows = this.#socket.write(`${this.#queue.join('\n')}\n`)
    this.#queue.length = 0
    this.#hooks.waiting(0)
  }

  #lose(): void {
    this.#flows = false
    this.#socket = undefined
    if (!this.#closed) this.#retry = this.#hooks.clock.timeout(PAUSE, () => this.#connect())
  }

  /** Tells of a problem once, until it was gone. */
  #tell(message: string): void {
    if (message !== this.#told) this.#hooks.problem(message)
    this.#told = message
  }
}
