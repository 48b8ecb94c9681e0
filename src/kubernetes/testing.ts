/** An API server that holds what a test puts into it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An object as the API has it; `metadata` at least. */
export interface ApiObject {
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  [field: string]: unknown
}

export class FakeApi implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#handle(request, response))
  readonly #objects = new Map<string, Map<string, ApiObject>>()
  readonly #watches = new Map<ServerResponse, string>()
  #version = 100
  /** Versions below are forgotten. */
  #oldest = 0
  /** What was asked for, path and parameters. */
  readonly requests: { path: string; parameters: URLSearchParams; headers: IncomingMessage['headers'] }[] = []
  /** Status that everything is answered with, as long as it is set. */
  failure: number | undefined

  static async start(): Promise<FakeApi> {
    const api = new FakeApi()
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve))
    return api
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Number of watches that go on. */
  get watches(): number {
    return this.#watches.size
  }

  /** Adds objects to a collection such as `/api/v1/services`, or changes those that are there. */
  put(path: string, ...objects: readonly ApiObject[]): void {
    const all = this.#collection(path)
    for (const object of objects) {
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
      const type = all.has(keyOf(object)) ? 'MODIFIED' : 'ADDED'
      all.set(keyOf(object), stored)
      this.#tell(path, { type, object: stored })
    }
  }

  remove(path: string, namespace: string, name: string): void {
    const all = this.#collection(path)
    const object = all.get(`${namespace}/${name}`)
    if (!object) throw new Error(`no ${namespace}/${name} in ${path}`)
    all.delete(`${namespace}/${name}`)
    const version = String(++this.#version)
    this.#tell(path, {
      type: 'DELETED',
      object: { ...object, metadata: { ...object.metadata, resourceVersion: version } },
    })
  }

  /** Forgets history: watches from before are told so, and end. */
  compact(): void {
    this.#oldest = ++this.#version
    for (const [response, path] of this.#watches) {
      this.#tell(path, { type: 'ERROR', object: { code: 410, message: 'too old resource version' } })
      response.end()
      this.#watches.delete(response)
    }
  }

  /** Ends all connections. */
  cut(): void {
    this.#server.closeAllConnections()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cut()
    await closed
  }

  #collection(path: string): Map<string, ApiObject> {
    let all = this.#objects.get(path)
    if (!all) {
      all = new Map()
      this.#objects.set(path, all)
    }
    return all
  }

  #tell(path: string, event: unknown): void {
    for (const [response, watched] of this.#watches) if (watched === path) response.write(`${JSON.stringify(event)}\n`)
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname: path, searchParams: parameters } = new URL(request.url ?? '/', this.url)
    this.requests.push({ path, parameters, headers: request.headers })
    if (this.failure !== undefined) sendError(response, this.failure, 'not today')
    else if (parameters.get('watch') !== 'true') this.#list(path, parameters, response)
    else if (Number(parameters.get('resourceVersion')) < this.#oldest) sendError(response, 410, 'too old')
    else this.#watch(path, parameters, response)
  }

  #watch(path: string, parameters: URLSearchParams, response: ServerResponse): void {
    response.writeHead(200).flushHeaders()
    this.#watches.set(response, path)
    response.on('close', () => this.#watches.delete(response))
    const since = Number(parameters.get('resourceVersion'))
    for (const object of this.#collection(path).values()) {
      if (versionOf(object) > since) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    }
  }

  #list(path: string, parameters: URLSearchParams, response: ServerResponse): void {
    const all = [...this.#collection(path).values()]
    const start = Number(parameters.get('continue') ?? 0)
    const end = start + Number(parameters.get('limit') ?? all.length)
    const metadata = { resourceVersion: String(this.#version), ...(end < all.length && { continue: String(end) }) }
    response.end(JSON.stringify({ kind: 'List', metadata, items: all.slice(start, end) }))
  }
}

function sendError(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status).end(JSON.stringify({ kind: 'Status', status: 'Failure', message, code: status }))
}

function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

function versionOf({ metadata }: ApiObject): number {
  return Number((metadata as { resourceVersion?: string }).resourceVersion)
}
