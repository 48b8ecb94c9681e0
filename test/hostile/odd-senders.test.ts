/** Datagrams whose source is none that a client could have, as raw sockets send them, to a server on each back end of the sockets. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { loadLibc } from '../../src/net/libc.ts'
import { sendForged } from '../../src/net/testing.ts'
import { toPacket } from '../../src/server/testing.ts'
import { killLeftovers } from '../kit/process.ts'
import { readMessage } from './oracle.ts'
import { type ServerUnderTest, startServerUnderTest } from './server-under-test.ts'
import { type Connection, TRANSPORTS } from './transports.ts'

after(killLeftovers)

const libc = loadLibc()
const skip = !libc || process.getuid!() !== 0

const TIMES = 50
/** What a server answers, by itself or with the help of others, and what it never answers. */
const PACKETS = [
  toPacket('example.org'),
  toPacket('example.org', { edns: { version: 1 } }),
  toPacket('example.org', { counts: [2, 0, 0, 0] }),
  toPacket('example.org', { flags: 5 << 11 }),
  toPacket('example.org', { qclass: 255 }),
  toPacket('example.org', { flags: 0x8180 }),
]

for (const transport of TRANSPORTS.filter(({ stream }) => !stream)) {
  describe(`datagrams over ${transport.name}`, { skip }, () => {
    let server: ServerUnderTest
    let connection: Connection
    before(async () => {
      server = await startServerUnderTest(transport)
      connection = await transport.open(server.own)
    })
    after(async () => {
      connection.close()
      assert.equal(await server.metric('coredns_panics_total'), 0)
      await server.stop()
    })

    /** Sends all packets many times from a port, then asks twice. @returns how many answers the server counts since, those two included */
    async function flood(from: number, to: number): Promise<number> {
      const before = await server.metric('coredns_dns_responses_total')
      for (let i = 0; i < TIMES; i++) for (const packet of PACKETS) sendForged(libc!, packet, { from, to })
      // the second one waits behind the answers to what was sent
      for (let i = 0; i < 2; i++) {
        const [answer] = await connection.ask([toPacket('example.org')], (all) => all.length > 0)
        assert.equal(readMessage(answer!).rcode, 0, 'others are served')
      }
      return (await server.metric('coredns_dns_responses_total')) - before
    }

    /** Two of the packets are queries that the metrics count, see the table of client packets. */
    const COUNTED = 2 * TIMES

    it('from port 0 get no answer and do no harm', async () => {
      assert.equal(await flood(0, server.own), 2)
    })

    it('from the server’s own address and port are answered once: no answer is answered', async () => {
      assert.equal(await flood(server.own, server.own), COUNTED + 2)
    })

    it('from the port of another of its blocks are answered once, too', async () => {
      assert.equal(await flood(server.forwarding, server.own), COUNTED + 2)
      assert.equal(server.upstream.received.length, 0)
    })
  })
}
