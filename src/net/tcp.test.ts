import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { Bound } from './connection.ts'
import { chooseLibc } from './libc.ts'
import { openTcp, TCP_DEFAULTS, type TcpOptions, type TcpSettings } from './tcp.ts'
import { converseInFrames, type ReceiveMessage } from './tcp-connection.ts'
import { StillClock, settle, TcpClient, toFrames } from './testing.ts'

const echo: ReceiveMessage = (message, connection) => {
  const octets = new Uint8Array(2 + message.length)
  octets.set(message, 2)
  connection.answer(octets, message.length)
}

/** A server that echoes, whose clock stands still. */
async function open(
  t: { after(call: () => void): void },
  settings: Partial<TcpSettings> = {},
  receive: ReceiveMessage = echo,
  options: Partial<TcpOptions> = {},
) {
  const clock = new StillClock()
  const bounds: Bound[] = []
  const server = await openTcp({
    address: '127.0.0.1',
    port: 0,
    clock,
    converse: converseInFrames(receive),
    settings: { ...TCP_DEFAULTS, ...settings },
    onBound: (bound) => void bounds.push(bound),
    ...options,
  })
  t.after(() => {
    server.close()
    server.destroy()
  })
  const client = async (half = false) => {
    const held = server.size
    const one = new TcpClient(server.port, { allowHalfOpen: half })
    t.after(() => one.socket.destroy())
    await one.connected()
    for (let i = 0; i < 100 && server.size <= held; i++) await settle()
    return one
  }
  return { clock, server, client, bounds }
}

const message = (text: string) => Buffer.from(text.padEnd(12, '.'))

test('messages are taken apart and answered, one octet at a time or many in one write', async (t) => {
  const { client } = await open(t)
  const slow = await client()
  for (const octet of toFrames(message('a'), message('b'))) slow.write(Buffer.of(octet))
  assert.deepEqual((await slow.receive(2)).map(String), ['a...........', 'b...........'])
  const fast = await client()
  fast.send(...Array.from({ length: 200 }, (_, i) => message(`${i}`)))
  assert.deepEqual(
    (await fast.receive(200)).map((one) => Number.parseInt(String(one), 10)),
    Array.from({ length: 200 }, (_, i) => i),
  )
})

test('answers leave in the order they get ready', async (t) => {
  const waiting: (() => void)[] = []
  const { client } = await open(t, {}, (packet, connection) => {
    const copy = packet.slice()
    waiting.unshift(() => echo(copy, connection))
    if (waiting.length === 3) for (const answer of waiting) answer()
  })
  const one = await client()
  one.send(message('1'), message('2'), message('3'))
  assert.deepEqual(
    (await one.receive(3)).map((text) => String(text)[0]),
    ['3', '2', '1'],
  )
})

test('messages shorter than a header are ignored', async (t) => {
  const { client } = await open(t)
  const one = await client()
  one.send(Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(11), message('x'))
  assert.equal((await one.receive(1)).length, 1)
})

test('a client that has sent all still gets its answers, then a FIN', async (t) => {
  const { client } = await open(t, {}, (packet, connection) => {
    const copy = packet.slice()
    setImmediate(() => echo(copy, connection))
  })
  const one = await client(true)
  one.socket.end(toFrames(message('a'), message('b')))
  assert.equal((await one.receive(2)).length, 2)
  assert.equal(await one.ended(), 'fin')
})

test('a connection without a message is closed after the read timeout', async (t) => {
  for (const octets of ['', '\0', '\xff\xff0123456789']) {
    const { clock, client } = await open(t)
    const one = await client()
    one.write(Buffer.from(octets, 'latin1'))
    await settle()
    await clock.advance(2900)
    assert.equal(one.end, undefined)
    await clock.advance(500)
    assert.equal(await one.ended(), 'fin')
  }
})

test('octets that trickle in do not put off the deadline of the first message, nor of a later one', async (t) => {
  const { clock, client, bounds } = await open(t)
  const first = await client()
  for (let i = 0; i < 5 && first.end === undefined; i++) {
    first.write(Buffer.of(1))
    await clock.advance(1000)
  }
  assert.ok(first.end)
  const later = await client()
  later.send(message('x'))
  await later.receive(1)
  await clock.advance(5000)
  for (let i = 0; i < 5 && later.end === undefined; i++) {
    later.write(Buffer.of(1))
    await clock.advance(1000)
  }
  assert.ok(later.end)
  assert.deepEqual(bounds, ['read', 'read'])
})

test('messages too short do not put off the deadline', async (t) => {
  const { clock, client } = await open(t)
  const one = await client()
  for (let i = 0; i < 5 && one.end === undefined; i++) {
    one.write(Buffer.of(0, 0))
    await clock.advance(1000)
  }
  assert.ok(one.end)
})

test('the idle timeout counts from the last message or answer', async (t) => {
  const { clock, client, bounds } = await open(t)
  const one = await client()
  for (let i = 1; i <= 3; i++) {
    one.send(message('x'))
    await one.receive(i)
    await clock.advance(9500)
    assert.equal(one.end, undefined)
  }
  await clock.advance(1000)
  assert.equal(await one.ended(), 'fin')
  assert.deepEqual(bounds, [], 'no bound is met by having nothing to ask')
})

test('a connection whose answers are in work is not idle', async (t) => {
  const answers: (() => void)[] = []
  const { clock, client } = await open(t, {}, (packet, connection) => {
    const copy = packet.slice()
    answers.push(() => echo(copy, connection))
  })
  const one = await client()
  one.send(message('x'))
  while (answers.length === 0) await settle()
  await clock.advance(60_000)
  assert.equal(one.end, undefined)
  answers[0]!()
  assert.equal((await one.receive(1)).length, 1)
})

test('after the last message that a connection may bring, all answers and a FIN come, although more was sent', async (t) => {
  const { client } = await open(t, { maxQueries: 128 })
  const one = await client()
  one.send(...Array.from({ length: 2000 }, (_, i) => message(`${i}`)))
  assert.equal(await one.ended(), 'fin')
  assert.equal(one.messages.length, 128)
})

test('a client that never reads is not read from, and cut after the write timeout', async (t) => {
  let received = 0
  const big = new Uint8Array(4002)
  const { clock, server, client, bounds } = await open(t, {}, (_message, connection) => {
    received++
    connection.answer(big, 4000)
  })
  const one = await client()
  one.socket.pause()
  const queries = toFrames(...Array.from({ length: 20_000 }, () => message('x')))
  for (let i = 0; i < 5; i++) one.write(queries)
  let before = -1
  while (before !== received) {
    before = received
    await settle()
  }
  assert.ok(received < 10_000, `${received} of 100,000 messages were read`)
  await clock.advance(4500)
  assert.equal(server.size, 1)
  await clock.advance(1000)
  await settle()
  assert.equal(server.size, 0)
  assert.deepEqual([...new Set(bounds)], ['paused', 'write'])
})

test('a client that reads late gets all its answers', async (t) => {
  const big = new Uint8Array(4002)
  const { client } = await open(t, {}, (_message, connection) => connection.answer(big, 4000))
  const one = await client(true)
  one.socket.pause()
  one.socket.end(toFrames(...Array.from({ length: 5000 }, () => message('x'))))
  for (let i = 0; i < 20; i++) await settle()
  one.socket.resume()
  assert.equal((await one.receive(5000)).length, 5000)
  assert.equal(await one.ended(), 'fin')
})

test('the connection that was idle longest makes room for another', async (t) => {
  const { clock, server, client, bounds } = await open(t, { maxConnections: 3 })
  const clients = []
  for (let i = 0; i < 3; i++) {
    clients.push(await client())
    await clock.advance(100)
  }
  clients[0]!.send(message('x'))
  await clients[0]!.receive(1)
  const late = new TcpClient(server.port)
  t.after(() => late.socket.destroy())
  assert.equal(await clients[1]!.ended(), 'fin')
  late.send(message('y'))
  assert.equal((await late.receive(1)).length, 1)
  assert.equal(clients[0]!.end, undefined)
  assert.equal(clients[2]!.end, undefined)
  assert.deepEqual(bounds, ['evicted'])
})

test('a client with too many connections loses its own, not those of others', async (t) => {
  const { server, client } = await open(t, { maxPerClient: 2 }, echo, { address: '' })
  const other = connect({ port: server.port, host: '::1' })
  t.after(() => other.destroy())
  await once(other, 'connect')
  while (server.size < 1) await settle()
  const first = await client()
  await client()
  const third = new TcpClient(server.port)
  t.after(() => third.socket.destroy())
  assert.equal(await first.ended(), 'fin')
  assert.equal(server.size, 3)
  assert.equal(other.readableEnded, false)
})

test('connections with messages in work are not cut for a new one', async (t) => {
  const { server, client } = await open(t, { maxConnections: 1 }, () => {})
  const busy = await client()
  busy.send(message('x'))
  for (let i = 0; i < 10; i++) await settle()
  const late = new TcpClient(server.port)
  t.after(() => late.socket.destroy())
  await late.ended()
  assert.equal(busy.end, undefined)
})

test('connections that are reset leave nothing behind', async (t) => {
  const { clock, server } = await open(t)
  for (let i = 0; i < 200; i++) {
    const one = connect({ port: server.port, host: '127.0.0.1' })
    await once(one, 'connect')
    one.write(toFrames(message('x')))
    one.resetAndDestroy()
  }
  for (let i = 0; i < 200 && server.size > 0; i++) await settle()
  assert.equal(server.size, 0)
  assert.equal(clock.intervals.size, 0, 'no sweep without connections')
})

test('closing ends idle connections and waits for answers', async (t) => {
  const answers: (() => void)[] = []
  const { server, client, clock } = await open(t, {}, (packet, connection) => {
    const copy = packet.slice()
    answers.push(() => echo(copy, connection))
  })
  const idle = await client()
  const busy = await client()
  busy.send(message('x'))
  while (answers.length === 0) await settle()
  const closed = server.close()
  await clock.advance(500)
  assert.equal(idle.end, undefined, 'its first message may be on its way')
  await clock.advance(500)
  assert.equal(await idle.ended(), 'fin')
  assert.equal(busy.end, undefined)
  answers[0]!()
  assert.equal((await busy.receive(1)).length, 1)
  assert.equal(await busy.ended(), 'fin')
  await closed
  await assert.rejects(once(connect({ port: server.port, host: '127.0.0.1' }), 'connect'), { code: 'ECONNREFUSED' })
})

test('closing answers the first message of a young connection and what others have begun', async (t) => {
  const { server, client } = await open(t)
  const [young, old] = [await client(), await client()]
  old.send(message('x'))
  await old.receive(1)
  const [head, tail] = [toFrames(message('y')).subarray(0, 9), toFrames(message('y')).subarray(9)]
  old.write(head)
  await settle()
  const closed = server.close()
  await settle()
  young.send(message('z'), message('z'))
  old.write(tail)
  assert.equal((await young.receive(2)).length, 2)
  assert.equal((await old.receive(2)).length, 2)
  assert.deepEqual([await young.ended(), await old.ended()], ['fin', 'fin'])
  await closed
})

test('one that leaves a shared port leads new connections to another', { skip: !chooseLibc() }, async (t) => {
  const { server: first, clock } = await open(t, {}, echo, { reusePort: true })
  const shared = { reusePort: true, port: first.port }
  const counts = async () => {
    const before = [first, second].map(({ size }) => size)
    for (let i = 0; i < 20; i++) {
      const client = await new TcpClient(first.port).connected()
      t.after(() => client.socket.destroy())
    }
    await settle()
    return [first, second].map(({ size }, i) => size - before[i]!)
  }
  await first.leave()
  const { server: second, clock: secondClock } = await open(t, {}, echo, shared)
  for (const [leaving, time, expected] of [
    [first, clock, [0, 20]],
    [second, secondClock, [20, 0]],
  ] as const) {
    let left = false
    const done = leaving.leave().then(() => {
      left = true
    })
    while (!left) await time.advance(10)
    await done
    assert.deepEqual(await counts(), expected)
  }
  const third = await open(t, {}, echo, shared)
  const all = await counts()
  assert.ok(all[0]! < 20 && all[0]! + all[1]! + third.server.size === 20, 'one that joins shares evenly')
})

test('a port in use is an error', async (t) => {
  const { server } = await open(t)
  await assert.rejects(open(t, {}, echo, { port: server.port }), { code: 'EADDRINUSE' })
})

test('IPv4 clients of a wildcard socket are shown as IPv4', async (t) => {
  const peers: string[] = []
  const { client } = await open(
    t,
    {},
    (packet, connection) => {
      peers.push(connection.peer.address, connection.local.address)
      echo(packet, connection)
    },
    { address: '' },
  )
  const one = await client()
  one.send(message('x'))
  await one.receive(1)
  assert.deepEqual(peers, ['127.0.0.1', '127.0.0.1'])
})
