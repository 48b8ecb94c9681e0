import { type ChildProcess, type SendHandle, spawn } from 'node:child_process'
import type { SocketHandle } from '../net/shared-sockets.ts'
import { LastWords, type Reason } from './last-words.ts'
import { type SupervisorMessage, WORKER_VARIABLE, type WorkerMessage, type WorkerSettings } from './messages.ts'
import type { SocketUser } from './socket-store.ts'

/** How a worker is started. */
export interface WorkerCommand {
  /** Program and arguments. */
  command: readonly [string, ...string[]]
  env: NodeJS.ProcessEnv
  /** Its standard input. */
  input: string
}

export interface WorkerEvents {
  message(worker: Worker, message: WorkerMessage, handle: SocketHandle | undefined): void
  /** What it writes to standard error. */
  stderr(chunk: string): void
  /** Its process is gone. */
  ended(worker: Worker, death: Death): void
}

/** How a worker ended. */
export interface Death {
  /** Exit status; null when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  /** Settles when all that it wrote to standard error was read. */
  cause: Promise<{ reason: Reason; words: string }>
}

/** One process of the server. */
export class Worker implements SocketUser {
  /** By `performance.now()`: when it began to serve, undefined before; when it was last heard of. */
  servingSince: number | undefined
  lastHeard = performance.now()
  /** It serves, and should have been heard of: another one is to be there for it. */
  late = false
  /** It was told to end. */
  leaving = false
  readonly #child: ChildProcess
  #stuck = false

  constructor(
    { command: [program, ...args], env, input }: WorkerCommand,
    settings: WorkerSettings,
    events: WorkerEvents,
  ) {
    this.#child = spawn(program, args, {
      // the first three, and the channel; a session of its own, so that a terminal's signals come from the supervisor only
      stdio: ['pipe', 'inherit', 'pipe', 'ipc'],
      detached: true,
      env: { ...env, [WORKER_VARIABLE]: JSON.stringify(settings) },
    })
    const words = new LastWords()
    const { stdin, stderr } = this.#child
    stdin!.on('error', () => {})
    stdin!.end(input)
    stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      words.add(chunk)
      events.stderr(chunk)
    })
    const cause = new Promise<void>((resolve) => this.#child.once('close', () => resolve())).then(() => ({
      reason: this.#stuck ? ('stuck' as const) : words.reason(this.#child.exitCode),
      words: words.toString(),
    }))
    this.#child.once('exit', (code, signal) => events.ended(this, { code, signal, cause }))
    this.#child.on('error', (error) => {
      if (this.#child.pid !== undefined) return
      const failure = { reason: 'error' as const, words: error.message }
      events.ended(this, { code: 1, signal: null, cause: Promise.resolve(failure) })
    })
    this.#child.on('message', (message, handle) => {
      this.lastHeard = performance.now()
      this.late = false
      events.message(this, message as WorkerMessage, handle as unknown as SocketHandle | undefined)
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Messages to a process that is gone are lost. */
  send(message: SupervisorMessage, handle?: SocketHandle): void {
    if (this.#child.connected) this.#child.send(message, handle as unknown as SendHandle, () => {})
  }

  give(id: number, handle: SocketHandle | undefined): void {
    this.send({ type: 'taken', id, open: handle === undefined }, handle)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Kills it because nothing was heard of it. */
  killStuck(): void {
    this.#stuck = true
    this.kill('SIGKILL')
  }
}
