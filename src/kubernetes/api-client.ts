/** Asks Kubernetes' API server. Lists and watches are all that a DNS server needs of it. */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { json } from 'node:stream/consumers'
import type { Clock, Family, Histogram, Metrics } from '../plugin/index.ts'
import type { ApiServer } from './api-server.ts'
import { Throttle, type ThrottleLimits } from './throttle.ts'

/** The API server said no. */
export class ApiError extends Error {
  /** Status of HTTP, or the code of an error within a watch; 410 says that the version asked for is forgotten. */
  readonly status: number

  constructor(status: number, text: string) {
    super(`status ${status}: ${text}`)
    this.status = status
  }
}

/** Seconds, as Prometheus' client libraries have them. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Milliseconds until the headers of an answer must be there. */
const HEADERS_TIME = 60_000

/** Characters of an error's body that are shown. */
const SHOWN = 200

export interface ClientParts {
  clock: Clock
  metrics: Metrics
  limits: ThrottleLimits
  /** What we call ourselves. */
  userAgent: string
}

export class ApiClient {
  readonly #server: ApiServer
  readonly #agent: HttpAgent | HttpsAgent
  readonly #clock: Clock
  readonly #userAgent: string
  readonly #throttle: Throttle
  readonly #duration: Family<Histogram>
  readonly #waiting: Family<Histogram>
  readonly #count: (status: string) => void

  constructor(server: ApiServer, { clock, metrics, limits, userAgent }: ClientParts) {
    this.#server = server
    this.#clock = clock
    this.#userAgent = userAgent
    this.#agent =
      server.url.protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
    this.#throttle = new Throttle(limits, clock)
    this.#duration = metrics.histogram(
      'coredns_kubernetes_rest_client_request_duration_seconds',
      "Time until the answers of Kubernetes' API began.",
      BUCKETS,
      ['verb', 'host'],
    )
    this.#waiting = metrics.histogram(
      'coredns_kubernetes_rest_client_rate_limiter_duration_seconds',
      "Time that requests to Kubernetes' API were held back.",
      BUCKETS,
      ['verb', 'host'],
    )
    const requests = metrics.counter('coredns_kubernetes_rest_client_requests_total', "Requests to Kubernetes' API.", [
      'code',
      'method',
      'host',
    ])
    this.#count = (status) => requests.with(status, 'GET', server.url.host).inc()
  }

  /** What a list says. @throws (rejects) ApiError, or Error when there is no answer */
  async list(path: string, signal: AbortSignal): Promise<unknown> {
    const release = await this.#enter(signal)
    try {
      return await json(await this.#get(path, signal))
    } finally {
      release()
    }
  }

  /** The answer to a watch, which goes on for as long as the API server likes. @throws (rejects) as `list` does */
  async watch(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const release = await this.#enter(signal)
    release()
    return this.#get(path, signal)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #enter(signal: AbortSignal): Promise<() => void> {
    const started = this.#clock.monotonic()
    const release = await this.#throttle.enter(signal)
    this.#waiting.with('GET', this.#server.url.host).observe((this.#clock.monotonic() - started) / 1000)
    return release
  }

  async #get(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, credentials } = this.#server
    const started = this.#clock.monotonic()
    try {
      const response = await this.#send(path, await credentials(), signal)
      this.#duration.with('GET', url.host).observe((this.#clock.monotonic() - started) / 1000)
      this.#count(String(response.statusCode))
      if (response.statusCode === 200) return response
      throw new ApiError(response.statusCode ?? 0, await readError(response))
    } catch (error) {
      if (!(error instanceof ApiError)) this.#count('<error>')
      throw error
    }
  }

  async #send(
    path: string,
    { authorization, cert, key }: Awaited<ReturnType<ApiServer['credentials']>>,
    signal: AbortSignal,
  ) {
    const { url, tls } = this.#server
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)({
      agent: this.#agent,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port || (url.protocol === 'https:' ? 443 : 80),
      path: url.pathname.replace(/\/$/, '') + path,
      headers: {
        accept: 'application/json',
        'user-agent': this.#userAgent,
        host: url.host,
        ...(authorization !== undefined && { authorization }),
      },
      signal,
      ...(url.protocol === 'https:' && { ...tls, cert, key, minVersion: 'TLSv1.2' }),
    })
    const late = this.#clock.timeout(HEADERS_TIME, () => request.destroy(new Error('no answer within a minute')))
    request.on('socket', (socket) => socket.setKeepAlive(true, 15_000))
    request.on('response', resolve).on('error', reject).end()
    return promise.finally(() => late.cancel())
  }
}

/** What the body of an answer that is no success says. */
async function readError(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    text += chunk
    if (text.length > 64 * 1024) break
  }
  const message = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1]
  return (message ?? text).slice(0, SHOWN)
}
