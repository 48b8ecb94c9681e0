import { Backoff } from './backoff.ts'
import { Ledger } from './ledger.ts'
import type { Restarts, WorkerMessage } from './messages.ts'
import { SocketStore } from './socket-store.ts'
import { Survey } from './survey.ts'
import { type Death, Worker, type WorkerCommand } from './worker.ts'

export interface SupervisorOptions extends WorkerCommand {
  /** Milliseconds without a sign of life after which a worker is killed; 0 is never. */
  stuckAfter: number
  log(level: 'info' | 'warning' | 'error', text: string): void
  /** Takes what the workers write to standard error. */
  stderr(chunk: string): void
  /** The first worker answers queries. */
  onServing?(): void
  /** Whether workers die faster than they can be replaced, so that nobody answers; told when it changes. */
  onFailing?(failing: boolean): void
  /** Metrics of the supervisor's own process, for those who scrape the workers. */
  metrics?(): unknown
  /** All workers have ended; the process is to end with that status. */
  exit(code: number): void
}

/** Milliseconds that a worker may take to answer a question. */
const PATIENCE = 10_000
/** Milliseconds that a worker may take to start. */
const START_LIMIT = 60_000
/** Looks at the workers' signs of life in the time that may pass without one. */
const LOOKS = 8

/**
 * Keeps the sockets of the server and the processes that serve them: a worker that dies is replaced at once, by one that goes on with the
 * same sockets.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #sockets = new SocketStore()
  readonly #workers = new Set<Worker>()
  readonly #backoff = new Backoff()
  readonly #survey = new Survey()
  readonly #ledger = new Ledger()
  readonly #restarts: Restarts = {}
  readonly #questions = new Map<number, (answer: unknown) => void>()
  #lastQuestion = 0
  /** Replacements that wait for their time. */
  #pauses = new Set<NodeJS.Timeout>()
  #served = false
  /** How many workers there are to be. */
  #wanted = 1
  #failing = false
  #ending = false
  #exitCode = 0
  #looks: NodeJS.Timeout | undefined
  #lastLook = performance.now()

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Starts the first worker; the others follow when it serves. When it does not come to that the process ends as it did. */
  start(): void {
    if (this.#ending) return
    const { stuckAfter } = this.#options
    if (stuckAfter > 0) this.#looks = setInterval(() => this.#look(), stuckAfter / LOOKS)
    this.#startWorker()
  }

  /** Passes a signal on to all workers, as a message: one that is just starting heeds it as soon as it can. */
  signal(signal: NodeJS.Signals): void {
    for (const worker of this.#workers) worker.send({ type: 'signal', signal, ending: this.#ending })
  }

  /** Asks a worker that serves; undefined when there is none, or it does not answer in time. */
  ask(question: unknown): Promise<unknown> {
    const [worker] = this.#serving()
    if (!worker) return Promise.resolve(undefined)
    const id = ++this.#lastQuestion
    return new Promise((resolve) => {
      const settle = (answer: unknown) => {
        clearTimeout(timer)
        this.#questions.delete(id)
        resolve(answer)
      }
      const timer = setTimeout(settle, PATIENCE)
      this.#questions.set(id, settle)
      worker.send({ type: 'ask', id, question })
    })
  }

  /** Ends by a signal, once the workers have ended by it. @param force how many milliseconds they get at most */
  end(signal: NodeJS.Signals, force?: number): void {
    this.#ending = true
    for (const pause of this.#pauses) clearTimeout(pause)
    this.signal(signal)
    if (force !== undefined) setTimeout(() => this.#killAll(), force)
    this.#endWhenAlone()
  }

  #killAll(): void {
    for (const worker of this.#workers) worker.kill('SIGKILL')
  }

  #startWorker(): void {
    const { stuckAfter } = this.#options
    const settings = { beat: stuckAfter / LOOKS, first: !this.#served }
    const worker = new Worker(this.#options, settings, {
      message: (from, message, handle) => this.#receive(from, message, handle),
      stderr: (chunk) => this.#options.stderr(chunk),
      ended: (whose, death) => this.#bury(whose, death),
    })
    this.#workers.add(worker)
  }

  #receive(worker: Worker, message: WorkerMessage, handle: Parameters<SocketStore['keep']>[2] | undefined): void {
    const { type } = message
    if (type === 'serving') this.#noteServing(worker, message.workers)
    else if (type === 'take') this.#sockets.take(worker, message.id, message.name)
    else if (type === 'keep' && handle) this.#sockets.keep(worker, message.name, handle)
    else if (type === 'keep' || type === 'forgo') this.#sockets.forgo(worker, message.name)
    else if (type === 'release') this.#sockets.release(worker, message.name)
    else if (type === 'survey') this.#startSurvey(worker, message.id, message.own)
    else if (type === 'metrics') {
      this.#ledger.note(worker, message.metrics)
      this.#survey.add(worker, message.id, message.metrics)
    } else if (type === 'answer') this.#questions.get(message.id)?.(message.answer)
  }

  #startSurvey(worker: Worker, id: number, report: unknown): void {
    if (report !== undefined) this.#ledger.note(worker, report)
    this.#survey.start(worker, id, this.#serving(), {
      restarts: this.#restarts,
      metrics: (unheard) => {
        const own = this.#options.metrics?.()
        const last = [...unheard].map((each) => this.#ledger.of(each))
        return [this.#ledger.families, ...last, ...(own === undefined ? [] : [own])]
      },
    })
  }

  #serving(): Worker[] {
    return [...this.#workers].filter(({ servingSince }) => servingSince !== undefined).sort(lateLast)
  }

  /** Workers that are to go on; those that are late come last. */
  #staying(): Worker[] {
    return [...this.#workers].filter(({ leaving }) => !leaving).sort(lateLast)
  }

  /** Workers that are neither there nor on their way; one that is late is not there. */
  #missing(): number {
    return this.#wanted - this.#staying().filter(({ late }) => !late).length - this.#pauses.size
  }

  #noteServing(worker: Worker, wanted: number): void {
    worker.servingSince ??= performance.now()
    if (!this.#served) this.#options.onServing?.()
    this.#served = true
    this.#setFailing(false)
    this.#wanted = wanted
    this.#resize()
    this.#sweep()
  }

  /** Closes sockets that nobody uses, unless a worker that will ask for them is on its way. */
  #sweep(): void {
    if (this.#serving().length === this.#workers.size && this.#pauses.size === 0) this.#sockets.sweep()
  }

  #resize(): void {
    if (this.#ending) return
    for (const worker of this.#staying().slice(this.#wanted)) {
      worker.leaving = true
      worker.send({ type: 'signal', signal: 'SIGTERM', ending: false })
    }
    for (let missing = this.#missing(); missing > 0; missing--) this.#startWorker()
  }

  #bury(worker: Worker, death: Death): void {
    this.#workers.delete(worker)
    this.#sockets.leave(worker)
    this.#ledger.close(worker)
    this.#survey.leave(worker)
    if (this.#ending || !this.#served) this.#endBy(worker, death)
    else if (worker.leaving && !worker.late) this.#sweep()
    else this.#replace(worker, death)
  }

  #replace(worker: Worker, death: Death): void {
    const served = worker.servingSince === undefined ? 0 : performance.now() - worker.servingSince
    const pause = this.#backoff.next(served)
    if (this.#missing() <= 0) this.#sweep()
    else if (pause === 0) this.#startWorker()
    else this.#startLater(pause)
    this.#setFailing(this.#backoff.failing && this.#serving().length === 0)
    void this.#report(worker, death, pause)
  }

  #startLater(pause: number): void {
    const timer = setTimeout(() => {
      this.#pauses.delete(timer)
      this.#startWorker()
    }, pause)
    this.#pauses.add(timer)
  }

  async #report({ pid }: Worker, { code, signal, cause }: Death, pause: number): Promise<void> {
    const { reason, words } = await cause
    this.#restarts[reason] = (this.#restarts[reason] ?? 0) + 1
    const how = signal === null ? `with status ${code}` : `by ${signal}`
    const next = pause === 0 ? 'it is replaced' : `it is replaced in ${pause} ms`
    this.#options.log(
      'error',
      `Worker ${pid} ended ${how} (${reason}), ${next}${words && `; its last words: ${words}`}`,
    )
  }

  /** The process ends when no worker lives, with the status of the one that ended worst. */
  #endBy({ pid }: Worker, { code, signal, cause }: Death): void {
    this.#exitCode = Math.max(this.#exitCode, code ?? 1)
    if (signal !== null) this.#options.log('error', `Worker ${pid} ended by ${signal}`)
    void cause.then(() => {
      this.#ending = true
      this.#endWhenAlone()
    })
  }

  #endWhenAlone(): void {
    if (this.#workers.size > 0) return
    clearInterval(this.#looks)
    this.#options.exit(this.#exitCode)
  }

  #setFailing(failing: boolean): void {
    if (this.#failing === failing) return
    this.#failing = failing
    this.#options.onFailing?.(failing)
  }

  /**
   * Kills workers that have not been heard of. In half of that time another one is started beside the last that serves: it may only be slow,
   * and clients wait. Nothing is done when it was this process that stood still: then their signs of life are yet to be read.
   */
  #look(): void {
    const { stuckAfter, log } = this.#options
    const now = performance.now()
    const stoodStill = now - this.#lastLook > stuckAfter / 2
    this.#lastLook = now
    if (stoodStill) return
    for (const worker of this.#workers) {
      const isServing = worker.servingSince !== undefined
      const silence = now - worker.lastHeard
      if (silence >= (isServing ? stuckAfter : Math.max(START_LIMIT, stuckAfter))) {
        log('error', `Worker ${worker.pid} has not been heard of for ${Math.round(silence)} ms: it is killed`)
        worker.killStuck()
      } else if (isServing && silence >= stuckAfter / 2) {
        worker.late = true
      }
    }
    const [first] = this.#staying()
    if (first?.late && this.#pauses.size === 0 && !this.#ending) this.#startWorker()
  }
}

function lateLast(a: Worker, b: Worker): number {
  return Number(a.late) - Number(b.late)
}
