/** What the filter looks for in the octets of an answer, without decoding it. */
import { type Reply, TYPES } from 'corelet/plugin'

export interface AnswerTypes {
  aaaa: boolean
  a: boolean
  /** Signatures in the answer section. */
  signed: boolean
  /** CNAME or DNAME. */
  alias: boolean
  /** SVCB or HTTPS. */
  service: boolean
  /** AAAA in the additional section. */
  additional: boolean
}

/** Which types stand in the sections of a reply; none for one without a message. */
export function inspect({ wire, scan }: Reply): AnswerTypes {
  const found: AnswerTypes = { aaaa: false, a: false, signed: false, alias: false, service: false, additional: false }
  if (!wire || !scan) return found
  const additional = scan.answers + scan.authorities
  for (let i = 0; i < scan.ttlOffsets.length; i++) {
    const ttl = scan.ttlOffsets[i]!
    const type = (wire[ttl - 4]! << 8) | wire[ttl - 3]!
    if (i >= additional) found.additional ||= type === TYPES.AAAA
    else if (i >= scan.answers) continue
    else if (type === TYPES.AAAA) found.aaaa = true
    else if (type === TYPES.A) found.a = true
    else if (type === TYPES.RRSIG) found.signed = true
    else if (type === TYPES.CNAME || type === TYPES.DNAME) found.alias = true
    else if (type === TYPES.SVCB || type === TYPES.HTTPS) found.service = true
  }
  return found
}
