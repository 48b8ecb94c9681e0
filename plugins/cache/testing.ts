/** What the tests of the cache share: upstreams that answer from a list. */
import { type Query, RCODES, type Reply } from 'corelet/plugin'
import { type MessageText, startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import cache from './index.ts'

export const NAME = 'www.example.org.'

/** TTL 300, MINIMUM 300. */
export const SOA = 'example.org. 300 IN SOA ns.example.org. admin.example.org. 1 7200 3600 1209600 300'

export const A = (ttl: number, data = '192.0.2.1') => `${NAME} ${ttl} IN A ${data}`

export type Step = MessageText | Error | ((query: Query) => Reply | Promise<Reply>)

/** A rest of the chain that goes through `steps`, repeats the last, and keeps what it was asked. */
export function upstream(...steps: Step[]) {
  const asked: Query[] = []
  const next = (query: Query): Reply | Promise<Reply> => {
    const step = steps[Math.min(asked.length, steps.length - 1)]!
    asked.push(query)
    if (step instanceof Error) throw step
    return typeof step === 'function' ? step(query) : toReply(query, step)
  }
  return Object.assign(next, { asked })
}

/** A step that waits until it is told how to end. */
export function waiting() {
  const { promise, resolve, reject } = Promise.withResolvers<MessageText>()
  const step: Step = (query) => promise.then((message) => toReply(query, message))
  return { step, answer: resolve, fail: reject }
}

/** TTLs of all records. */
export const ttls = (reply: Reply) =>
  [...reply.answers, ...reply.authorities, ...reply.additionals].map(({ ttl }) => ttl)

/** Starts a cache, asks it once at 0 s and again at each of `seconds`. */
export async function replay(text: string, message: MessageText, seconds: number[], type = 'A') {
  const plugin = await startPlugin(cache, text)
  const next = upstream(message)
  const replies = [plugin.askNow(toQuery(NAME, type), next)]
  let now = 0
  for (const second of seconds) {
    await plugin.context.clock.advance((second - now) * 1000)
    now = second
    replies.push(plugin.askNow(toQuery(NAME, type), next))
  }
  return { replies, asked: next.asked, last: replies.at(-1)!, metrics: plugin.context.metrics }
}

export const NX: MessageText = { rcode: RCODES.NXDOMAIN, authorities: [SOA] }
export const SERVFAIL: MessageText = { rcode: RCODES.SERVFAIL }
export const NODATA: MessageText = { authorities: [SOA] }
export const good = (number: number): MessageText => ({ answers: [A(60, `192.0.2.${number}`)] })

/** A cache, an upstream that goes through `steps`, and what to do with them in a line. */
export async function start(text: string, ...steps: Step[]) {
  const plugin = await startPlugin(cache, text)
  const next = upstream(...steps)
  const { clock, metrics } = plugin.context
  return {
    plugin,
    next,
    clock,
    asked: next.asked,
    lines: plugin.context.lines,
    ask: () => plugin.ask(toQuery(NAME), next),
    askNow: () => plugin.askNow(toQuery(NAME), next),
    count: (name: string) => metrics.value(`coredns_cache_${name}_total`, 'dns://:53', '.', '') ?? 0,
  }
}

/** Address and TTL of the first answer. */
export const brief = (reply: Reply) => [reply.answers[0]?.data, reply.answers[0]?.ttl]
