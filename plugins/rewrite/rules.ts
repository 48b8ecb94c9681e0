/** The rules but for those of EDNS, made from what was read. */
import { isPending, type Query, type Reply, type ResourceRecord, TC } from 'corelet/plugin'
import { type AnswerPart, toResponse } from './answers.ts'
import { matches, type Pattern, replaceName } from './names.ts'
import { editRecords } from './records.ts'
import type { Draft, Fired, Rule, RuleContext } from './rule.ts'

type Apply = Rule['apply']

/** `name`: another name is asked for. */
export function nameRule(pattern: Pattern, to: string, answer: AnswerPart): Apply {
  return (query) => {
    const name = replaceName(pattern, query.name, to)
    if (name === undefined) return undefined
    const respond = toResponse(answer, pattern, to, query.name, name)
    return { change: { name }, ...(respond && { respond }) }
  }
}

/** `type` and `class`: another number is asked for. */
export function numberRule(field: 'qtype' | 'qclass', from: number, to: number): Apply {
  return (query) => (query[field] === from ? { change: { [field]: to } } : undefined)
}

/** `ttl`: those of all records are brought between two limits, in seconds. */
export function ttlRule(pattern: Pattern, min: number, max: number): Apply {
  return ifNamed(pattern, (draft) =>
    editRecords(draft, (record) => {
      const ttl = Math.min(Math.max(record.ttl, min), max)
      return ttl === record.ttl ? record : { ...record, ttl }
    }),
  )
}

/** `rcode`: one is told as another. */
export function rcodeRule(pattern: Pattern, from: number, to: number): Apply {
  return ifNamed(pattern, (draft) => {
    if (draft.rcode === from) draft.rcode = to
  })
}

function ifNamed(pattern: Pattern, respond: (draft: Draft) => void): Apply {
  const fired: Fired = { respond }
  return (query) => (matches(pattern, query.name) ? fired : undefined)
}

/** `cname`: a CNAME leads elsewhere, and what is there is looked up. */
export function cnameRule(pattern: Pattern, to: string): Apply {
  return (_query, context) => ({
    respond(draft, asked) {
      const at = draft.answers.findIndex((record) => record.type === 'CNAME' && matches(pattern, record.data))
      const alias = draft.answers[at]
      if (alias?.type !== 'CNAME') return undefined
      const target = replaceName(pattern, alias.data, to)!
      const known = draft.answers.slice(0, at).filter(({ type }) => type === 'CNAME')
      return follow(draft, asked, [...known, { ...alias, data: target }], target, context)
    },
  })
}

/** Looks `target` up, and puts what is found behind the CNAMEs that lead to it. */
function follow(
  draft: Draft,
  asked: Query,
  chain: readonly ResourceRecord[],
  target: string,
  context: RuleContext,
): void | Promise<void> {
  const take = (found: Reply): void => {
    if (found.kind !== 'answer') {
      context.error(`Error upstream request: ${target}: ${found.reason}`)
      return
    }
    draft.answers = [...chain, ...found.answers]
    draft.flags = (draft.flags & ~TC) | (found.flags & TC)
    draft.edited = true
  }
  let found: Reply | Promise<Reply>
  try {
    found = context.lookUp(asked, target)
  } catch (error) {
    context.error(`Error upstream request: ${target}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
  return isPending(found) ? found.then(take) : take(found)
}
