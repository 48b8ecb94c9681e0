/** One HTTP server on one address. fastify, which serves it, is loaded by the first one. */
import { once } from 'node:events'
import { STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import { handleOfServer, openShared, type SharedSockets } from '../net/shared-sockets.ts'
import type { HostPort, HttpRequest, HttpResponse, HttpTls } from '../plugin/index.ts'

/** Answers a request; undefined when there is nothing at its path. */
export type Respond = (request: HttpRequest) => HttpResponse | undefined | Promise<HttpResponse | undefined>

export interface HttpServer {
  /** The address that it listens on; differs from the one asked for when the port was 0. */
  readonly bound: HostPort
  /** Answers what is under way, for a second at most, and settles when the socket is closed. */
  close(): Promise<void>
}

export interface HttpServerOptions {
  tls?: HttpTls | undefined
  /** Keeps the socket. */
  shared?: SharedSockets | undefined
  /** Told of each connection that is not taken, as there are too many. */
  onRefused?: (() => void) | undefined
}

/** Milliseconds that a request may take to arrive and a connection may be idle. */
const TIMEOUT = 5000
/** Milliseconds that requests under way get when the server closes. */
const CLOSE_TIMEOUT = 1000
/** Octets. */
const BODY_LIMIT = 64 << 10
const HEADER_LIMIT = 16 << 10
export const CONNECTION_LIMIT = 256

const OPTIONS: FastifyServerOptions = {
  bodyLimit: BODY_LIMIT,
  connectionTimeout: TIMEOUT,
  requestTimeout: TIMEOUT,
  keepAliveTimeout: TIMEOUT,
}
const HTTP_OPTIONS = { maxHeaderSize: HEADER_LIMIT, connectionsCheckingInterval: 1000, headersTimeout: TIMEOUT }

/** Listens and answers every method by `respond`. @throws (rejects) when the address can't be listened on */
export async function openHttpServer(
  { host, port }: HostPort,
  respond: Respond,
  { tls, shared, onRefused }: HttpServerOptions = {},
): Promise<HttpServer> {
  const { default: fastify } = await import('fastify')
  const options = tls
    ? { ...OPTIONS, https: { ...HTTP_OPTIONS, ...toTlsOptions(tls) } }
    : { ...OPTIONS, http: HTTP_OPTIONS }
  const app = fastify(options as FastifyServerOptions)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null))
  // What is served changes with the generation and every method is welcome, so all requests count as not found by fastify's router.
  app.setNotFoundHandler((request, reply) => answer(request, reply, respond))
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => sendStatus(reply, error.statusCode ?? 500))
  app.server.maxConnections = CONNECTION_LIMIT
  app.server.on('drop', () => onRefused?.())
  await app.ready()
  const { server } = app
  const name = `${tls ? 'https' : 'http'} ${host}:${port}`
  await openShared(shared, name, async (handle) => {
    const place = { port, ...(host === '' ? {} : { host: host === 'localhost' ? '127.0.0.1' : host }), ...REUSE_PORT }
    server.listen(handle ?? place)
    await once(server, 'listening')
    return { handle: handleOfServer(server) }
  })
  server.on('error', () => {})
  return {
    bound: { host, port: (server.address() as AddressInfo).port },
    async close() {
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT)
      await new Promise((resolve) => server.close(resolve))
      clearTimeout(timer)
      await app.close()
      shared?.release(name)
    },
  }
}

/** An old and a new process, or two generations with overlapping addresses, may listen at once, as CoreDNS's can. */
const REUSE_PORT = process.platform === 'linux' ? { reusePort: true } : {}

function toTlsOptions({ cert, key, ca, clientAuth = 'none', minVersion = 'TLSv1.2' }: HttpTls) {
  return {
    cert,
    key,
    minVersion,
    handshakeTimeout: TIMEOUT,
    ...(ca === undefined ? {} : { ca }),
    requestCert: clientAuth !== 'none',
    rejectUnauthorized: clientAuth === 'require-and-verify',
  }
}

async function answer(request: FastifyRequest, reply: FastifyReply, respond: Respond): Promise<FastifyReply> {
  const [path = '', ...search] = request.url.split('?')
  const { method, headers, raw } = request
  // The time-out is for slow clients; a slow answer, such as a profile, is the server's own affair.
  raw.socket.setTimeout(0)
  const response = await respond({ method, path, search: search.join('?'), headers })
  raw.socket.setTimeout(TIMEOUT)
  if (!response) return sendStatus(reply, 404)
  return reply
    .code(response.status)
    .headers({ 'content-type': 'text/plain; charset=utf-8', ...response.headers })
    .send(response.body)
}

function sendStatus(reply: FastifyReply, status: number): FastifyReply {
  return reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .send(`${status} ${STATUS_CODES[status] ?? ''}\n`)
}
