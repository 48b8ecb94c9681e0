import { MAX_TTL, type Query, type Reply, type ResponseType } from 'corelet/plugin'
import { answersQuestion, soaMinimum } from './answers.ts'
import type { PartName } from './entry.ts'
import type { CacheOptions } from './options.ts'

/** Seconds that an answer without records counts as living. */
const EMPTY_TTL = 5

/** What is to be done with an answer of the rest of the chain. */
export interface Verdict {
  type: ResponseType
  /** Seconds that it may be kept, and the TTL that all its records are sent with. */
  ttl: number
  /** Where to keep it if its question matches; undefined if nowhere. */
  part: PartName | undefined
  /** Its question is the query's (RFC 5452 §9.1). */
  matches: boolean
  /** It holds what was asked for. */
  positive: boolean
}

/**
 * Judges an answer that has a message.
 * @param now seconds since 1970, for signatures
 */
export function judge(query: Query, reply: Reply, options: CacheOptions, now: number): Verdict {
  const wire = reply.wire!
  const scan = reply.scan!
  const matches = query.hasKey(scan.key) && scan.qtype === query.qtype && scan.qclass === query.qclass
  const positive = answersQuestion(wire, scan)
  let type = reply.responseType(now)
  let part: PartName | undefined
  switch (type) {
    case 'NOERROR':
      if (positive) part = 'success'
      else if (scan.soa) type = 'NODATA'
      if (type === 'NODATA') part = 'denial'
      break
    case 'DELEGATION':
      part = 'success'
      break
    case 'NODATA':
    case 'SERVERERROR':
      part = 'denial'
      break
    case 'NXDOMAIN':
      if (scan.soa) part = 'denial'
  }
  const ttl = type === 'SERVERERROR' ? Math.floor(options.servfail) : toTtl(reply, type, options)
  if (reply.truncated || ttl === 0) part = undefined
  return { type, ttl, part, matches, positive }
}

function toTtl(reply: Reply, type: ResponseType, options: CacheOptions): number {
  const { minTtl } = reply.scan!
  const denial = type === 'NXDOMAIN' || type === 'NODATA'
  let ttl = minTtl >= 0 && (denial || type === 'NOERROR') ? minTtl : EMPTY_TTL
  if (denial && minTtl >= 0) ttl = Math.min(ttl, soaMinimum(reply.wire!, reply.scan!))
  const bounds = denial ? options.denial : options.success
  return Math.min(Math.max(ttl, bounds.minTtl), bounds.ttl, MAX_TTL)
}
