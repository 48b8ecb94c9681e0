import { type Next, type Query, RCODES, type Reply, TextError, WireError, whenReply } from 'corelet/plugin'
import type { Draft, Response, Rule, RuleContext } from './rule.ts'

/** Sends a query through the rules, and what comes back through what they say about replies. */
export function rewrite(
  rules: readonly Rule[],
  query: Query,
  next: Next,
  context: RuleContext,
): Reply | Promise<Reply> {
  const responses: Response[] = []
  let current = query
  for (const rule of rules) {
    const fired = rule.apply(current, context)
    if (!fired) continue
    if (fired.change) {
      try {
        current = current.with(fired.change)
      } catch (error) {
        const { name } = fired.change
        const text =
          error instanceof TextError && name !== undefined ? `invalid name after rewrite: ${name}` : `${error}`
        return query.fail(RCODES.SERVFAIL, 'rewrite', text)
      }
    }
    if (fired.respond) responses.push(fired.respond)
    if (rule.stops) break
  }
  if (current === query && responses.length === 0) return next(query)
  if (haveSameQuestion(current, query) && responses.length === 0) return next(current)
  return whenReply(next(current), (reply) => respond(responses.reverse(), query, current, reply))
}

/** The reply as the client is to get it: to its own question, changed by `responses`. */
function respond(responses: readonly Response[], query: Query, asked: Query, reply: Reply): Reply | Promise<Reply> {
  if (reply.kind === 'drop') return reply
  const { rcode, flags, options, answers, authorities, additionals } = reply
  const draft: Draft = { rcode, flags, options, answers, authorities, additionals, edited: false }
  const step = (at: number): Reply | Promise<Reply> => {
    for (let i = at; i < responses.length; i++) {
      const pending = responses[i]!(draft, asked)
      if (pending) return pending.then(() => step(i + 1))
    }
    return finish(draft, query, asked, reply)
  }
  return step(0)
}

function finish(draft: Draft, query: Query, asked: Query, reply: Reply): Reply {
  const { rcode, flags, options, edited } = draft
  if (reply.kind === 'failure' || (haveSameQuestion(asked, query) && !edited))
    return reply.copy({ rcode, flags, options })
  try {
    return query.reply(draft, reply.plugin, reply.reason).copy({ rcode, flags, options })
  } catch (error) {
    if (!(error instanceof TextError || error instanceof WireError)) throw error
    return query.fail(RCODES.SERVFAIL, 'rewrite', `the rewritten reply can't be sent: ${error.message}`)
  }
}

function haveSameQuestion(a: Query, b: Query): boolean {
  return a.key === b.key && a.qtype === b.qtype && a.qclass === b.qclass
}
