import { OPTIONS, RCODES } from '../dns/constants.ts'
import type { EdnsOption } from '../dns/message.ts'
import type { Query } from './query.ts'
import type { Reply } from './reply.ts'

const TEXT = 'too many queries in work'

/** Other Error (RFC 8914 §4.1): no code of the registry says that a server has too much to do. */
const OTHER_ERROR: readonly EdnsOption[] = [
  { code: OPTIONS.EDE, data: Uint8Array.of(0, 0, ...new TextEncoder().encode(TEXT)) },
]

/** SERVFAIL for a query that would have to wait while the server has too many that do; see {@link Query.mayWait}. */
export function failOverloaded(query: Query, plugin: string): Reply {
  return query.fail(RCODES.SERVFAIL, plugin, TEXT).copy({ options: OTHER_ERROR })
}
