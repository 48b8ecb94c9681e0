import { fromTypeName, RCODES, RD } from '../dns/constants.ts'
import { parseRecord } from '../dns/text.ts'
import type { Listener, Peer } from '../plugin/listener.ts'
import { Query } from '../plugin/query.ts'
import { Reply, type ReplyParts } from '../plugin/reply.ts'
import { fakeListener } from './fake-context.ts'
import type { NextLike } from './start-plugin.ts'

export interface QueryParts {
  dnssecOk?: boolean
  /** Header flags beside RD, e.g. CD. */
  flags?: number
  qclass?: number
  udpSize?: number
  proto?: 'udp' | 'tcp'
  client?: Peer
  listener?: Listener
  received?: number
  zone?: string
  /** False for a block without the `metadata` plugin. */
  metadata?: boolean
}

/** A query as a client would send it: `toQuery('example.org', 'AAAA')`. */
export function toQuery(name: string, type = 'A', parts: QueryParts = {}): Query {
  const qtype = fromTypeName(type)
  if (qtype === undefined) throw new Error(`no such type: ${type}`)
  const question = Query.ask(
    { name, qtype, qclass: parts.qclass ?? 1 },
    {
      listener: parts.listener ?? fakeListener(),
      client: parts.client ?? { address: '192.0.2.53', port: 40_212 },
      local: { address: '127.0.0.1', port: 53 },
      proto: parts.proto ?? 'udp',
      received: parts.received ?? 0,
    },
  )
  const udpSize = parts.udpSize ?? (parts.dnssecOk ? 1232 : 0)
  const edns = udpSize > 0 ? { udpSize, flags: parts.dnssecOk ? 0x8000 : 0, options: [] } : null
  const changed = question.with({ id: 4711, flags: RD | (parts.flags ?? 0), edns })
  const fresh = changed.over(question.proto)
  fresh.zone = parts.zone ?? '.'
  if (parts.metadata !== false) fresh.collectMetadata()
  return fresh
}

/** A message as an upstream sends it, its records as text. */
export interface MessageText {
  rcode?: number
  /** Header flags beside those of a plain reply. */
  flags?: number
  answers?: readonly string[]
  authorities?: readonly string[]
  additionals?: readonly string[]
  /** EDNS flags that the message came with. */
  ednsFlags?: number
  options?: Reply['options']
}

/** The reply of an upstream to `query`. @throws TextError */
export function toReply(query: Query, message: MessageText): Reply {
  const { rcode = RCODES.NOERROR, flags = 0, ednsFlags = 0, options = [] } = message
  const records = (lines: readonly string[] = []) => lines.map((line) => parseRecord(line))
  const made = query.reply(
    {
      rcode,
      answers: records(message.answers),
      authorities: records(message.authorities),
      additionals: records(message.additionals),
      options,
    },
    'upstream',
    'answered',
  )
  const scan = { ...made.scan!, ednsFlags }
  return new Reply('answer', rcode, made.flags | flags, made.wire, scan, -1, options, made.plugin, made.reason)
}

/** A handler's next that answers with records; counts and keeps what it was asked. */
export function answering(parts: ReplyParts): NextLike & { asked: Query[] } {
  const asked: Query[] = []
  return Object.assign(
    (query: Query) => {
      asked.push(query)
      return query.reply(parts, 'test', 'fixed answer')
    },
    { asked },
  )
}
