import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { afterEach, test } from 'node:test'
import { type Query, RCODES, TYPES } from 'corelet/plugin'
import { checkDirectives, fakeContext, fakeListener, startPlugin, toQuery } from 'corelet/plugin/testing'
import loop from './index.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

/** A server on a free port that hands each probe on. */
async function listen(receive: (packet: Buffer, answer: (octets: Buffer) => void) => void): Promise<number> {
  const socket = createSocket('udp4', (packet, { port, address }) =>
    receive(packet, (octets) => socket.send(octets, port, address)),
  )
  sockets.push(socket)
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return socket.address().port
}

async function start(port: number, zones = ['example.org.']) {
  const fatal: string[] = []
  const base = fakeContext({ zones })
  const listeners = [fakeListener({ address: '127.0.0.1', port, server: `dns://127.0.0.1:${port}` })]
  const context = fakeContext({
    plugin: 'loop',
    block: { ...base.block, listeners },
    instance: { ...base.instance, fatal: (text) => void fatal.push(text) },
  })
  return { fatal, ...(await startPlugin(loop, 'loop', context)) }
}

/** The name that a probe asks for. */
function nameOf(packet: Buffer): string {
  const question = packet.subarray(12, -4)
  let name = ''
  for (let at = 0; question[at] !== 0; at += question[at]! + 1) {
    name += `${question.subarray(at + 1, at + 1 + question[at]!)}.`
  }
  return name
}

const refused = (query: Query) => query.fail(5, 'test', 'refused')

test('the probe has two random numbers below the zone and asks for HINFO', async () => {
  const names = []
  for (let i = 0; i < 2; i++) {
    let port = 0
    const packet = new Promise<Buffer>((resolve) => {
      void listen(resolve).then(async (bound) => {
        port = bound
        const { running } = await start(port)
        running.listening!()
        void packet.then(() => running.stop!())
      })
    })
    const name = nameOf(await packet)
    assert.match(name, /^\d{1,20}\.\d{1,20}\.example\.org\.$/)
    assert.equal((await packet).readUInt16BE((await packet).length - 4), TYPES.HINFO)
    names.push(name)
  }
  assert.notEqual(names[0], names[1])
})

test('the third probe that comes in ends the process', async () => {
  let probe: Buffer | undefined
  let arrived = () => {}
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const port = await listen((packet) => {
    probe = packet
    arrived()
  })
  const { running, fatal, ask } = await start(port)
  running.listening!()
  await arrival
  const name = nameOf(probe!)
  const client = { address: '192.0.2.1', port: 4242 }
  for (const other of [toQuery(name, 'A'), toQuery('1.2.example.org.', 'HINFO'), toQuery(`x.${name}`, 'HINFO')]) {
    for (let i = 0; i < 5; i++) assert.equal((await ask(other, refused)).rcode, 5)
  }
  assert.deepEqual(fatal, [])
  for (let i = 0; i < 2; i++)
    assert.equal((await ask(toQuery(name.toUpperCase(), 'HINFO', { client }), refused)).rcode, 5)
  assert.deepEqual(fatal, [])
  assert.equal((await ask(toQuery(name, 'HINFO', { client }), refused)).rcode, 5)
  assert.deepEqual(fatal, [
    `plugin/loop: Loop (192.0.2.1:4242 -> 127.0.0.1:${port}) detected for zone "example.org.", ` +
      `see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO ${name}"`,
  ])
  await ask(toQuery(name, 'HINFO'), refused)
  assert.equal(fatal.length, 1)
})

test('after an answer, no query has any effect', async () => {
  let name = ''
  const port = await listen((packet, answer) => {
    name = nameOf(packet)
    answer(packet)
  })
  const { running, fatal, ask, context } = await start(port)
  running.listening!()
  while (name === '' || context.clock.pending > 0) await new Promise((resolve) => setImmediate(resolve))
  for (let i = 0; i < 10; i++) await ask(toQuery(name, 'HINFO'), refused)
  assert.deepEqual(fatal, [])
})

test('an unanswered probe is repeated after a second, for 30 s in all, and then nothing counts', async () => {
  const names: string[] = []
  const port = await listen((packet) => void names.push(nameOf(packet)))
  const { running, fatal, ask, context } = await start(port)
  running.listening!()
  const probes = async (count: number) => {
    while (names.length < count) await new Promise((resolve) => setImmediate(resolve))
  }
  await probes(1)
  await context.clock.advance(3000)
  await probes(2)
  assert.equal(names[1], names[0])
  for (let i = 0; i < 2; i++) await ask(toQuery(names[0]!, 'HINFO'), refused)
  await context.clock.advance(27_000)
  assert.equal(context.clock.pending, 0)
  for (let i = 0; i < 5; i++) await ask(toQuery(names[0]!, 'HINFO'), refused)
  assert.deepEqual(fatal, [])
})

test('a loop that the probe goes round only once is found when it is not answered in time', async () => {
  const names: string[] = []
  const port = await listen((packet) => void names.push(nameOf(packet)))
  const { running, fatal, ask, context } = await start(port)
  running.listening!()
  while (names.length === 0) await new Promise((resolve) => setImmediate(resolve))
  for (let i = 0; i < 2; i++) await ask(toQuery(names[0]!, 'HINFO'), refused)
  await context.clock.advance(1999)
  assert.deepEqual(fatal, [])
  await context.clock.advance(1)
  assert.equal(fatal.length, 1)
  assert.equal(context.clock.pending, 0)
})

for (const [rcode, loops] of [
  [RCODES.SERVFAIL, 1],
  [RCODES.NXDOMAIN, 0],
] as const) {
  test(`a probe that came back once and is answered with rcode ${rcode}: ${loops} loop`, async () => {
    let name = ''
    let answerProbe = () => {}
    const port = await listen((packet, answer) => {
      name = nameOf(packet)
      answerProbe = () => answer(Buffer.concat([packet.subarray(0, 3), Buffer.of(rcode), packet.subarray(4)]))
    })
    const { running, fatal, ask, context } = await start(port)
    running.listening!()
    while (name === '') await new Promise((resolve) => setImmediate(resolve))
    for (let i = 0; i < 2; i++) await ask(toQuery(name, 'HINFO'), refused)
    answerProbe()
    while (context.clock.pending > 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(fatal.length, loops)
  })
}

test('a probe that fails without having come back is no loop', async () => {
  let name = ''
  const port = await listen((packet, answer) => {
    name = nameOf(packet)
    answer(Buffer.concat([packet.subarray(0, 3), Buffer.of(RCODES.SERVFAIL), packet.subarray(4)]))
  })
  const { running, fatal, ask, context } = await start(port)
  running.listening!()
  while (name === '') await new Promise((resolve) => setImmediate(resolve))
  await ask(toQuery(name, 'HINFO'), refused)
  while (context.clock.pending > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(fatal, [])
})

test('without a listener for plain DNS nothing is sent', async () => {
  const base = fakeContext()
  const listeners = [fakeListener({ transport: 'tls', server: 'tls://:853', port: 853 })]
  const context = fakeContext({ block: { ...base.block, listeners } })
  const { running } = await startPlugin(loop, 'loop', context)
  running.listening!()
  assert.equal(context.clock.pending, 0)
})

test('mistakes are found where they are', async () => {
  await checkDirectives(loop, [
    ['loop x', '2:6 wrong-argument-count'],
    ['loop {\nx\n}', '2:1 unexpected-block'],
    ['loop\nloop', '3:1 once-per-block'],
  ])
})
