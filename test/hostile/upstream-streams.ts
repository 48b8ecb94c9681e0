/** What upstreams may do over TCP. */
import type { Received } from '../../src/upstream/testing.ts'
import { answering, forged, GOOD, good, toAddress, toReply, withId } from './replies.ts'
import type { UpstreamRow } from './upstream-replies.ts'

const sendOctets = (octets: (query: Received) => Uint8Array) => (query: Received) =>
  void query.socket!.write(octets(query))
const toFrame = (message: Uint8Array) => Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message])

/** What an upstream does over TCP after it has said over UDP that its answer is too long. */
export const TCP_ROWS: readonly UpstreamRow[] = [
  { name: 'the answer', respond: good, expected: `A ${GOOD}`, again: false },
  { name: 'nothing', respond: () => {}, expected: 'SERVFAIL' },
  { name: 'a reset', respond: (query) => void query.socket!.resetAndDestroy(), expected: 'SERVFAIL' },
  { name: 'an end', respond: (query) => void query.socket!.end(), expected: 'SERVFAIL' },
  {
    name: 'half of the answer',
    respond: sendOctets((query) => toFrame(toReply(query, { answers: [toAddress(GOOD)] })).subarray(0, 20)),
    expected: 'SERVFAIL',
  },
  {
    name: 'half of the answer and an end',
    respond: (query) => void query.socket!.end(toFrame(forged(query)).subarray(0, 20)),
    expected: 'SERVFAIL',
  },
  {
    name: 'the answer octet by octet',
    async respond(query) {
      const { socket } = query
      for (const octet of toFrame(toReply(query, { answers: [toAddress(GOOD)] }))) {
        await new Promise((resolve) => socket!.write(Buffer.of(octet), resolve))
      }
    },
    expected: `A ${GOOD}`,
    again: false,
  },
  { name: 'the length 0', respond: sendOctets(() => Buffer.alloc(2)), expected: 'SERVFAIL' },
  { name: 'seven octets', respond: sendOctets((query) => toFrame(query.wire.subarray(0, 7))), expected: 'SERVFAIL' },
  {
    name: 'another id, then the answer',
    respond(query) {
      query.send(withId(forged(query), 1))
      good(query)
    },
    expected: `A ${GOOD}`,
    again: false,
  },
  { name: 'a truncated answer again', respond: answering({ flags: 0x8380 }), expected: 'TC', again: true },
  {
    name: 'an answer of 64 KiB',
    respond: answering({ answers: new Array(4000).fill(toAddress(GOOD)) }),
    expected: `A ${GOOD}`,
    again: false,
  },
]
