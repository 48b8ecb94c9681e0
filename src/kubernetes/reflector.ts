/** Keeps up with all objects of a kind: a list in pages, then a watch from where the list ended. */
import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import type { Clock, Logger } from '../plugin/index.ts'
import { type ApiClient, ApiError } from './api-client.ts'
import { toFields } from './fields.ts'

/** What is followed. */
export interface Resource<T> {
  /** For the log: `services`. */
  name: string
  /** Path of the collection: `/api/v1/services`. */
  path: string
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  /** What is kept of an object; undefined of one that is of no use. Objects come from outside: nothing is sure about their shape. */
  convert(object: unknown): T | undefined
  sink: Sink<T>
}

/** Gets what is followed, by `NAMESPACE/NAME`. */
export interface Sink<T> {
  /** All that there is now. */
  replace(all: ReadonlyMap<string, T>): void
  put(key: string, value: T): void
  remove(key: string): void
}

/** What reflectors of one API server share. */
export interface ReflectorParts {
  client: ApiClient
  clock: Clock
  log: Logger
  /** Number from 0 up to 1, 1 not included. */
  random?: () => number
}

/** Objects of a page: whole ones are large, and only one page of them is in memory at a time. */
const PAGE = 500

/** Milliseconds: first and longest pause after a failure. */
const FIRST_PAUSE = 800
const LONGEST_PAUSE = 30_000

/** Seconds that the API server is asked to let a watch last; up to twice as long, so that not all end at once. */
const WATCH_SECONDS = 300

/** Milliseconds without a word, after which a watch is begun anew: a bookmark comes each minute. */
const SILENCE = 150_000

/** Most characters of an event. etcd takes objects of 1.5 MiB. */
const LONGEST_LINE = 16 * 1024 * 1024

export class Reflector<T> {
  readonly #resource: Resource<T>
  readonly #client: ApiClient
  readonly #clock: Clock
  readonly #log: Logger
  readonly #random: () => number
  readonly #end = new AbortController()
  #synced = false
  #pause = FIRST_PAUSE
  #complaint = ''

  constructor(resource: Resource<T>, { client, clock, log, random = Math.random }: ReflectorParts) {
    this.#resource = resource
    this.#client = client
    this.#clock = clock
    this.#log = log
    this.#random = random
  }

  /** Whether the first list has come in whole. */
  get synced(): boolean {
    return this.#synced
  }

  /** Follows until `stop`. */
  async run(): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      try {
        let version = await this.#list()
        this.#synced = true
        while (!signal.aborted) version = await this.#watch(version)
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof ApiError && error.status === 410)) await this.#recover(error)
      }
    }
  }

  stop(): void {
    this.#end.abort()
  }

  /** @returns the version that a watch starts from */
  async #list(): Promise<string> {
    const all = new Map<string, T>()
    let next = ''
    for (;;) {
      const page = toFields(
        await this.#client.list(
          this.#path({ limit: String(PAGE), ...(next !== '' && { continue: next }) }),
          this.#end.signal,
        ),
      )
      for (const object of Array.isArray(page.items) ? page.items : []) {
        const value = this.#resource.convert(object)
        if (value !== undefined) all.set(keyOf(object), value)
      }
      const { continue: more, resourceVersion } = toFields(page.metadata)
      next = typeof more === 'string' ? more : ''
      if (next !== '') continue
      this.#resource.sink.replace(all)
      this.#succeed()
      return String(resourceVersion ?? '')
    }
  }

  /**
   * Follows changes until the API server ends the watch or the connection does.
   * @returns the version that the next one starts from
   * @throws (rejects) ApiError when it has to be listed again
   */
  async #watch(version: string): Promise<string> {
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + this.#random()))
    let seen = version
    try {
      const parameters = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: version }
      const path = this.#path({ ...parameters, timeoutSeconds: String(timeoutSeconds) })
      const response = await this.#client.watch(path, this.#end.signal)
      for await (const line of this.#lines(response)) {
        seen = this.#apply(toFields(JSON.parse(line)), seen)
        this.#succeed()
      }
    } catch (error) {
      if (error instanceof ApiError || this.#end.signal.aborted) throw error
      await this.#recover(error)
    }
    return seen
  }

  /** Takes an event. @returns the version of what it is about @throws ApiError */
  #apply({ type, object }: Record<string, unknown>, seen: string): string {
    const { sink, convert } = this.#resource
    if (type === 'ERROR') {
      const { code, message } = toFields(object)
      throw new ApiError(Number(code), String(message))
    }
    if (type === 'ADDED' || type === 'MODIFIED') {
      const value = convert(object)
      if (value === undefined) sink.remove(keyOf(object))
      else sink.put(keyOf(object), value)
    } else if (type === 'DELETED') {
      sink.remove(keyOf(object))
    }
    const { resourceVersion } = toFields(toFields(object).metadata)
    return typeof resourceVersion === 'string' ? resourceVersion : seen
  }

  /** The lines of a body. It is cut off when nothing comes for long. */
  async *#lines(response: IncomingMessage): AsyncGenerator<string> {
    const decoder = new StringDecoder('utf8')
    const watchdog = () => this.#clock.timeout(SILENCE, () => response.destroy(new Error('the watch is silent')))
    let timer = watchdog()
    let rest = ''
    try {
      for await (const chunk of response) {
        timer.cancel()
        timer = watchdog()
        const lines = (rest + decoder.write(chunk)).split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > LONGEST_LINE) throw new Error('an event is too long')
        for (const line of lines) if (line !== '') yield line
      }
    } finally {
      timer.cancel()
    }
  }

  #path(parameters: Record<string, string>): string {
    const { path, labelSelector, fieldSelector } = this.#resource
    const query = new URLSearchParams({
      ...parameters,
      ...(labelSelector && { labelSelector }),
      ...(fieldSelector && { fieldSelector }),
    })
    return `${path}?${query}`
  }

  #succeed(): void {
    this.#pause = FIRST_PAUSE
    this.#complaint = ''
  }

  /** Says what went wrong, once while it stays the same, and waits longer each time. */
  async #recover(error: unknown): Promise<void> {
    const text = error instanceof Error ? error.message : String(error)
    if (text !== this.#complaint) this.#log.warning(`${this.#resource.name}: ${text}`)
    this.#complaint = text
    const pause = this.#pause * (1 + this.#random())
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)
    await this.#rest(pause)
  }

  /** Waits, until it is stopped at the latest. */
  #rest(milliseconds: number): Promise<void> {
    const { signal } = this.#end
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel()
        signal.removeEventListener('abort', finish)
        resolve()
      }
      const timer = this.#clock.timeout(milliseconds, finish)
      signal.addEventListener('abort', finish)
    })
  }
}

function keyOf(object: unknown): string {
  const { namespace, name } = toFields(toFields(object).metadata)
  return `${namespace ?? ''}/${name ?? ''}`
}
