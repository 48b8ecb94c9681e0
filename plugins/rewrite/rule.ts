import type { Query, QueryChange, Reply } from 'corelet/plugin'

/** What a rule does with a query that it is for. */
export interface Fired {
  /** What is asked instead. */
  change?: QueryChange
  /** What becomes of the reply; the rule that fired last goes first. */
  respond?: Response
}

/** Changes a reply. `query` is what was asked in the end. */
export type Response = (draft: Draft, query: Query) => void | Promise<void>

/** A reply while rules change it. */
export interface Draft {
  rcode: number
  flags: number
  answers: Reply['answers']
  authorities: Reply['authorities']
  additionals: Reply['additionals']
  options: Reply['options']
  /** Whether records differ from those of the reply that came. */
  edited: boolean
}

/** One `rewrite` of the Corefile. */
export interface Rule {
  /** No rule behind it is tried once it has fired. */
  stops: boolean
  /** undefined when the rule is not for this query. @param query as the rules before have made it */
  apply(query: Query, context: RuleContext): Fired | undefined
}

/** What rules need of the server. */
export interface RuleContext {
  /** Looks up another name for the query's client, through the server's own chain. */
  lookUp(query: Query, name: string): Reply | Promise<Reply>
  error(text: string): void
}
