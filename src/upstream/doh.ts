/** DNS over HTTPS (RFC 8484), as a client speaks it. */
import type { HttpDialect } from './http-session.ts'
import { padQuestion } from './padding.ts'
import { readAnswer } from './question.ts'

const PATH = '/dns-query'
const TYPE = 'application/dns-message'

export type DohMethod = 'GET' | 'POST'

/** How an upstream is asked by one of the two methods. */
export function createDohDialect(method: DohMethod): HttpDialect {
  const isGet = method === 'GET'
  return {
    maxLength: 0xffff,
    request(question) {
      const octets = Buffer.from(padQuestion(question))
      // the same query has the same octets, for caches of HTTP (RFC 8484 §4.1)
      octets.writeUInt16BE(0)
      return {
        headers: {
          ':method': method,
          ':path': isGet ? `${PATH}?dns=${octets.toString('base64url')}` : PATH,
          accept: TYPE,
          ...(!isGet && { 'content-type': TYPE, 'content-length': octets.length }),
        },
        body: isGet ? undefined : octets,
      }
    },
    read(question, { status, body }) {
      const answer = readAnswer(question, body)
      if (typeof answer !== 'string') return answer
      return { mismatch: answer, error: `HTTP status ${status}, and what came is no answer: ${answer}` }
    },
  }
}
