import { AD, CD, hashQuestion, OPTIONS, type Query, RD, TYPES } from '../plugin/index.ts'
import type { Question } from '../upstream/question.ts'

/** EDNS options that concern one client or one hop, not the answer. */
export const HOP_BY_HOP: ReadonlySet<number> = new Set([OPTIONS.COOKIE, OPTIONS.KEEPALIVE, OPTIONS.PADDING])

/** EDNS options that are between a client and this server alone (RFC 7830 §6, RFC 7828 §3). */
const FOR_US: ReadonlySet<number> = new Set([OPTIONS.KEEPALIVE, OPTIONS.PADDING])

/** UDP payload size in octets up to which answers need not be cut for most clients (RFC 9715). */
const COMMON_SIZE = 1232

/** Flags that an answer depends on. */
const ASKED = RD | AD | CD

/** By which a query is looked up among those that are out; undefined for one that carries more than a question and an OPT, a signature for example. */
export function flightHash(query: Query): number | undefined {
  return isPlain(query) ? hashQuestion(query, query.flags & ASKED) : undefined
}

/** Whether two plain queries can share an answer. */
export function canShare(one: Query, other: Query): boolean {
  return (
    one.proto === other.proto &&
    ((one.flags ^ other.flags) & ASKED) === 0 &&
    one.qtype === other.qtype &&
    one.qclass === other.qclass &&
    one.key === other.key &&
    ednsKey(one) === ednsKey(other)
  )
}

/** What to ask upstreams: the query without what trails it and what was meant for this server, in memory of its own. */
export function toQuestion(query: Query): Question {
  if (!isPlain(query)) return { packet: query.packet.slice(), questionEnd: query.questionEnd, anyReply: false }
  const { optionsStart, optionsEnd } = query
  if (optionsEnd > optionsStart && query.options.some(({ code }) => FOR_US.has(code))) {
    const options = query.options.filter(({ code }) => !FOR_US.has(code))
    return toQuestion(query.with({ edns: { udpSize: query.udpSize, flags: query.ednsFlags, options } }))
  }
  const end = query.edns ? optionsEnd : query.questionEnd
  return { packet: query.packet.slice(0, end), questionEnd: query.questionEnd, anyReply: false }
}

/** The question without its OPT, for a server that knows no EDNS (RFC 6891 §7); undefined when there is none, or more than that. */
export function withoutEdns({ packet, questionEnd, anyReply }: Question): Question | undefined {
  const isOpt = packet[questionEnd] === 0 && packet[questionEnd + 1] === 0 && packet[questionEnd + 2] === TYPES.OPT
  if (!isOpt || packet[11] !== 1 || packet.subarray(6, 11).some((octet) => octet !== 0)) return undefined
  const bare = packet.slice(0, questionEnd)
  bare[11] = 0
  return { packet: bare, questionEnd, anyReply }
}

function isPlain({ packet, edns }: Query): boolean {
  for (let i = 6; i < 11; i++) if (packet[i] !== 0) return false
  return packet[11] === (edns ? 1 : 0)
}

function ednsKey(query: Query): string {
  if (!query.edns) return '-'
  let key = `${query.udpSize >= COMMON_SIZE ? 'large' : 'small'} ${query.ednsFlags}`
  for (const { code, data } of query.options) {
    if (!HOP_BY_HOP.has(code)) key += ` ${code}=${Buffer.from(data).toString('hex')}`
  }
  return key
}
