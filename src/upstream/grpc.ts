/** DNS over gRPC as CoreDNS has it, as a client speaks it: one unary method of HTTP/2. */
import { QR, RCODES } from '../dns/constants.ts'
import { encodePacket, GRPC_METHOD, GRPC_STATUS, GRPC_TYPE, MAX_CALL, readCall } from '../net/grpc-message.ts'
import type { HttpDialect, NoAnswer } from './http-session.ts'
import { padQuestion } from './padding.ts'
import { readAnswer, toBare } from './question.ts'

/** Characters of a server's own words that are told. */
const MAX_WORDS = 200

export const grpcDialect: HttpDialect = {
  maxLength: MAX_CALL,
  request(question, isSecure) {
    return {
      headers: { ':method': 'POST', ':path': GRPC_METHOD, 'content-type': GRPC_TYPE, te: 'trailers' },
      body: encodePacket(isSecure ? padQuestion(question) : question.packet),
    }
  },
  read(question, { status, headers, body }) {
    const code = headers['grpc-status']
    if (status !== 200) return noAnswer(`HTTP status ${status}`)
    if (code === `${GRPC_STATUS.notFound}`) return toBare(question, nameError(question.packet))
    if (code !== `${GRPC_STATUS.ok}`)
      return noAnswer(`gRPC status ${code ?? 'missing'}${tell(headers['grpc-message'])}`)
    const message = readCall(body)
    if (typeof message === 'string') return noAnswer(`the message of gRPC is ${message}`)
    const answer = readAnswer(question, message)
    if (typeof answer !== 'string') return answer
    const error = `the message is no answer: ${answer}`
    return answer === 'short' || answer === 'malformed' ? noAnswer(error) : { mismatch: answer, error }
  },
}

function noAnswer(error: string): NoAnswer {
  return { mismatch: undefined, error }
}

/** The header of the answer that the name does not exist. */
function nameError(packet: Uint8Array): Uint8Array {
  const [id = 0, low = 0, flags = 0] = packet
  return Uint8Array.of(id, low, flags | (QR >> 8), RCODES.NXDOMAIN)
}

/** What a server says of its status, made fit for a log line. */
function tell(words: string | string[] | undefined): string {
  return words === undefined
    ? ''
    : `: ${String(words)
        .slice(0, MAX_WORDS)
        .replace(/[^ -~]/g, '?')}`
}
