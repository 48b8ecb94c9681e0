/** What the tests of the filter share: records, and a rest of the chain that answers with them. */
import { type Query, RA, type Reply } from 'corelet/plugin'
import { fakeContext, type MessageText, startPlugin, toReply } from 'corelet/plugin/testing'
import plugin from './index.ts'

export const NAME = 'www.example.org.'
export const AAAA = `${NAME} 300 IN AAAA 2001:db8::1`
export const A = `${NAME} 300 IN A 192.0.2.1`
export const SOA = 'example.org. 300 IN SOA ns.example.org. admin.example.org. 1 7200 3600 1209600 300'
export const signature = (type: string, owner = NAME) =>
  `${owner} 300 IN RRSIG ${type} 8 3 300 20300101000000 20200101000000 1 example.org. AAAA`

/** A rest of the chain that answers by type and keeps the types it was asked for. */
export function upstream(messages: Record<string, MessageText>) {
  const asked: string[] = []
  const next = (query: Query): Reply => {
    asked.push(query.type)
    return toReply(query, { flags: RA, ...messages[query.type] })
  }
  return Object.assign(next, { asked })
}

export const records = (list: Reply['answers']) => list.map(({ name, type }) => `${name} ${type}`)

/** Starts the filter, asks it once. */
export async function ask(text: string, query: Query, messages: Record<string, MessageText> = {}, zones = ['.']) {
  const context = fakeContext({ zones })
  const { askNow } = await startPlugin(plugin, text, context)
  const next = upstream(messages)
  const reply = askNow(query, next)
  const filtered = [...context.metrics.values].reduce((sum, [, value]) => sum + value, 0)
  return { reply, asked: next.asked, filtered, context }
}
