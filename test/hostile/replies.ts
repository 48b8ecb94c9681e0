/** Replies of upstreams and of forgers, octet by octet. */
import { fromText } from '../../src/dns/name.ts'
import type { Received } from '../../src/upstream/testing.ts'

/** What an upstream sends in place of the defaults: NOERROR with RD and RA and no records. */
export interface ReplyParts {
  /** Second and third octet of the header. */
  flags?: number
  answers?: Buffer[]
  authorities?: Buffer[]
  additionals?: Buffer[]
}

/** The address in a sound answer. */
export const GOOD = '192.0.2.1'
/** The address in a forged one. */
export const FORGED = '203.0.113.66'

/** The reply to a query. */
export function toReply(query: Received, parts: ReplyParts = {}): Buffer {
  const { flags = 0x8180, answers = [], authorities = [], additionals = [] } = parts
  let end = 12
  while (query.wire[end] !== 0) end += query.wire[end]! + 1
  const message = Buffer.concat([query.wire.subarray(0, end + 5), ...answers, ...authorities, ...additionals])
  for (const [i, word] of [flags, 1, answers.length, authorities.length, additionals.length].entries()) {
    message.writeUInt16BE(word, 2 + 2 * i)
  }
  return message
}

/** A record; without a name it belongs to the question's. */
export function toRecord(type: number, data: Uint8Array, ttl = 300, owner = '', klass = 1): Buffer {
  const head = Buffer.alloc(10)
  head.writeUInt16BE(type)
  head.writeUInt16BE(klass, 2)
  head.writeUInt32BE(ttl, 4)
  head.writeUInt16BE(data.length, 8)
  return Buffer.concat([owner === '' ? Buffer.of(0xc0, 12) : fromText(owner), head, data])
}

/** An address record. */
export function toAddress(address: string, ttl = 300, owner = ''): Buffer {
  return toRecord(1, Uint8Array.from(address.split('.').map(Number)), ttl, owner)
}

/** The SOA record of `example.` */
export const toSoa = (ttl: number, minimum: number) => {
  const numbers = Buffer.alloc(20)
  numbers.writeUInt32BE(minimum, 16)
  return toRecord(6, Buffer.concat([fromText('ns.example.'), fromText('root.example.'), numbers]), ttl, 'example.')
}
/** A CNAME record. */
export const toCname = (target: string, owner = '') => toRecord(5, fromText(target), 300, owner)
/** An OPT record, with the octets of its options. */
export const toOpt = (...options: number[]) =>
  Buffer.concat([Buffer.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.length), Buffer.from(options)])
/** Answers every query with the same. */
export const answering = (parts: ReplyParts) => (query: Received) => query.send(toReply(query, parts))
/** Answers soundly. */
export const good = answering({ answers: [toAddress(GOOD)] })
/** The message, its id changed by these bits. */
export const withId = (message: Buffer, change: number) => {
  message.writeUInt16BE(message.readUInt16BE(0) ^ change, 0)
  return message
}
/** An answer with the forger's address. */
export const forged = (query: Received) => toReply(query, { answers: [toAddress(FORGED)] })
