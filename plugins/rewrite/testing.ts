import { formatRecord, type Query, RA, type Reply } from 'corelet/plugin'
import { fakeContext, type MessageText, type QueryParts, startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import rewrite from './index.ts'

export interface Outcome {
  reply: Reply
  /** What was asked behind the plugin: `name type class`. */
  asked: string
  query: Query
  records: string[]
}

/** Asks through the rules; what is behind answers with `message`. */
export async function run(
  rules: string | string[],
  [name, type = 'A', parts = {}]: [name: string, type?: string, parts?: QueryParts],
  message: MessageText | ((query: Query) => Reply) = {},
  lookUp: (query: Query) => Reply = (query) => toReply(query, {}),
): Promise<Outcome & { lines: string[] }> {
  const context = fakeContext({ plugin: 'rewrite', ask: lookUp })
  const text = [rules].flat().map((rule) => `rewrite ${rule}`)
  const started = await startPlugin(rewrite, text.join('\n'), context)
  let asked: Query | undefined
  const reply = await started.ask(toQuery(name, type, parts), (query) => {
    asked = query
    return typeof message === 'function' ? message(query) : toReply(query, { flags: RA, ...message })
  })
  const words = ({ answers, authorities, additionals }: Reply) => [...answers, ...authorities, ...additionals]
  return {
    reply,
    query: asked!,
    asked: asked ? `${asked.name} ${asked.type} ${asked.class}` : '',
    records: words(reply).map((record) => formatRecord(record).replaceAll('\t', ' ')),
    lines: context.lines,
  }
}

/** What is asked behind the rules. */
export const asked = async (rules: string | string[], ...question: Parameters<typeof run>[1]) =>
  (await run(rules, question)).asked
