import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMessage } from '../dns/codec.ts'
import { readQuery } from '../dns/query-view.ts'
import { composeChain, type Handler } from '../plugin/chain.ts'
import { Query } from '../plugin/query.ts'
import { fakeListener } from '../testing/fake-context.ts'
import { RouteTable } from './route.ts'
import { answerA, exchange, startListener, toPacket } from './testing.ts'

const NAMES = Array.from({ length: 20 }, (_, i) => `host${i}.example.`)
const PACKETS = NAMES.map((name, id) => toPacket(name, { id }))

/** Names of the answers by the id that they came with. */
async function ask(port: number): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = []
  for (const octets of await exchange(port, PACKETS)) {
    const { id, question, answers } = decodeMessage(octets)
    assert.equal(answers[0]?.name, question?.name)
    names[id ?? -1] = question?.name
  }
  return names
}

for (const backEnd of ['libc', 'dgram']) {
  test(`${backEnd}: queries that are answered at once share one object`, async () => {
    process.env['CORELET_NET'] = backEnd
    const seen = new Set<Query>()
    await using server = await startListener((query) => {
      seen.add(query)
      assert.deepEqual([query.depth, query.udpLimit, query.metadata('a/b'), query.zone], [0, 0xffff, undefined, '.'])
      query.collectMetadata()
      query.setMetadata('a/b', () => 'of another')
      query.depth = 3
      query.udpLimit = 600
      return answerA(query)
    })
    assert.deepEqual(await ask(server.port), NAMES)
    assert.equal(seen.size, 1)
  })

  test(`${backEnd}: a query that somebody keeps stays as it is`, async () => {
    process.env['CORELET_NET'] = backEnd
    const kept: { query: Query; name: string; port: number }[] = []
    await using server = await startListener((query) => {
      const { port } = query.client
      if (kept.length % 2 === 0) query.keep()
      else query.with({ qtype: 28 }).keep()
      kept.push({ query, name: query.qname, port })
      return answerA(query)
    })
    assert.deepEqual(await ask(server.port), NAMES)
    assert.equal(new Set(kept.map(({ query }) => query)).size, NAMES.length)
    for (const { query, name, port } of kept) {
      assert.deepEqual(
        [query.name, query.qname, query.client.address, query.client.port],
        [name, name, '127.0.0.1', port],
      )
    }
  })

  test(`${backEnd}: a plugin that asks on behind an answer given at once asks for the same query`, async () => {
    process.env['CORELET_NET'] = backEnd
    const late: Promise<string>[] = []
    const answering: Handler = (query, next) => {
      late.push(Promise.resolve(next(query)).then(({ answers }) => `${query.name} ${answers[0]?.name}`))
      return answerA(query)
    }
    const behind: Handler = async (query) => {
      await new Promise((resolve) => setImmediate(resolve))
      return answerA(query)
    }
    const chain = composeChain([
      { plugin: 'answering', handler: answering },
      { plugin: 'behind', handler: behind },
    ])
    await using server = await startListener(answerA, {}, { routes: new RouteTable([{ zone: '.', view: '', chain }]) })
    assert.deepEqual(await ask(server.port), NAMES)
    assert.deepEqual((await Promise.all(late)).sort(), NAMES.map((name) => `${name} ${name}`).sort())
  })
}

test('a kept query is not filled anew', async () => {
  await using server = await startListener((query) => {
    query.keep()
    assert.throws(() => query.renew(query.client, query.local, 'udp', 0), /kept/)
    return answerA(query)
  })
  assert.deepEqual(await ask(server.port), NAMES)
})

test('nothing is left of the query that the object was before', () => {
  const ends = [
    { address: '192.0.2.1', port: 1 },
    { address: '192.0.2.2', port: 53 },
  ] as const
  const listener = fakeListener()
  const fresh = new Query(listener, ...ends, 'udp', 5)
  const query = new Query(listener, ends[1], ends[0], 'tcp', 4)
  const fields = query as unknown as Record<string, unknown>
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'origin' || name === 'listener') continue
    fields[name] = typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 7 : 'x'
  }
  query.renew(...ends, 'udp', 5)
  for (const each of [query, fresh]) readQuery(PACKETS[1]!, each)
  const { origin: _, ...left } = query
  const { origin: __, ...expected } = fresh
  assert.deepEqual(left, expected)
  assert.deepEqual([query.client, query.proto, query.received, query.name], [ends[0], 'udp', 5, NAMES[1]])
})
