/** What the tests of the cache share: upstreams that answer from a list. */
import { parseRecord, type Query, RCODES, Reply } from 'corelet/plugin'

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
