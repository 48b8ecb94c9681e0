import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { findFreePorts } from '../../test/kit/ports.ts'
import { decodeMessage } from '../dns/codec.ts'
import { TcpClient } from '../net/testing.ts'
import { systemClock } from '../plugin/clock.ts'
import type { Query } from '../plugin/query.ts'
import type { Reply } from '../plugin/reply.ts'
import { ListenError } from './listen-error.ts'
import { DnsListener } from './listener.ts'
import { RouteTable } from './route.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { answerA, chainOf, exchange, startListener, type TestListener, toPacket } from './testing.ts'

const run = promisify(execFile)

/** What a tool prints, without what differs from run to run. */
async function ask(tool: string, server: TestListener, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(tool, ['@127.0.0.1', '-p', `${server.port}`, ...args], { timeout: 10_000 })
  return stdout + stderr
}

function manyRecords(query: Query): Reply {
  const answers = Array.from({ length: 100 }, (_, i) => ({
    name: query.qname,
    type: 'A' as const,
    ttl: 5,
    data: `10.0.0.${i}`,
  }))
  return query.reply({ answers }, 'test', 'fixed')
}

test('dig, kdig and drill get answers over UDP and TCP', async () => {
  await using server = await startListener(answerA)
  for (const tool of ['dig', 'kdig']) {
    for (const flag of ['+notcp', '+tcp']) {
      assert.equal(await ask(tool, server, flag, '+short', 'www.example.org', 'A'), '192.0.2.1\n')
    }
  }
  assert.match(await ask('drill', server, 'www.example.org'), /192\.0\.2\.1/)
  assert.match(await ask('dig', server, 'wWw.eXample.org'), /^wWw\.eXample\.org\.\s+300\s+IN\s+A\s+192\.0\.2\.1$/m)
  const full = await ask('kdig', server, '+dnssec', '+nsid', 'www.example.org')
  assert.match(full, /status: NOERROR/)
  assert.match(full, /flags: do; UDP size: 4096 B; ext-rcode: NOERROR/)
  assert.match(full, /^www\.example\.org\.\s+300\s+IN\s+A\s+192\.0\.2\.1$/m)
  assert.doesNotMatch(full, /WARNING|malformed/i)
})

test('kdig +edns=1 gets BADVERS', async () => {
  await using server = await startListener(answerA)
  assert.match(await ask('kdig', server, '+edns=1', 'a.example'), /status: BADVERS|ext-rcode: BADVERS/)
})

test('dig takes what was cut for sound, and asks over TCP', async () => {
  await using server = await startListener(manyRecords)
  for (const [args, count] of [
    [['+noedns'], 30],
    [['+bufsize=700'], 41],
    [['+bufsize=4096'], 74],
  ] as const) {
    for (const tool of ['dig', 'kdig']) {
      const cut = await ask(tool, server, '+ignore', '+norec', ...args, 'a.example')
      assert.match(cut, /flags:[a-z ]* tc/i)
      assert.doesNotMatch(cut, /WARNING|malformed|extra bytes/i)
      assert.equal(cut.match(/^a\.example\..*10\.0\.0\./gm)!.length, count, `${tool} ${args}`)
    }
  }
  const whole = await ask('dig', server, 'a.example')
  assert.match(whole, /ANSWER: 100,/)
  assert.match(whole, /Truncated, retrying in TCP mode/)
})

test('200 queries in one write over TCP, answered out of order, and garbage between them', async () => {
  await using server = await startListener((query) => {
    if (query.qtype === 28) return new Promise((resolve) => setImmediate(() => resolve(answerA(query))))
    return answerA(query)
  })
  using client = new TcpClient(server.port)
  client.send(
    ...Array.from({ length: 200 }, (_, i) => toPacket(`host${i}.example`, { id: i, type: i % 2 === 0 ? 'AAAA' : 'A' })),
    Buffer.from('garbage, and nothing else'),
    toPacket('last.example', { id: 200 }),
  )
  const answers = (await client.receive(202)).map((answer) => decodeMessage(answer))
  const good = answers.filter(({ answers }) => answers.length === 1)
  assert.equal(good.length, 201)
  for (const { id, question } of good) if (id < 200) assert.equal(question!.name, `host${id}.example.`)
  assert.notEqual(answers[0]!.id, 0, 'what is ready first comes first')
})

test('one socket for UDP and one for TCP, on the same port; the label shows it', async () => {
  await using server = await startListener(answerA)
  assert.equal(server.listener.server, `dns://127.0.0.1:${server.port}`)
  const label = (address: string, port: number) => {
    const hooks = { dropped: () => {}, panic: () => {}, overloaded: () => {}, now: () => 0 }
    return new DnsListener({ address, port, clock: systemClock, hooks }).server
  }
  assert.equal(label('', 53), 'dns://:53')
  assert.equal(label('::1', 5353), 'dns://[::1]:5353')
  assert.equal(label('fe80::1%eth0', 53), 'dns://[fe80::1%eth0]:53')
})

test('queries know their client, the address they came to and how they came', async () => {
  const seen: string[] = []
  await using server = await startListener(
    (query) => {
      seen.push(`${query.proto} ${query.client.address} ${query.local.address} ${query.local.port === server.port}`)
      return answerA(query)
    },
    {},
    { address: '' },
  )
  await ask('kdig', server, '+short', 'a.example')
  await ask('kdig', server, '+short', '+tcp', 'a.example')
  // dgram does not know which of all addresses a datagram was sent to.
  const wildcard = process.env['CORELET_NET'] === 'dgram' ? '::' : '127.0.0.1'
  assert.deepEqual(seen, [`udp 127.0.0.1 ${wildcard} true`, 'tcp 127.0.0.1 127.0.0.1 true'])
})

test('a port that is taken', async (t) => {
  const tcp = createServer().listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as { port: number }
  await assert.rejects(startListener(answerA, {}, { port }), {
    name: 'ListenError',
    message: `Listen: listen tcp 127.0.0.1:${port}: bind: address already in use`,
  })
  tcp.close()
  const udp = createSocket('udp4')
  t.after(() => udp.close())
  const [taken = 0] = await findFreePorts(1)
  await new Promise<void>((resolve) => udp.bind(taken, '127.0.0.1', resolve))
  await assert.rejects(startListener(answerA, {}, { port: taken }), (error) => {
    assert.ok(error instanceof ListenError)
    assert.equal(error.message, `ListenPacket: listen udp 127.0.0.1:${taken}: bind: address already in use`)
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'EADDRINUSE')
    return true
  })
  const again = createServer().listen(taken, '127.0.0.1')
  await once(again, 'listening')
  again.close()
  await assert.rejects(startListener(answerA, {}, { address: '192.0.2.1', port: 5399 }), {
    message: 'Listen: listen tcp 192.0.2.1:5399: bind: cannot assign requested address',
  })
})

test('new routes hold from the next query on; what is in work goes on with the old ones', async () => {
  let release: (() => void) | undefined
  await using server = await startListener(async (query) => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return answerA(query)
  })
  const old = exchange(server.port, [toPacket('a.example', { id: 1 })])
  while (!release) await new Promise((resolve) => setImmediate(resolve))
  const refuse = chainOf((query) => query.fail(5, 'test', 'x'))
  server.listener.swap(new RouteTable([{ zone: '.', view: '', chain: refuse }]), {
    ...DEFAULT_SETTINGS,
    anyClass: true,
  })
  const [refused] = await exchange(server.port, [toPacket('a.example', { id: 2, qclass: 3 })])
  assert.equal(decodeMessage(refused!).rcode, 5)
  assert.deepEqual(server.dropped, [], 'it was the new chain that refused')
  release()
  assert.equal(decodeMessage((await old)[0]!).answers.length, 1)
})

test('closing answers what is in work and what waits in the socket', async () => {
  const server = await startListener(async (query) => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return answerA(query)
  })
  using tcp = await new TcpClient(server.port).connected()
  tcp.send(toPacket('a.example'))
  const answers = exchange(
    server.port,
    Array.from({ length: 50 }, (_, id) => toPacket('a.example', { id })),
  )
  while (server.listener.inFlight === 0) await new Promise((resolve) => setImmediate(resolve))
  await server.listener.close({ drain: 5000 })
  assert.equal((await answers).length, 50)
  assert.equal((await tcp.receive(1)).length, 1)
  assert.equal(await tcp.ended(), 'fin')
  assert.equal(server.listener.connections, 0)
})

for (const heeds of [true, false]) {
  test(`where the kernel ${heeds ? 'heeds' : 'does not heed'} that a socket leaves its port, queries that come meanwhile are answered`, async (t) => {
    const asked: { name: string; answer(): void }[] = []
    const waiting = (query: Query) =>
      new Promise<Reply>((resolve) => void asked.push({ name: query.name, answer: () => resolve(answerA(query)) }))
    const [port = 0] = await findFreePorts(1)
    const old = await startListener(waiting, {}, { port, reusePort: true, heedsLeaving: async () => heeds })
    const client = createSocket('udp4')
    t.after(() => client.close())
    let answers = 0
    client.on('message', () => void answers++)
    const until = async (condition: () => boolean) => {
      for (let i = 0; i < 5000 && !condition(); i++) await new Promise((resolve) => setImmediate(resolve))
      assert.ok(condition())
    }
    const ask = async (name: string) => {
      client.send(toPacket(name), port, '127.0.0.1')
      await until(() => asked.some((each) => each.name === `${name}.`))
    }
    await ask('first.example')
    const closed = old.listener.close({ drain: 5000 })
    await using young = await startListener(answerA, {}, { port: heeds ? port : 0, reusePort: heeds })
    assert.ok(young.port > 0)
    if (heeds) {
      client.send(toPacket('second.example'), port, '127.0.0.1')
      await until(() => answers === 1)
    } else {
      await ask('second.example')
      asked[0]!.answer()
      await until(() => answers === 1)
      await ask('third.example')
      asked[1]!.answer()
      await until(() => answers === 2)
    }
    asked.at(-1)!.answer()
    await closed
    await until(() => answers === asked.length + (heeds ? 1 : 0))
  })
}

test('closing gives up what is in work too long', async () => {
  const server = await startListener(() => new Promise(() => {}))
  using tcp = await new TcpClient(server.port).connected()
  tcp.send(toPacket('a.example'))
  while (server.listener.inFlight === 0) await new Promise((resolve) => setImmediate(resolve))
  await server.listener.close({ drain: 30 })
  await tcp.ended()
  await server.listener.close({ drain: 30 })
})

test('a throwing handler costs its query and nothing else', async () => {
  await using server = await startListener((query) => {
    if (query.name === 'bad.example.') throw new Error('broken')
    return answerA(query)
  })
  const packets = [toPacket('bad.example', { id: 1 }), toPacket('good.example', { id: 2 })]
  const answers = await exchange(server.port, packets)
  assert.deepEqual(
    answers.map((answer) => decodeMessage(answer).rcode),
    [2, 0],
  )
  assert.equal(server.panics.length, 1)
})

test('a message from elsewhere takes the same way', async () => {
  await using server = await startListener((query) =>
    query.proto === 'tcp' ? answerA(query) : query.drop('test', 'x'),
  )
  const peer = { address: '192.0.2.9', port: 4000 }
  const answer = await server.listener.serve(toPacket('a.example'), peer, peer, 'tcp')
  assert.equal(decodeMessage(answer!).answers.length, 1)
  assert.equal(await server.listener.serve(toPacket('a.example'), peer, peer, 'udp'), undefined)
})

test('the answers of one listener, thrown at it as if it were a client, end there', async () => {
  await using server = await startListener(answerA)
  const [answer] = await exchange(server.port, [toPacket('a.example')])
  const answers = await exchange(server.port, [answer!, toPacket('b.example', { id: 2 })], (all) => all.length >= 1)
  assert.deepEqual(
    answers.map((one) => one.readUInt16BE()),
    [2],
  )
})

test('a thousand queries at once over UDP from ten sockets', async () => {
  await using server = await startListener((query) =>
    query.qtype === 28 ? new Promise((resolve) => setImmediate(() => resolve(answerA(query)))) : answerA(query),
  )
  const packets = Array.from({ length: 100 }, (_, id) =>
    toPacket(`h${id}.example`, { id, type: id % 3 ? 'A' : 'AAAA' }),
  )
  const all = await Promise.all(Array.from({ length: 10 }, () => exchange(server.port, packets)))
  for (const answers of all) {
    for (const answer of answers) {
      const { id, question } = decodeMessage(answer)
      assert.equal(question!.name, `h${id}.example.`)
    }
  }
})
