import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { ProbeQuestion, probe } from './probe.ts'

const HOST = '127.0.0.1'
const TIMEOUT = 200

let udp: Socket
let tcp: Server
let port: number
/** What the server sends back. */
let answer: (query: Buffer) => Buffer | undefined

beforeEach(async () => {
  tcp = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => {
      const reply = answer(data.subarray(2))
      if (reply) socket.write(Buffer.concat([Buffer.of(0, reply.length), reply]))
    })
  }).listen(0, HOST)
  await once(tcp, 'listening')
  port = (tcp.address() as { port: number }).port
  udp = createSocket('udp4', (query, peer) => {
    const reply = answer(query)
    if (reply) udp.send(reply, peer.port, peer.address)
  }).bind(port, HOST)
  await once(udp, 'listening')
})
afterEach(() => {
  udp.close()
  tcp.close()
})

function reply(query: Buffer, rcode: number): Buffer {
  const out = Buffer.from(query)
  out[2]! |= 0x80
  out[3] = rcode
  return out
}

const question = new ProbeQuestion()
const ask = () => probe(question, HOST, port, TIMEOUT)

test('the question is a STATUS query for a secret name', () => {
  const query = new ProbeQuestion('0123456789abcdef0123456789abcdef').query(0x1234)
  assert.equal(query.toString('latin1', 0, 3), '\x12\x34\x10')
  assert.equal(query.toString('latin1', 13, 45), '0123456789abcdef0123456789abcdef')
  assert.equal(query.length, 12 + 1 + 32 + 1 + 4)
  assert.notEqual(new ProbeQuestion().secret, new ProbeQuestion().secret)
})

test('the own server answers over UDP and TCP', async () => {
  answer = (query) => (query.includes(question.secret) ? reply(query, 0) : undefined)
  assert.equal(await ask(), undefined)
})

test('another server, that does not know the name, is not ours', async () => {
  answer = (query) => reply(query, 4)
  assert.equal(await ask(), 'UDP: another server answers, TCP: another server answers')
  answer = (query) => reply(query, 0).fill(7, 0, 2)
  assert.match((await ask())!, /^UDP: another server answers, TCP: another/)
  answer = () => Buffer.of(1, 2, 3)
  assert.equal(await ask(), 'UDP: another server answers, TCP: no answer')
})

test('silence, and a port where nobody is', async () => {
  answer = () => undefined
  assert.equal(await ask(), 'UDP: no answer, TCP: no answer')
  tcp.close()
  udp.close()
  await once(udp, 'close')
  const problem = await ask()
  assert.match(problem!, /^UDP: .*ECONNREFUSED.*, TCP: .*ECONNREFUSED/)
  udp = createSocket('udp4')
})

test('of several servers on one port it is enough that ours has its turn', async () => {
  let turn = 0
  answer = (query) => reply(query, turn++ % 4 < 3 ? 5 : 0)
  assert.equal(await probe(question, HOST, port, TIMEOUT), undefined)
  assert.ok(turn > 2)
})

test('queries come from the address they are told to', async () => {
  const from: string[] = []
  udp.on('message', (_, { address }) => from.push(address))
  tcp.on('connection', ({ remoteAddress }) => from.push(remoteAddress!))
  answer = (query) => reply(query, 0)
  assert.equal(await probe(question, HOST, port, TIMEOUT, '127.0.0.9'), undefined)
  assert.deepEqual(from, ['127.0.0.9', '127.0.0.9'])
})
