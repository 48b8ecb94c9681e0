/** What clients may send, sound or not, and what each gets: the table that is sent over every transport. */
import { type PacketParts, toPacket } from '../../src/server/testing.ts'

const label = (length: number, octet = 0x61) => Buffer.concat([Buffer.of(length), Buffer.alloc(length, octet)])
const AFTER_NAME = Buffer.of(0, 1, 0, 1)
const named = (...parts: Uint8Array[]): PacketParts => ({ question: Buffer.concat([...parts, AFTER_NAME]) })
const option = (code: number, ...data: number[]) => ({ edns: { options: [{ code, data: Uint8Array.from(data) }] } })
const OPT = Buffer.of(0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
const withOctet = (octets: Buffer, at: number, octet: number) => Buffer.from(octets).fill(octet, at, at + 1)
const A_RECORD = Buffer.of(0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4)

/** Where a row's outcome is another one than over UDP with a chain that answers everything itself. */
export interface Otherwise {
  /** Over a stream, such as TCP. */
  stream?: string
  /** When the chain asks an upstream: classes other than IN are served then. */
  forward?: string
  /** Both. */
  forwardStream?: string
}

/**
 * What becomes of a packet: the rcode, `drop`, or `answer` for NOERROR; with `header` when the reply is 12 octets, and `counted` when the server
 * counts it as answered without a plugin.
 */
export const CLIENT_PACKETS: readonly [name: string, packet: Uint8Array, expected: string, otherwise?: Otherwise][] = [
  ['0 octets', Buffer.alloc(0), 'drop'],
  ['1 octet', Buffer.alloc(1), 'drop'],
  ['11 octets', Buffer.alloc(11), 'drop'],
  ['QR set', toPacket('example.org', { flags: 0x8180 }), 'drop'],
  ['QR set, opcode 15, rcode 5', toPacket('example.org', { flags: 0xf805 }), 'drop'],
  ['QDCOUNT 0', toPacket('example.org', { counts: [0, 0, 0, 0] }), 'FORMERR header'],
  ['QDCOUNT 2', toPacket('example.org', { counts: [2, 0, 0, 0] }), 'FORMERR header'],
  ['QDCOUNT 65535', toPacket('example.org', { counts: [65_535, 0, 0, 0] }), 'FORMERR header'],
  ['header only with QDCOUNT 1', toPacket('').subarray(0, 12), 'SERVFAIL header counted'],
  ...[1, 2, 3, 5, 6, 7, 15].map((opcode): [string, Uint8Array, string] => [
    `opcode ${opcode}`,
    toPacket('example.org', { flags: 0x0100 | (opcode << 11) }),
    'NOTIMP header',
  ]),
  ['NOTIFY', toPacket('example.org', { flags: 4 << 11, type: 'SOA' }), 'answer', { forward: 'REFUSED' }],
  ['NOTIFY of a type that is no SOA', toPacket('example.org', { flags: 4 << 11 }), 'answer', { forward: 'REFUSED' }],
  ['UPDATE', toPacket('example.org', { flags: 5 << 11, type: 'SOA' }), 'NOTIMP header'],
  ['TC, AA, RA, Z and an rcode', toPacket('example.org', { flags: 0x06cf }), 'answer'],
  ['class 0', toPacket('example.org', { qclass: 0 }), 'REFUSED counted'],
  ['class NONE', toPacket('example.org', { qclass: 254 }), 'REFUSED counted'],
  ['class ANY', toPacket('example.org', { qclass: 255 }), 'REFUSED counted'],
  ['class HS', toPacket('example.org', { qclass: 4 }), 'REFUSED counted', { forward: 'answer' }],
  ['class 32769', toPacket('example.org', { qclass: 32_769 }), 'REFUSED counted', { forward: 'answer' }],
  [
    'CH TXT version.bind',
    toPacket('version.bind', { qclass: 3, type: 'TXT' }),
    'REFUSED counted',
    { forward: 'answer' },
  ],
  [
    'AXFR',
    toPacket('example.org', { type: 'AXFR' }),
    'REFUSED counted',
    { stream: 'answer', forwardStream: 'REFUSED' },
  ],
  [
    'IXFR',
    toPacket('example.org', { type: 'IXFR' }),
    'REFUSED counted',
    { stream: 'answer', forwardStream: 'REFUSED' },
  ],
  ...['OPT', 'TSIG', 'TKEY', 'MAILA', 'MAILB', 'NXNAME'].map((type): [string, Uint8Array, string] => [
    `type ${type}`,
    toPacket('example.org', { type }),
    'FORMERR counted',
  ]),
  ['type ANY', toPacket('example.org', { type: 'ANY' }), 'answer'],
  ['unknown type', toPacket('example.org', { type: 65_280 }), 'answer'],
  ['pointer to itself', toPacket('', named(Buffer.of(0xc0, 12))), 'FORMERR header'],
  ['pointers in a circle', toPacket('', named(Buffer.of(1, 0x61, 0xc0, 12))), 'FORMERR header'],
  ['pointer forward', toPacket('', named(Buffer.of(0xc0, 18))), 'FORMERR header'],
  ['pointer past the end', toPacket('', named(Buffer.of(0xc1, 0))), 'FORMERR header'],
  ['pointer into the header', toPacket('', named(Buffer.of(0xc0, 4))), 'FORMERR header'],
  ['half a pointer', toPacket('', { question: Buffer.of(0xc0) }), 'FORMERR header'],
  ['label of 64', toPacket('', named(Buffer.of(0x40), Buffer.alloc(64, 97), Buffer.of(0))), 'FORMERR header'],
  ['label type 0x80', toPacket('', named(Buffer.of(0x80, 97, 0))), 'FORMERR header'],
  ['bit string label', toPacket('', named(Buffer.of(0x41, 8, 97, 0))), 'FORMERR header'],
  ['name of 255 octets', toPacket('', named(label(63), label(63), label(63), label(61), Buffer.of(0))), 'answer'],
  ['127 labels', toPacket('', named(...Array.from({ length: 127 }, () => label(1)), Buffer.of(0))), 'answer'],
  [
    'name of 256 octets',
    toPacket('', named(label(63), label(63), label(63), label(62), Buffer.of(0))),
    'FORMERR header',
  ],
  [
    'name of 1000 octets',
    toPacket('', named(...Array.from({ length: 20 }, () => label(49)), Buffer.of(0))),
    'FORMERR header',
  ],
  ['question without class', toPacket('', { question: Buffer.of(1, 97, 0, 0, 1) }), 'FORMERR header'],
  ['question without type', toPacket('', { question: Buffer.of(1, 97, 0) }), 'FORMERR header'],
  ['NUL in a label', toPacket('a\\000b.example'), 'answer'],
  ['dot in a label', toPacket('www\\.example'), 'answer'],
  ['octet 255 in a label', toPacket('\\255.example'), 'answer'],
  ['__proto__.constructor', toPacket('__proto__.constructor'), 'answer'],
  ['letters of both cases', toPacket('ExAmPlE.oRg'), 'answer'],
  ['trailing octet', toPacket('example.org', { tail: Buffer.alloc(1) }), 'answer'],
  ['500 trailing octets', toPacket('example.org', { tail: Buffer.alloc(500, 7) }), 'answer'],
  ['ANCOUNT 1 without data', toPacket('example.org', { counts: [1, 1, 0, 0] }), 'FORMERR'],
  ['ANCOUNT 65535', toPacket('example.org', { counts: [1, 65_535, 0, 0] }), 'FORMERR header'],
  ['NSCOUNT 65535', toPacket('example.org', { counts: [1, 0, 65_535, 0] }), 'FORMERR header'],
  ['ARCOUNT 65535', toPacket('example.org', { counts: [1, 0, 0, 65_535] }), 'FORMERR header'],
  ['ARCOUNT 3', toPacket('example.org', { counts: [1, 0, 0, 3] }), 'FORMERR header'],
  ['RDLENGTH too long', toPacket('example.org', { counts: [1, 1, 0, 0], tail: A_RECORD.subarray(0, 13) }), 'FORMERR'],
  ['a record in the answer section', toPacket('example.org', { counts: [1, 1, 0, 0], tail: A_RECORD }), 'answer'],
  ['EDNS version 1', toPacket('example.org', { edns: { version: 1 } }), 'BADVERS'],
  ['EDNS version 255', toPacket('example.org', { edns: { version: 255 } }), 'BADVERS'],
  [
    'EDNS version 1, class CH',
    toPacket('example.org', { edns: { version: 1 }, qclass: 3 }),
    'REFUSED counted',
    { forward: 'BADVERS' },
  ],
  ['two OPT', toPacket('example.org', { edns: {}, counts: [1, 0, 0, 2], tail: OPT }), 'FORMERR'],
  [
    'OPT below a name',
    toPacket('example.org', { counts: [1, 0, 0, 1], tail: Buffer.concat([Buffer.of(1, 97), OPT]) }),
    'FORMERR',
  ],
  ['OPT in the answer section', toPacket('example.org', { counts: [1, 1, 0, 0], tail: OPT }), 'FORMERR'],
  ['OPT in the authority section', toPacket('example.org', { counts: [1, 0, 1, 0], tail: OPT }), 'FORMERR'],
  [
    'option cut short',
    toPacket('example.org', {
      counts: [1, 0, 0, 1],
      tail: Buffer.concat([OPT.subarray(0, 10), Buffer.of(3, 0, 3, 0)]),
    }),
    'FORMERR',
  ],
  [
    'option of 1 octet',
    toPacket('example.org', { counts: [1, 0, 0, 1], tail: Buffer.concat([OPT.subarray(0, 10), Buffer.of(1, 0)]) }),
    'FORMERR',
  ],
  [
    'OPT longer than the message',
    toPacket('example.org', { counts: [1, 0, 0, 1], tail: Buffer.concat([OPT.subarray(0, 10), Buffer.of(9)]) }),
    'FORMERR',
  ],
  [
    'RDLENGTH too short, so that what follows is no record',
    toPacket('example.org', { counts: [1, 1, 0, 1], tail: withOctet(A_RECORD, 10, 2) }),
    'FORMERR',
  ],
  ['EDNS size 0', toPacket('example.org', { edns: { udpSize: 0 } }), 'answer'],
  ['EDNS size 511', toPacket('example.org', { edns: { udpSize: 511 } }), 'answer'],
  ['EDNS size 65535', toPacket('example.org', { edns: { udpSize: 65_535 } }), 'answer'],
  ['all flags of the OPT', toPacket('example.org', { edns: { flags: 0xffff } }), 'answer'],
  [
    '300 options',
    toPacket('example.org', {
      edns: { options: Array.from({ length: 300 }, () => ({ code: 65_001, data: new Uint8Array(0) })) },
    }),
    'answer',
  ],
  ['COOKIE of 7 octets', toPacket('example.org', option(10, 1, 2, 3, 4, 5, 6, 7)), 'answer'],
  ['COOKIE of 8 octets', toPacket('example.org', option(10, 1, 2, 3, 4, 5, 6, 7, 8)), 'answer'],
  ['COOKIE of 41 octets', toPacket('example.org', option(10, ...new Array(41).fill(1))), 'answer'],
  ['KEEPALIVE', toPacket('example.org', option(11)), 'answer'],
  ['PADDING', toPacket('example.org', option(12, ...new Array(64).fill(0))), 'answer'],
  ['ECS', toPacket('example.org', option(8, 0, 1, 24, 0, 192, 0, 2)), 'answer'],
  ['ECS of no family', toPacket('example.org', option(8, 0, 0, 0, 0)), 'answer'],
  ['ECS of a bad family', toPacket('example.org', option(8, 0, 9, 24, 0, 192, 0, 2)), 'FORMERR'],
  ['ECS /33', toPacket('example.org', option(8, 0, 1, 33, 0, 192, 0, 2, 1, 0)), 'FORMERR'],
  ['ECS cut short', toPacket('example.org', option(8, 0, 1)), 'FORMERR'],
  ['ECS with a short address', toPacket('example.org', option(8, 0, 1, 24, 0, 192)), 'FORMERR'],
  [
    'TSIG',
    toPacket('example.org', {
      counts: [1, 0, 0, 1],
      tail: Buffer.concat([Buffer.of(0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 1), Buffer.of(0)]),
    }),
    'answer',
  ],
  [
    'SIG(0)',
    toPacket('example.org', {
      counts: [1, 0, 0, 1],
      tail: Buffer.concat([Buffer.of(0, 0, 24, 0, 255, 0, 0, 0, 0, 0, 20), Buffer.alloc(20)]),
    }),
    'answer',
  ],
  ['a query of 4096 octets', toPacket('example.org', { tail: Buffer.alloc(4096 - 29) }), 'answer'],
  ['a query of 4097 octets', toPacket('example.org', { tail: Buffer.alloc(4097 - 29) }), 'FORMERR'],
  ['65507 octets', toPacket('example.org', { tail: Buffer.alloc(65_507 - 29) }), 'FORMERR'],
]
