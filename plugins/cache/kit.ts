/** What the tests of the cache share: upstreams that answer from a list. */
import { parseRecord, type Query, RCODES, Reply } from 'corelet/plugin'
import { startPlugin, toQuery } from '../../src/plugin/testing.ts'
import cache from './index.ts'

export const NAME = 'www.example.org.'

/** TTL 300, MINIMUM 300. */
export const SOA = 'example.org. 300 IN SOA ns.example.org. admin.example.org. 1 7200 3600 1209600 300'

export const A = (ttl: number, data = '192.0.2.1') => `${NAME} ${ttl} IN A ${data}`

export interface Message {
  rcode?: number
  /** Header flags beside those of a plain reply. */
  flags?: number
  /** Records as text. */
  answers?: string[]
  authorities?: string[]
  additionals?: string[]
  /** EDNS flags that the message came with. */
  ednsFlags?: number
  options?: Reply['options']
}

/** An upstream's answer to `query`. */
export function answer(query: Query, message: Message): Reply {
  const records = (lines: string[] = []) => lines.map((line) => parseRecord(line))
  const made = query.reply(
    {
      rcode: message.rcode ?? RCODES.NOERROR,
      answers: records(message.answers),
      authorities: records(message.authorities),
      additionals: records(message.additionals),
      options: message.options ?? [],
    },
    'upstream',
    'answered',
  )
  const scan = { ...made.scan!, ednsFlags: message.ednsFlags ?? 0 }
  const flags = made.flags | (message.flags ?? 0)
  return new Reply('answer', made.rcode, flags, made.wire, scan, -1, made.options, made.plugin, made.reason)
}

export type Step = Message | Error | ((query: Query) => Reply | Promise<Reply>)

/** A rest of the chain that goes through `steps`, repeats the last, and keeps what it was asked. */
export function upstream(...steps: Step[]) {
  const asked: Query[] = []
  const next = (query: Query): Reply | Promise<Reply> => {
    const step = steps[Math.min(asked.length, steps.length - 1)]!
    asked.push(query)
    if (step instanceof Error) throw step
    return typeof step === 'function' ? step(query) : answer(query, step)
  }
  return Object.assign(next, { asked })
}

/** A step that waits until it is told how to end. */
export function waiting() {
  const { promise, resolve, reject } = Promise.withResolvers<Message>()
  const step: Step = (query) => promise.then((message) => answer(query, message))
  return { step, answer: resolve, fail: reject }
}

/** TTLs of all records. */
export const ttls = (reply: Reply) =>
  [...reply.answers, ...reply.authorities, ...reply.additionals].map(({ ttl }) => ttl)

/** Starts a cache, asks it once at 0 s and again at each of `seconds`. */
export async function replay(text: string, message: Message, seconds: number[], type = 'A') {
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

export const NX: Message = { rcode: RCODES.NXDOMAIN, authorities: [SOA] }
export const SERVFAIL: Message = { rcode: RCODES.SERVFAIL }
export const NODATA: Message = { authorities: [SOA] }
export const good = (number: number): Message => ({ answers: [A(60, `192.0.2.${number}`)] })

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
