/** What went wrong in other servers, where no table has it already; docs/reliability.md has the whole list. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { exchange, startServer } from 'corelet/plugin/testing'
import { skippedSteps } from '../../src/dns/name.ts'
import { QueryView, readQuery } from '../../src/dns/query-view.ts'
import { toPacket } from '../../src/server/testing.ts'
import { type FakeServer, type Received, startFakeServer } from '../../src/upstream/testing.ts'
import { CLIENT_PACKETS } from './client-packets.ts'
import { createRandom, mutate } from './mutate.ts'
import { readMessage } from './oracle.ts'
import { toAddress, toReply } from './replies.ts'

let upstream: FakeServer
let respond: (query: Received) => void
before(async () => {
  upstream = await startFakeServer({ respond: (query) => respond(query) })
})
after(() => upstream.close())

const good = (query: Received) => query.send(toReply(query, { answers: [toAddress('192.0.2.1')] }))

/** Starts a server with some lines before `forward`, asks it for names and gives the rcodes. */
async function ask(lines: string, names: readonly string[]): Promise<number[]> {
  const server = await startServer(`. {\n bind 127.0.0.1\n ${lines}\n forward . 127.0.0.1:${upstream.port}\n}`)
  const rcodes: number[] = []
  try {
    for (const name of names) rcodes.push(readMessage(await exchange(server, toPacket(name, { edns: {} }))).rcode)
    assert.ok(!server.exited)
  } finally {
    await server.stop()
  }
  return rcodes
}

test('CVE-2026-26017: a name that is rewritten is checked by acl as what it became, whatever the order of the lines', async () => {
  respond = good
  const acl = 'acl secret.test {\n block\n }'
  const rewrite = 'rewrite name public.test secret.test'
  for (const lines of [`${acl}\n ${rewrite}`, `${rewrite}\n ${acl}`]) {
    assert.deepEqual(await ask(lines, ['public.test', 'secret.test', 'other.test']), [5, 5, 0])
  }
})

test('a FORMERR, which anybody may forge, changes nothing for the queries after it', async () => {
  const withOpt: boolean[] = []
  respond = (query) => {
    const hasOpt = query.wire.readUInt16BE(10) > 0
    withOpt.push(hasOpt)
    if (hasOpt && query.name === 'one.test.') query.send(toReply(query, { flags: 0x8181 }))
    else good(query)
  }
  assert.deepEqual(await ask('', ['one.test', 'two.test']), [0, 0])
  assert.deepEqual(withOpt, [true, false, true])
})

test('forged answers do not mark an upstream as down', async () => {
  respond = (query) => {
    if (query.name === '.') return
    if (query.proto === 'udp' && query.name.startsWith('forged')) {
      const wrong = toReply(query)
      wrong[13] = wrong[13]! ^ 1
      for (let i = 0; i < 5; i++) query.send(wrong)
    } else good(query)
  }
  const names = Array.from({ length: 30 }, (_, i) => `${i % 2 ? 'forged' : 'good'}-${i}.test`)
  assert.deepEqual(new Set(await ask('', names)), new Set([0]))
})

test('a query has five names at most, and none of them takes more steps than a name can have labels and pointers', () => {
  const random = createRandom(2026)
  const view = new QueryView()
  let worst = 0
  const read = (packet: Uint8Array) => {
    readQuery(packet, view)
    worst = Math.max(worst, skippedSteps())
  }
  for (const [, packet] of CLIENT_PACKETS) {
    read(packet)
    for (let i = 0; i < 200; i++) read(mutate(packet.subarray(0, 600), random))
  }
  assert.ok(worst >= 127 && worst <= 255, `${worst} steps`)
  assert.equal(readQuery(toPacket('a', { counts: [1, 1, 1, 3] }), view), 'header-only')
})
