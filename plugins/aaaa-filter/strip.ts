/** Taking IPv6 addresses out of decoded sections. */
import type { ResourceRecord, Sections } from 'corelet/plugin'

/** What to take out of an answer. */
export interface Traces {
  /** AAAA of the additional section. */
  additional: boolean
  /** AAAA of the answer section. */
  answers: boolean
  /** `ipv6hint` of SVCB and HTTPS. */
  hints: boolean
  /** AAAA of the additional section stay for a name that has no A beside them. */
  onlyWithA: boolean
}

/** The sections without those traces; undefined when they had none. */
export function strip(sections: Sections, traces: Traces): Sections | undefined {
  let { answers, additionals } = sections
  if (traces.answers) answers = answers.filter(isNotAaaa)
  if (traces.hints) answers = answers.map(withoutHint)
  if (traces.additional) {
    const hidden = traces.onlyWithA ? ownersOfA(additionals) : undefined
    additionals = additionals.filter(
      (record) => isNotAaaa(record) || (hidden && !hidden.has(record.name.toLowerCase())),
    )
  }
  const same =
    additionals.length === sections.additionals.length &&
    answers.length === sections.answers.length &&
    answers.every((record, i) => record === sections.answers[i])
  return same ? undefined : { answers, authorities: sections.authorities, additionals }
}

/** False for AAAA and signatures of AAAA. */
export function isNotAaaa({ type, data }: ResourceRecord): boolean {
  if (type === 'RRSIG') return (data as { typeCovered?: string }).typeCovered !== 'AAAA'
  return type !== 'AAAA'
}

function ownersOfA(records: readonly ResourceRecord[]): Set<string> {
  return new Set(records.filter(({ type }) => type === 'A').map(({ name }) => name.toLowerCase()))
}

/** A parameter that is gone must not be called mandatory (RFC 9460 §8). */
function withoutHint(record: ResourceRecord): ResourceRecord {
  if (record.type !== 'HTTPS' && record.type !== 'SVCB') return record
  const { ipv6hint, mandatory, ...params } = record.data.params ?? {}
  if (!ipv6hint) return record
  const others = mandatory?.filter((name) => name !== 'ipv6hint') ?? []
  return { ...record, data: { ...record.data, params: others.length > 0 ? { mandatory: others, ...params } : params } }
}
