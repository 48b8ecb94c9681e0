/** What clients of streams do, one row each, against a server in a process of its own; the rows run side by side since some wait for deadlines. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { TcpClient, toFrames } from '../../src/net/testing.ts'
import { toPacket } from '../../src/server/testing.ts'
import { toAnswer } from '../../src/upstream/testing.ts'
import { killLeftovers } from '../kit/process.ts'
import { readMessage } from './oracle.ts'
import { type ServerUnderTest, startServerUnderTest } from './server-under-test.ts'

after(killLeftovers)

const query = (id: number, name = 'example.org') => toPacket(name, { id })
const GOOD = query(1)
const ids = (client: TcpClient) => client.messages.map((message) => readMessage(message).id)
const rcodes = (client: TcpClient) => client.messages.map((message) => readMessage(message).rcode)

/**
 * Milliseconds that a client without a whole message waits to be cut. The deadline is 3 s, which tests with a clock of their own measure; this one
 * is long enough for a busy machine.
 */
const PATIENCE = 15_000

interface Row {
  name: string
  /** Node can't reset a connection under TLS. */
  tcpOnly?: boolean
  /** @returns what came of it */
  act(client: TcpClient): Promise<unknown>
  expected: unknown
}

/** Writes octets with one sound query among them. @returns ids of the answers */
async function answersTo(client: TcpClient, octets: Uint8Array): Promise<number[]> {
  client.write(octets)
  await client.receive(1)
  return ids(client)
}

/** Writes octets and waits. @returns whether the server has ended the connection */
async function isCut(client: TcpClient, octets: Uint8Array = Buffer.alloc(0)): Promise<boolean> {
  client.write(octets)
  const timer = setTimeout(() => client.socket.destroy(), PATIENCE)
  await new Promise((resolve) => client.socket.once('close', resolve))
  clearTimeout(timer)
  return client.end === 'fin' || client.end === 'ECONNRESET'
}

const ROWS: Row[] = [
  {
    name: 'a length of 0, then a query',
    act: (client) => answersTo(client, Buffer.concat([Buffer.alloc(2), toFrames(GOOD)])),
    expected: [1],
  },
  {
    name: 'a message of 3 octets, then a query',
    act: (client) => answersTo(client, toFrames(Buffer.alloc(3), GOOD)),
    expected: [1],
  },
  {
    name: 'a query in segments of one octet',
    async act(client) {
      for (const octet of toFrames(GOOD)) await new Promise((resolve) => client.socket.write(Buffer.of(octet), resolve))
      await client.receive(1)
      return ids(client)
    },
    expected: [1],
  },
  {
    name: '200 queries in one write',
    async act(client) {
      client.send(...Array.from({ length: 200 }, (_, i) => query(i)))
      await client.receive(200)
      return new Set(ids(client)).size
    },
    expected: 200,
  },
  {
    name: 'a query and a FIN',
    async act(client) {
      client.socket.end(toFrames(GOOD))
      await client.receive(1)
      return [ids(client), await client.ended()]
    },
    expected: [[1], 'fin'],
  },
  {
    name: 'garbage, then a query',
    async act(client) {
      client.send(Buffer.concat([Buffer.from([0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.alloc(20, 0xff)]), GOOD)
      await client.receive(2)
      return [ids(client), rcodes(client)]
    },
    expected: [
      [9, 1],
      [1, 0],
    ],
  },
  { name: 'nothing', act: (client) => isCut(client), expected: true },
  {
    name: 'one octet and no more',
    act: (client) => isCut(client, Buffer.alloc(1)),
    expected: true,
  },
  {
    name: 'the length 65535 and 10 octets',
    act: (client) => isCut(client, Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.alloc(10)])),
    expected: true,
  },
  {
    name: 'one octet every half second',
    async act(client) {
      const frame = toFrames(query(1, 'a-name-that-takes-its-time.example.org'))
      let at = 0
      const timer = setInterval(() => client.socket.write(frame.subarray(at++, at)), 500)
      const cut = await isCut(client)
      clearInterval(timer)
      return cut
    },
    expected: true,
  },
  {
    name: 'a message longer than any query, then a good one',
    async act(client) {
      client.send(Buffer.concat([GOOD, Buffer.alloc(65_535 - GOOD.length)]), query(2))
      await client.receive(2)
      return [ids(client), rcodes(client)]
    },
    expected: [
      [1, 2],
      [1, 0],
    ],
  },
  {
    name: 'the first half of a message, and a reset',
    tcpOnly: true,
    async act(client) {
      client.write(toFrames(GOOD).subarray(0, 10))
      client.socket.resetAndDestroy()
      return 'gone'
    },
    expected: 'gone',
  },
]

for (const [protocol, scheme] of [
  ['TCP', ''],
  ['TLS', 'tls://'],
] as const) {
  describe(`a client sends over ${protocol}`, { concurrency: true }, () => {
    let server: ServerUnderTest
    before(async () => {
      server = await startServerUnderTest({ env: {}, scheme })
    })
    after(async () => {
      assert.equal(await server.metric('coredns_panics_total'), 0)
      await server.stop()
    })
    const open = () => new TcpClient(server.own, { secure: scheme !== '' }).connected()

    for (const { name, act, expected, tcpOnly = false } of ROWS) {
      if (tcpOnly && scheme !== '') continue
      it(name, async () => {
        const client = await open()
        assert.deepEqual(await act(client), expected)
        client[Symbol.dispose]()
        const next = await open()
        next.send(GOOD)
        assert.equal((await next.receive(1)).length, 1, 'the next client is served')
        next[Symbol.dispose]()
      })
    }
  })
}

it('slow answers do not hold up quick ones on the same connection', async () => {
  const server = await startServerUnderTest({ env: {}, scheme: '' })
  try {
    server.respond = (received) => {
      if (received.name.startsWith('quick')) received.send(toAnswer(received))
      else setTimeout(() => received.send(toAnswer(received)), 300)
    }
    const client = await new TcpClient(server.forwarding).connected()
    client.send(query(1, 'slow.example'), query(2, 'quick.example'))
    await client.receive(2)
    assert.deepEqual(ids(client), [2, 1])
    client[Symbol.dispose]()
  } finally {
    await server.stop()
  }
})
