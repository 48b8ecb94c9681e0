/**
 * DNS over gRPC as CoreDNS has it: `coredns.dns.DnsService/Query` takes a `DnsPacket { bytes msg = 1; }` and gives one back. One unary
 * method needs no more of gRPC than a length in front of the message and a status behind it.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Converse, Ends } from '../net/connection.ts'
import { encodePacket, GRPC_METHOD, GRPC_STATUS, GRPC_TYPE, MAX_CALL, readCall } from '../net/grpc-message.ts'
import { HttpSpeaker } from '../net/http.ts'
import type { Outcome } from './https.ts'

export interface GrpcOptions {
  /** Answers a message. */
  exchange(packet: Uint8Array, ends: Ends): Promise<Outcome>
  /** Calls that a connection may have open. */
  maxStreams: number
}

/** How connections of grpc:// are spoken on. */
export function converseOverGrpc({ exchange, maxStreams }: GrpcOptions): Converse {
  const speaker = new HttpSpeaker(
    (request, response) => void serve(request as Http2ServerRequest, response as Http2ServerResponse),
    { http2Only: true, maxOpen: maxStreams },
  )

  async function serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const ends = speaker.endsOf(request)
    if (request.method !== 'POST' || !request.headers['content-type']?.startsWith(GRPC_TYPE)) {
      response.writeHead(415).end()
      return
    }
    if (request.url !== GRPC_METHOD) return fail(response, GRPC_STATUS.unimplemented, 'unknown method')
    const call = await readBody(request)
    if (!call) return fail(response, GRPC_STATUS.resourceExhausted, 'the message is too large')
    const packet = readCall(call)
    if (packet === 'compressed') return fail(response, GRPC_STATUS.unimplemented, 'compression is not supported')
    if (packet === 'malformed') return fail(response, GRPC_STATUS.invalidArgument, 'the message is malformed')
    const outcome = await exchange(packet, ends)
    if (outcome === 'no-query') return fail(response, GRPC_STATUS.invalidArgument, 'the message is no query')
    if (outcome === 'silence') return fail(response, GRPC_STATUS.unavailable, 'no answer')
    if (response.stream.destroyed) return
    response.addTrailers({ 'grpc-status': '0' })
    response.writeHead(200, { 'content-type': GRPC_TYPE })
    response.end(encodePacket(outcome))
  }

  return speaker.converse
}

/** Undefined when it is longer than a call may be, or the client has gone. */
async function readBody(request: Http2ServerRequest): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of request) {
      length += chunk.length
      // read to its end all the same: to stop would reset the stream, and the client would not hear why
      if (length <= MAX_CALL) chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return length > MAX_CALL ? undefined : Buffer.concat(chunks, length)
}

function fail(response: Http2ServerResponse, status: number, message: string): void {
  if (response.stream.destroyed) return
  response.writeHead(200, { 'content-type': GRPC_TYPE, 'grpc-status': `${status}`, 'grpc-message': message }).end()
}
