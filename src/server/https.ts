/** DNS over HTTPS (RFC 8484). The messages take the same way as all others; this is what is around them. */
import type { RequestListener } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RCODES, TYPES } from '../dns/constants.ts'
import { readU16, readU32 } from '../dns/octets.ts'
import { scanReply } from '../dns/reply-scan.ts'
import type { Converse, Ends } from '../net/connection.ts'
import { type HandleRequest, type HttpRequest, HttpSpeaker } from '../net/http.ts'
import { MAX_QUERY } from './gate.ts'

const PATH = '/dns-query'
const TYPE = 'application/dns-message'
const HEADER = 12
/** Octets of a POST that are read before it is refused; of a query, octets beyond {@link MAX_QUERY} are not kept. */
const MAX_BODY = 0xffff
/** Characters of `dns` that are decoded: those of the longest query, and one octet more that tells that it is too long. */
const MAX_TEXT = Math.ceil(((MAX_QUERY + 1) * 4) / 3)
/** Seconds that an answer may be kept without a record that says so, and at most. */
const NO_TTL = 5
const MAX_AGE = 3600

/** What became of a message: octets to send, silence, or that it is no query at all. */
export type Outcome = Uint8Array | 'silence' | 'no-query'

export interface HttpsOptions {
  /** Answers a message. */
  exchange(packet: Uint8Array, ends: Ends): Promise<Outcome>
  /** An answer with this status was given. */
  answered(status: number): void
}

/** How connections of https:// are spoken on. */
export async function converseOverHttp({ exchange, answered }: HttpsOptions): Promise<Converse> {
  const { default: fastify } = await import('fastify')
  let speaker: HttpSpeaker | undefined
  const app = fastify({
    exposeHeadRoutes: false,
    serverFactory(handle: RequestListener) {
      speaker = new HttpSpeaker(handle as HandleRequest)
      return speaker.server
    },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(TYPE, readBody)
  app.setNotFoundHandler((request, reply) => {
    const isKnown = request.url.split('?', 1)[0] === PATH
    if (isKnown) reply.header('allow', 'GET, POST')
    return refuse(reply, isKnown ? 405 : 404)
  })
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => refuse(reply, error.statusCode ?? 500))
  app.addHook('onSend', async ({ raw }, reply) => {
    // fastify sets it on errors, and HTTP/2 has no such header
    if (raw.httpVersionMajor === 2) reply.removeHeader('connection')
  })
  app.addHook('onResponse', async (_request, reply) => answered(reply.statusCode))

  const answer = async (packet: Uint8Array | undefined, request: FastifyRequest, reply: FastifyReply) => {
    if (!packet) return refuse(reply, 400)
    const outcome = await exchange(packet, speaker!.endsOf(request.raw as HttpRequest))
    if (outcome === 'no-query') return refuse(reply, 400)
    if (outcome === 'silence') return refuse(reply, 500)
    return reply
      .header('content-type', TYPE)
      .header('cache-control', `max-age=${toMaxAge(outcome)}`)
      .send(outcome)
  }
  app.get(PATH, (request, reply) => answer(readParameter(request.query as Parameters), request, reply))
  app.post(PATH, (request, reply) => answer(request.body as Uint8Array | undefined, request, reply))
  await app.ready()
  return speaker!.converse
}

type Parameters = Record<string, string | string[] | undefined>

/** The message in `dns`: base64url without padding, once (RFC 8484 §6). */
function readParameter({ dns }: Parameters): Uint8Array | undefined {
  if (typeof dns !== 'string' || !/^[A-Za-z0-9_-]+$/.test(dns)) return undefined
  return Buffer.from(dns.slice(0, MAX_TEXT), 'base64url')
}

/** Reads a body that is not too long, and keeps as much of it as a query may have. @throws (rejects) Error with a status */
async function readBody({ headers }: FastifyRequest, body: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const tooLong = Object.assign(new Error('too long'), { statusCode: 413 })
  if (Number(headers['content-length'] ?? 0) > MAX_BODY) throw tooLong
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    if (length <= MAX_QUERY) chunks.push(chunk.subarray(0, MAX_QUERY + 1 - length))
    length += chunk.length
  }
  // not before its end: to stop reading would reset the stream of HTTP/2, and the client would not hear why
  if (length > MAX_BODY) throw tooLong
  return Buffer.concat(chunks)
}

function refuse(reply: FastifyReply, status: number): FastifyReply {
  return reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .send(`${REASONS[status] ?? 'invalid request'}\n`)
}

const REASONS: Record<number, string> = {
  404: 'not found',
  405: 'method not allowed',
  413: 'too long',
  415: `the type must be ${TYPE}`,
  500: 'no response',
}

/**
 * Seconds that caches of HTTP may keep an answer: no record lives longer, and what is not there no longer than its SOA says (RFC 8484
 * §5.1, RFC 2308 §5).
 */
function toMaxAge(message: Uint8Array): number {
  const scan = message.length > HEADER ? scanReply(message) : undefined
  if (!scan || scan.minTtl < 0) return NO_TTL
  const { rcode, answers, authorities, ttlOffsets } = scan
  let age = Math.min(scan.minTtl, MAX_AGE)
  if (rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN) return Math.min(age, NO_TTL)
  if (answers > 0) return age
  for (const ttl of ttlOffsets.slice(0, authorities)) {
    const end = ttl + 6 + readU16(message, ttl + 4)
    if (readU16(message, ttl - 4) === TYPES.SOA) age = Math.min(age, readU32(message, end - 4))
  }
  return age
}
