/** What upstreams and forgers may send, what the client gets, and whether a second query is answered without asking again. */
import { createSocket } from 'node:dgram'
import { fromText } from '../../src/dns/name.ts'
import type { Received } from '../../src/upstream/testing.ts'
import {
  answering,
  FORGED,
  forged,
  GOOD,
  good,
  type ReplyParts,
  toAddress,
  toCname,
  toOpt,
  toRecord,
  toReply,
  toSoa,
  withId,
} from './replies.ts'

export interface UpstreamRow {
  name: string
  respond(query: Received): void | Promise<void>
  /** `A …` of the first address, or the rcode, or what is special: see the test. */
  expected: string
  /** Whether the same query is asked of the upstream again soon after; false is from the cache. */
  again?: boolean
  /** Bits of the client's query beside RD. */
  flags?: number
  /** The highest TTL of the answer's records in seconds. */
  ttl?: number
}

const AD = 0x0020
const knowsEdns = (query: Received) => query.wire.readUInt16BE(10) > 0

/** The good answer comes behind a bad one, which must not count. */
function behind(forge: (query: Received) => void | Promise<void>): UpstreamRow['respond'] {
  return async (query) => {
    if (query.proto === 'udp') await forge(query)
    good(query)
  }
}

/** Sends a datagram from a port that the query did not go to. */
function sendFromElsewhere(query: Received, message: Buffer): Promise<void> {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.send(message, query.port, '127.0.0.1', () => socket.close(resolve))
  })
}

/** Seven kinds of bad message before the good answer. */
const FORGERIES: UpstreamRow[] = [
  {
    name: 'fifty wrong ids',
    respond: behind((query) => {
      for (let i = 1; i <= 50; i++) query.send(withId(forged(query), i))
    }),
    expected: `A ${GOOD}`,
  },
  {
    name: 'a wrong question',
    respond: behind((query) => {
      const message = forged(query)
      message[13] = message[13]! ^ 1
      query.send(message)
    }),
    expected: `A ${GOOD}`,
  },
  { name: 'the query itself', respond: behind((query) => query.send(query.wire)), expected: `A ${GOOD}` },
  {
    name: 'an answer from another port',
    respond: behind((query) => sendFromElsewhere(query, forged(query))),
    expected: `A ${GOOD}`,
  },
  { name: 'seven octets', respond: behind((query) => query.send(query.wire.subarray(0, 7))), expected: `A ${GOOD}` },
  {
    name: 'the answer without its end',
    respond: behind((query) => query.send(toReply(query, { answers: [toAddress(GOOD)] }).subarray(0, -3))),
    expected: `A ${GOOD}`,
  },
  { name: 'an empty datagram', respond: behind((query) => query.send(Buffer.alloc(0))), expected: `A ${GOOD}` },
].map((row) => ({ ...row, name: `${row.name}, then the answer`, again: false }))

export const UPSTREAM_ROWS: readonly UpstreamRow[] = [
  { name: 'the answer', respond: good, expected: `A ${GOOD}`, again: false },
  {
    name: 'the answer, late',
    respond: (query) => void setTimeout(good, 100, query),
    expected: `A ${GOOD}`,
    again: false,
  },
  ...FORGERIES,
  { name: 'nothing', respond: () => {}, expected: 'SERVFAIL', again: false },
  { name: 'SERVFAIL', respond: answering({ flags: 0x8182 }), expected: 'SERVFAIL', again: false },
  { name: 'REFUSED', respond: answering({ flags: 0x8185 }), expected: 'REFUSED' },
  { name: 'NOTIMP', respond: answering({ flags: 0x8184 }), expected: 'NOTIMP' },
  { name: 'an unknown rcode', respond: answering({ flags: 0x818b }), expected: 'RCODE11' },
  { name: 'FORMERR, whatever is asked', respond: answering({ flags: 0x8181 }), expected: 'FORMERR' },
  {
    name: 'FORMERR to a query with an OPT',
    respond: (query) => (knowsEdns(query) ? query.send(toReply(query, { flags: 0x8181 })) : good(query)),
    expected: `A ${GOOD}`,
    again: false,
  },
  {
    name: 'FORMERR as a bare header to a query with an OPT',
    respond(query) {
      if (!knowsEdns(query)) good(query)
      else query.send(Buffer.concat([query.wire.subarray(0, 2), Buffer.from([0x80, 1]), Buffer.alloc(8)]))
    },
    expected: `A ${GOOD}`,
    again: false,
  },
  {
    name: 'FORMERR with an OPT, as a server that knows EDNS does',
    respond: (query) =>
      knowsEdns(query) ? query.send(toReply(query, { flags: 0x8181, additionals: [toOpt()] })) : good(query),
    expected: 'FORMERR',
  },
  { name: 'a truncated answer', respond: answering({ flags: 0x8380 }), expected: 'TC', again: true },
  {
    name: 'more than it was told that a datagram may have',
    respond: answering({ answers: new Array(300).fill(toAddress(GOOD)) }),
    expected: `A ${GOOD} TC`,
  },
  {
    name: 'a TTL of 2^32 - 1',
    respond: answering({ answers: [toAddress(GOOD, 0xffffffff)] }),
    expected: `A ${GOOD}`,
    ttl: 3600,
    again: false,
  },
  {
    name: 'a TTL of 2^31',
    respond: answering({ answers: [toAddress(GOOD, 0x80000000)] }),
    expected: `A ${GOOD}`,
    ttl: 3600,
    again: false,
  },
  {
    name: 'a TTL of 0',
    respond: answering({ answers: [toAddress(GOOD, 0)] }),
    expected: `A ${GOOD}`,
    ttl: 5,
    again: false,
  },
  {
    name: 'different TTLs in one set',
    respond: answering({ answers: [toAddress(GOOD, 300), toAddress('192.0.2.2', 7)] }),
    expected: `A ${GOOD}`,
    ttl: 7,
    again: false,
  },
  {
    name: 'a CNAME that leads to itself',
    respond: answering({ answers: [toRecord(5, Buffer.of(0xc0, 12))] }),
    expected: 'NOERROR',
  },
  {
    name: 'CNAMEs in a circle',
    respond: answering({
      answers: [toCname('b.example.'), toCname('c.example.', 'b.example.'), toCname('b.example.', 'c.example.')],
    }),
    expected: 'NOERROR',
  },
  {
    name: 'NXDOMAIN with a SOA',
    respond: answering({ flags: 0x8183, authorities: [toSoa(60, 60)] }),
    expected: 'NXDOMAIN',
    ttl: 60,
    again: false,
  },
  {
    name: 'NXDOMAIN with a SOA of 2^31',
    respond: answering({ flags: 0x8183, authorities: [toSoa(2 ** 31, 2 ** 31)] }),
    expected: 'NXDOMAIN',
    ttl: 1800,
    again: false,
  },
  { name: 'NXDOMAIN without a SOA', respond: answering({ flags: 0x8183 }), expected: 'NXDOMAIN', again: true },
  {
    name: 'NXDOMAIN with an address',
    respond: answering({ flags: 0x8183, answers: [toAddress(GOOD)] }),
    expected: `A ${GOOD}`,
    again: true,
  },
  {
    name: 'NODATA with a SOA',
    respond: answering({ authorities: [toSoa(60, 60)] }),
    expected: 'NOERROR',
    ttl: 60,
    again: false,
  },
  { name: 'NODATA without a SOA', respond: answering({}), expected: 'NOERROR', again: true },
  {
    name: 'an AAAA record in place of the A',
    respond: answering({ answers: [toRecord(28, Buffer.alloc(16, 1))] }),
    expected: 'NOERROR',
  },
  {
    name: 'a record of another class',
    respond: answering({ answers: [toRecord(1, Buffer.alloc(4, 1), 300, '', 3)] }),
    expected: 'NOERROR',
  },
  {
    name: 'an A record of 3 octets',
    respond: answering({ answers: [toRecord(1, Buffer.alloc(3, 1))] }),
    expected: 'SERVFAIL',
  },
  {
    name: 'an AAAA record of 4 octets',
    respond: answering({ answers: [toRecord(28, Buffer.alloc(4, 1))] }),
    expected: 'SERVFAIL',
  },
  {
    name: 'a CNAME with a pointer to itself',
    respond: answering({ answers: [toRecord(5, Buffer.of(0xc0, 43))] }),
    expected: 'SERVFAIL',
  },
  {
    name: 'an OPT',
    respond: answering({ answers: [toAddress(GOOD)], additionals: [toOpt()] }),
    expected: `A ${GOOD}`,
    again: false,
  },
  {
    name: 'two OPT',
    respond: answering({ answers: [toAddress(GOOD)], additionals: [toOpt(), toOpt(0, 3, 0, 1, 65)] }),
    expected: `A ${GOOD}`,
    again: false,
  },
  {
    name: 'an OPT between two records',
    respond: answering({
      answers: [toAddress(GOOD)],
      additionals: [toAddress(GOOD, 300, 'x.example.'), toOpt(), toAddress(GOOD, 300, 'y.example.')],
    }),
    expected: `A ${GOOD}`,
    again: false,
  },
  {
    name: 'an OPT among the answers',
    respond: answering({ answers: [toAddress(GOOD), toOpt()] }),
    expected: 'SERVFAIL',
  },
  {
    name: 'a record of an unknown type between two addresses',
    respond: answering({
      answers: [toAddress(GOOD), toRecord(65_280, Buffer.of(0xc0, 12, 1, 2)), toAddress('192.0.2.2')],
    }),
    expected: `A ${GOOD}`,
    again: false,
  },
  { name: 'another opcode', respond: answering({ flags: 0x9180 }), expected: 'SERVFAIL' },
  {
    name: 'AD that nobody asked for',
    respond: answering({ flags: 0x81a0, answers: [toAddress(GOOD)] }),
    expected: `A ${GOOD}`,
    again: false,
  },
  {
    name: 'AD to a client that set it',
    flags: AD,
    respond: answering({ flags: 0x81a0, answers: [toAddress(GOOD)] }),
    expected: `A ${GOOD} AD`,
    again: false,
  },
  { name: 'Z', respond: answering({ flags: 0x81c0, answers: [toAddress(GOOD)] }), expected: `A ${GOOD}`, again: false },
  {
    name: 'no RA',
    respond: answering({ flags: 0x8100, answers: [toAddress(GOOD)] }),
    expected: `A ${GOOD}`,
    again: false,
  },
  {
    name: 'trailing octets',
    respond: (query) => query.send(Buffer.concat([toReply(query, { answers: [toAddress(GOOD)] }), Buffer.alloc(9, 7)])),
    expected: `A ${GOOD}`,
    again: false,
  },
]

/** Records about a name that was not asked for, in an answer that is otherwise sound. The name is `victim`'s argument. */
export const POISONS: readonly { name: string; parts(victim: string): ReplyParts }[] = [
  {
    name: 'in the answer section',
    parts: (victim) => ({ answers: [toAddress(GOOD), toAddress(FORGED, 300, victim)] }),
  },
  { name: 'behind a CNAME', parts: (victim) => ({ answers: [toCname(victim), toAddress(FORGED, 300, victim)] }) },
  {
    name: 'in the authority section',
    parts: (victim) => ({ answers: [toAddress(GOOD)], authorities: [toAddress(FORGED, 300, victim)] }),
  },
  {
    name: 'in the additional section',
    parts: (victim) => ({ answers: [toAddress(GOOD)], additionals: [toAddress(FORGED, 300, victim)] }),
  },
  {
    name: 'as a name server with its address',
    parts: (victim) => ({
      answers: [toAddress(GOOD)],
      authorities: [toRecord(2, fromText(victim), 300, 'example.')],
      additionals: [toAddress(FORGED, 300, victim)],
    }),
  },
  { name: 'in NXDOMAIN with the SOA of its parent', parts: () => ({ flags: 0x8183, authorities: [toSoa(60, 60)] }) },
]
