import { CLASSES } from '../dns/constants.ts'
import type { PluginContext } from './context.ts'
import type { Query } from './query.ts'
import type { Reply } from './reply.ts'

/**
 * Looks up another name or type through the server's own entry point, for the client of `query`: with its EDNS, protocol and metadata, in
 * class IN; given up when `query` is. @throws TextError on a bad name
 */
export function lookUp(
  { ask }: Pick<PluginContext, 'ask'>,
  query: Query,
  question: { name?: string; qtype?: number },
): Reply | Promise<Reply> {
  const derived = query.with({ ...question, qclass: CLASSES.IN }).over(query.proto)
  derived.mayWait = query.origin.mayWait
  const { signal } = query
  if (signal) {
    derived.cancellable = true
    if (signal.aborted) derived.cancel()
    else signal.addEventListener('abort', () => derived.cancel(), { once: true })
  }
  return ask(derived)
}
