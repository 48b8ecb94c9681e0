import type { SharedSockets } from '../net/shared-sockets.ts'
import type { HostPort, HttpRequest, HttpResponse, HttpServers, HttpTls } from '../plugin/index.ts'
import { type HttpServer, openHttpServer } from './http-server.ts'

type Handle = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>

/** The endpoints of one generation. */
export interface HttpGeneration extends HttpServers {
  /** Its routes take over, all at once; those of the generation before are served no more. */
  activate(): void
  /** Ends its routes and settles when the servers that no generation uses any more are closed. May be called again. */
  release(): Promise<void>
}

const CONFLICT = 'the address is served already, with other TLS settings'

interface Shared {
  server: Promise<HttpServer>
  users: Set<HttpGeneration>
}

/**
 * The HTTP servers of the process. One server is shared by all who name the same address (and the same certificates) and stays open
 * as long as a generation uses it, so that a reload refuses no connection.
 */
export class HttpEndpoints {
  readonly #shared = new Map<string, Shared>()
  readonly #kept: SharedSockets | undefined
  readonly #onRefused: (() => void) | undefined
  /** Settles when there are routes: a process that shares its sockets may get requests while it starts. */
  readonly #activated = Promise.withResolvers<void>()
  #active: { generation: HttpGeneration; routes: Map<string, Handle> } | undefined

  /**
   * @param kept keeps the sockets
   * @param onRefused told of each connection that is not taken, as there are too many
   */
  constructor(kept?: SharedSockets, onRefused?: () => void) {
    this.#kept = kept
    this.#onRefused = onRefused
  }

  /** Endpoints for a new generation; nothing of it is served before it is activated. */
  generation(): HttpGeneration {
    const routes = new Map<string, Handle>()
    const used = new Set<string>()
    const keys = new Map<string, string>()
    const generation: HttpGeneration = {
      serve: async (address, path, handle, tls) => {
        const key = toKey(address, tls)
        const place = toKey(address, undefined)
        if (address.port !== 0 && (keys.get(place) ?? key) !== key) throw new Error(CONFLICT)
        keys.set(place, key)
        used.add(key)
        const { bound } = await this.#use(key, address, tls, generation)
        routes.set(key + path, handle)
        return bound
      },
      activate: () => {
        this.#active = { generation, routes }
        this.#activated.resolve()
      },
      release: async () => {
        if (this.#active?.generation === generation) this.#active = undefined
        await Promise.all([...used].map((key) => this.#leave(key, generation)))
        used.clear()
      },
    }
    return generation
  }

  #use(key: string, address: HostPort, tls: HttpTls | undefined, user: HttpGeneration): Promise<HttpServer> {
    let shared = this.#shared.get(key)
    if (!shared) {
      const respond = async (request: HttpRequest) => {
        await this.#activated.promise
        return this.#active?.routes.get(key + request.path)?.(request)
      }
      const options = { tls, shared: this.#kept, onRefused: this.#onRefused }
      shared = { server: openHttpServer(address, respond, options), users: new Set() }
      this.#shared.set(key, shared)
      const failed = shared
      shared.server.catch(() => {
        if (this.#shared.get(key) === failed) this.#shared.delete(key)
      })
    }
    shared.users.add(user)
    return shared.server
  }

  async #leave(key: string, user: HttpGeneration): Promise<void> {
    const shared = this.#shared.get(key)
    if (!shared?.users.delete(user) || shared.users.size > 0) return
    this.#shared.delete(key)
    const server = await shared.server.catch(() => undefined)
    await server?.close()
  }
}

/** Paths start with a slash, which no key ends in, so that key and path can be joined. */
function toKey({ host, port }: HostPort, tls: HttpTls | undefined): string {
  return JSON.stringify([host, port, tls ?? null])
}
