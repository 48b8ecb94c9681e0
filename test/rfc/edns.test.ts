/** The queries that RFC 8906 §8 proposes to tell a server that follows the protocol, each with what must come back. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { exchange, startServer, type TestServer } from 'corelet/plugin/testing'
import { type PacketParts, toPacket } from '../../src/server/testing.ts'
import { type FakeServer, startFakeServer } from '../../src/upstream/testing.ts'
import { type OracleMessage, readMessage } from '../hostile/oracle.ts'
import { toAddress, toRecord, toReply } from '../hostile/replies.ts'

const [RD, TC, AD, CD, Z] = [0x0100, 0x0200, 0x0020, 0x0010, 0x0040]
const DO = 0x8000
const BADVERS = 16
const option = (code: number, ...data: number[]) => ({ code, data: Uint8Array.from(data) })

interface Row {
  section: string
  name: string
  query: PacketParts
  proto?: 'udp' | 'tcp'
  rcode: number
  /** What else must hold. */
  holds(reply: OracleMessage): boolean
}

const answered = ({ answers }: OracleMessage) => answers.length > 0
const hasOpt = ({ opt }: OracleMessage) => opt?.version === 0
const isBare = ({ opt }: OracleMessage) => hasOptions(opt, 0)
const hasOptions = (opt: OracleMessage['opt'], count: number) => opt?.version === 0 && opt.options.length === count

const ROWS: Row[] = [
  { section: '8.1.1', name: 'a query', query: {}, rcode: 0, holds: (reply) => answered(reply) && !reply.opt },
  { section: '8.1.2', name: 'an unknown type', query: { type: 1000 }, rcode: 0, holds: (reply) => !answered(reply) },
  {
    section: '8.1.3.1',
    name: 'CD',
    query: { flags: CD },
    rcode: 0,
    holds: (reply) => answered(reply) && (reply.flags & CD) !== 0,
  },
  { section: '8.1.3.2', name: 'AD', query: { flags: AD }, rcode: 0, holds: answered },
  {
    section: '8.1.3.3',
    name: 'the reserved flag',
    query: { flags: Z },
    rcode: 0,
    holds: (reply) => answered(reply) && (reply.flags & Z) === 0,
  },
  {
    section: '8.1.3.4',
    name: 'RD',
    query: { flags: RD },
    rcode: 0,
    holds: (reply) => answered(reply) && (reply.flags & RD) !== 0,
  },
  {
    section: '8.1.4',
    name: 'opcode 15',
    query: { flags: 15 << 11 },
    rcode: 4,
    holds: (reply) => reply.opcode === 15 && !answered(reply),
  },
  { section: '8.1.5', name: 'TCP', query: {}, proto: 'tcp', rcode: 0, holds: answered },
  { section: '8.2.1', name: 'EDNS', query: { edns: {} }, rcode: 0, holds: (reply) => answered(reply) && isBare(reply) },
  {
    section: '8.2.1',
    name: 'EDNS over TCP',
    query: { edns: {} },
    proto: 'tcp',
    rcode: 0,
    holds: (reply) => answered(reply) && isBare(reply),
  },
  {
    section: '8.2.2',
    name: 'EDNS version 1',
    query: { edns: { version: 1 } },
    rcode: BADVERS,
    holds: (reply) => !answered(reply) && isBare(reply),
  },
  {
    section: '8.2.3',
    name: 'an unknown option',
    query: { edns: { options: [option(100)] } },
    rcode: 0,
    holds: (reply) => answered(reply) && isBare(reply),
  },
  {
    section: '8.2.4',
    name: 'an unknown flag',
    query: { edns: { flags: 0x40 } },
    rcode: 0,
    holds: (reply) => answered(reply) && isBare(reply) && reply.opt!.flags === 0,
  },
  {
    section: '8.2.5',
    name: 'version 1 with an unknown flag',
    query: { edns: { version: 1, flags: 0x40 } },
    rcode: BADVERS,
    holds: (reply) => isBare(reply) && reply.opt!.flags === 0,
  },
  {
    section: '8.2.6',
    name: 'version 1 with an unknown option',
    query: { edns: { version: 1, options: [option(100)] } },
    rcode: BADVERS,
    holds: isBare,
  },
  {
    section: '8.2.7',
    name: 'a large answer for a small buffer',
    query: { type: 'TXT', edns: { udpSize: 512, flags: DO } },
    rcode: 0,
    holds: (reply) => hasOpt(reply) && (reply.flags & TC) !== 0,
  },
  {
    section: '8.2.8',
    name: 'DO',
    query: { edns: { flags: DO } },
    rcode: 0,
    holds: (reply) => answered(reply) && (reply.opt!.flags & DO) !== 0,
  },
  {
    section: '8.2.9',
    name: 'version 1 with DO',
    query: { edns: { version: 1, flags: DO } },
    rcode: BADVERS,
    holds: isBare,
  },
  {
    section: '8.2.10',
    name: 'options that are defined',
    query: {
      edns: { options: [option(3), option(10, 1, 2, 3, 4, 5, 6, 7, 8), option(9), option(8, 0, 1, 24, 0, 192, 0, 2)] },
    },
    rcode: 0,
    holds: (reply) => answered(reply) && hasOpt(reply) && !reply.opt!.options.some(({ code }) => code === 10),
  },
]

describe('RFC 8906', () => {
  let upstream: FakeServer
  let server: TestServer
  before(async () => {
    upstream = await startFakeServer({
      respond(query) {
        const { wire } = query
        const type = wire.readUInt16BE(wire.indexOf(0, 12) + 1)
        const text = toRecord(16, Buffer.concat(new Array(4).fill(Buffer.alloc(256, 'x').fill(255, 0, 1))))
        const answers = type === 1 ? [toAddress('192.0.2.1')] : type === 16 ? [text] : []
        query.send(toReply(query, { flags: 0x8080 | (wire.readUInt16BE(2) & (RD | CD)), answers }))
      },
    })
    server = await startServer(`. {\n bind 127.0.0.1\n cache\n forward . 127.0.0.1:${upstream.port}\n}`)
  })
  after(async () => {
    await server.stop()
    await upstream.close()
  })

  for (const { section, name, query, proto = 'udp', rcode, holds } of ROWS) {
    it(`§${section}: ${name}`, async () => {
      for (const round of ['asked', 'from the cache']) {
        const packet = toPacket('www.example', { flags: 0, ...query })
        const reply = readMessage(await exchange(server, packet, proto))
        assert.equal(reply.rcode, rcode, round)
        assert.ok(holds(reply), `${round}: ${JSON.stringify(reply)}`)
      }
    })
  }
})
