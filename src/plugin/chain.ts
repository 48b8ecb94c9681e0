import { RCODES } from '../dns/constants.ts'
import type { Query } from './query.ts'
import { Reply } from './reply.ts'

/**
 * Answers, asks `next`, or both. What can be answered now is returned now; a promise only when something must be waited for.
 */
export type Handler = (query: Query, next: Next) => Reply | Promise<Reply>

/** Asks the rest of the chain. */
export interface Next {
  (query: Query): Reply | Promise<Reply>
  /** Name of the plugin that it leads to; undefined at the end of the chain. */
  readonly plugin: string | undefined
}

/** A plugin's handler in one server block. */
export interface Link {
  plugin: string
  handler: Handler
}

/** Composes the links, in order, into nested closures named after their plugins. Behind the last one waits SERVFAIL. */
export function composeChain(links: readonly Link[]): Next {
  const last = links.at(-1)?.plugin ?? ''
  const error = `plugin/${last}: no next plugin found`
  let next = toNext(undefined, (query) => query.fail(RCODES.SERVFAIL, last, error))
  for (const { plugin, handler } of links.toReversed()) {
    const rest = next
    next = toNext(plugin, (query) => expectReply(query, handler(query, rest), plugin))
  }
  return next
}

/**
 * Keeps a query that must wait. Lets a plugin that returns something else fail by its own name, before others trip over it.
 * @throws TypeError
 */
function expectReply(query: Query, result: Reply | Promise<Reply>, plugin: string): Reply | Promise<Reply> {
  if (result instanceof Reply) return result
  if (result instanceof Promise) {
    query.keep()
    return result
  }
  throw new TypeError(`plugin/${plugin}: the handler returned no Reply`)
}

function toNext(plugin: string | undefined, call: (query: Query) => Reply | Promise<Reply>): Next {
  Object.defineProperty(call, 'name', { value: plugin ?? 'end of chain' })
  return Object.assign(call, { plugin })
}

/** Whether a handler's result must be waited for. */
export function isPending(result: Reply | Promise<Reply>): result is Promise<Reply> {
  return result instanceof Promise
}

/** Goes on with a reply when it is there, at once if it is there now. */
export function whenReply(
  result: Reply | Promise<Reply>,
  then: (reply: Reply) => Reply | Promise<Reply>,
): Reply | Promise<Reply> {
  return isPending(result) ? result.then(then) : then(result)
}

/** Asks `next` and shows `note` the reply before it goes on: at once when it is known, which costs no promise. */
export function askAndNote(
  query: Query,
  next: Next,
  note: (query: Query, reply: Reply) => void,
): Reply | Promise<Reply> {
  const result = next(query)
  if (isPending(result)) {
    return result.then((reply) => {
      note(query, reply)
      return reply
    })
  }
  note(query, result)
  return result
}
