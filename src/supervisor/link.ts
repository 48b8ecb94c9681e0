import type { SendHandle } from 'node:child_process'
import type { SharedSockets, SocketHandle } from '../net/shared-sockets.ts'
import {
  type Restarts,
  type SupervisorMessage,
  WORKER_VARIABLE,
  type WorkerMessage,
  type WorkerSettings,
} from './messages.ts'

export interface LinkEvents {
  /** The metrics of this process, as JSON. */
  report(): Promise<unknown>
  /** Answers what the supervisor asks. */
  answer?(question: unknown): Promise<unknown>
  /** The supervisor is gone. */
  onLost(): void
}

interface Answer {
  message?: SupervisorMessage
  handle?: SocketHandle | undefined
}

/** The supervisor as its worker sees it. */
export class SupervisorLink implements SharedSockets {
  readonly settings: WorkerSettings
  ending = false
  events: LinkEvents | undefined
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #lastId = 0
  #leaving = false
  /** How many of its kind there are to be. */
  #workers = 1
  #written: Promise<void> = Promise.resolve()

  private constructor(settings: WorkerSettings) {
    this.settings = settings
    process.on('message', (message, handle) =>
      this.#receive(message as SupervisorMessage, handle as SocketHandle | undefined),
    )
    process.on('disconnect', () => {
      this.#giveUp()
      this.ending = true
      this.events?.onLost()
    })
    if (settings.beat > 0) setInterval(() => this.#send({ type: 'beat' }), settings.beat).unref()
  }

  /** The link to the supervisor that started this process; undefined when none has. */
  static open(): SupervisorLink | undefined {
    const settings = process.env[WORKER_VARIABLE]
    delete process.env[WORKER_VARIABLE]
    return settings === undefined || !process.channel ? undefined : new SupervisorLink(JSON.parse(settings))
  }

  async take(name: string): Promise<SocketHandle | undefined> {
    const { message, handle } = await this.#ask((id) => ({ type: 'take', id, name }))
    if (message?.type === 'taken' && (message.open || handle)) return handle
    throw new Error(`the supervisor did not give the socket ${name}`)
  }

  keep(name: string, handle: SocketHandle): void {
    this.#send({ type: 'keep', name }, handle)
  }

  forgo(name: string): void {
    this.#send({ type: 'forgo', name })
  }

  release(name: string): void {
    if (!this.#leaving) this.#send({ type: 'release', name })
  }

  /** This process answers queries. @param workers how many of its kind there are to be */
  serving(workers: number): void {
    this.#workers = workers
    this.#send({ type: 'serving', workers })
  }

  /** Settles when the supervisor has all that it was told: it takes sockets one by one, and what follows them waits. */
  written(): Promise<void> {
    return this.#written
  }

  /** This process is about to end; the sockets that it closes are for those who come after it. */
  leave(): void {
    this.#leaving = true
  }

  /**
   * The metrics of the other workers that answer in time and of those that are gone, and the deaths of workers.
   * @param own the metrics of this one, which outlive it that way
   */
  async survey(own: unknown): Promise<{ metrics: unknown[]; restarts: Restarts }> {
    const { message } = await this.#ask((id) => ({ type: 'survey', id, own: this.#workers > 1 ? own : undefined }))
    return message?.type === 'surveyed' ? message : { metrics: [], restarts: {} }
  }

  #ask(toMessage: (id: number) => WorkerMessage): Promise<Answer> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#send(toMessage(id))
      if (!process.connected) this.#giveUp()
    })
  }

  /** No answer will come. */
  #giveUp(): void {
    for (const resolve of this.#waiting.values()) resolve({})
    this.#waiting.clear()
  }

  #receive(message: SupervisorMessage, handle: SocketHandle | undefined): void {
    if (message.type === 'signal') {
      this.ending = message.ending
      process.emit(message.signal)
    } else if (message.type === 'ask') {
      const { id, question } = message
      void this.events?.answer?.(question).then((answer) => this.#send({ type: 'answer', id, answer }))
    } else if (message.type === 'report') {
      const { id } = message
      void this.events?.report().then((metrics) => this.#send({ type: 'metrics', id, metrics }))
    } else {
      this.#waiting.get(message.id)?.({ message, handle })
      this.#waiting.delete(message.id)
    }
  }

  #send(message: WorkerMessage, handle?: SocketHandle): void {
    if (!process.connected) return
    this.#written = new Promise((resolve) => {
      process.send?.(message, handle as unknown as SendHandle, {}, () => resolve())
    })
  }
}
