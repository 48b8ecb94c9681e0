import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { openUdp, type UdpOptions, type UdpSocket } from './udp.ts'

interface Received {
  text: string
  address: string
  port: number
}

async function open(t: { after(call: () => void): void }, options: Partial<UdpOptions> = {}) {
  const received: Received[] = []
  const waiting: (() => void)[] = []
  const socket: UdpSocket = await openUdp({
    address: '127.0.0.1',
    port: 0,
    receive(packet, address, port) {
      received.push({ text: Buffer.from(packet).toString('latin1'), address, port })
      for (const wake of waiting.splice(0)) wake()
    },
    ...options,
  })
  t.after(() => socket.close())
  const next = async (count = 1) => {
    while (received.length < count) await new Promise<void>((resolve) => void waiting.push(resolve))
    return received
  }
  return { socket, next }
}

async function client(t: { after(call: () => void): void }, type: 'udp4' | 'udp6' = 'udp4') {
  const socket = createSocket(type)
  t.after(() => socket.close())
  await new Promise<void>((resolve) => socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::1', resolve))
  return socket
}

test('receives up to 65507 octets and answers from its port', async (t) => {
  const { socket, next } = await open(t)
  const peer = await client(t)
  peer.send('x'.repeat(65_507), socket.port, '127.0.0.1')
  const [first] = await next()
  assert.equal(first!.text.length, 65_507)
  assert.equal(first!.address, '127.0.0.1')
  const answer = once(peer, 'message')
  assert.equal(socket.send(Buffer.from('..hello'), 2, 5, first!.address, first!.port), true)
  const [message, from] = await answer
  assert.equal(message.toString(), 'hello')
  assert.equal(from.port, socket.port)
})

test('a wildcard socket takes both families and shows IPv4 clients as IPv4', async (t) => {
  const { socket, next } = await open(t, { address: '' })
  const v4 = await client(t)
  const v6 = await client(t, 'udp6')
  v4.send('four', socket.port, '127.0.0.1')
  await next(1)
  v6.send('six', socket.port, '::1')
  const received = await next(2)
  assert.deepEqual(
    received.map(({ text, address }) => [text, address]),
    [
      ['four', '127.0.0.1'],
      ['six', '::1'],
    ],
  )
  const answers = Promise.all([once(v4, 'message'), once(v6, 'message')])
  for (const { address, port } of received) socket.send(Buffer.from('ok'), 0, 2, address, port)
  for (const [message] of await answers) assert.equal(message.toString(), 'ok')
})

test('nothing that can be asked of send throws', async (t) => {
  const { socket } = await open(t)
  const octets = Buffer.from('x')
  assert.equal(socket.send(octets, 0, 1, '127.0.0.1', 0), true)
  assert.equal(socket.dropped, 1)
  socket.send(octets, 0, 1, 'no address', 53)
  socket.send(octets, 0, 1, '::1', 53)
  socket.send(octets, 0, 1, '127.0.0.1', 65_536)
  socket.send(Buffer.alloc(65_535), 0, 65_535, '127.0.0.1', 9)
  assert.equal(socket.dropped, 2)
  socket.close()
  socket.send(octets, 0, 1, '127.0.0.1', 53)
  assert.equal(socket.dropped, 3)
  socket.close()
})

test('when too much waits for the network, datagrams are dropped and counted', async (t) => {
  const { socket } = await open(t, { maxSendQueue: -1 })
  assert.equal(socket.send(Buffer.from('x'), 0, 1, '127.0.0.1', 9), true)
  assert.equal(socket.dropped, 1)
  await socket.drain()
})

test('an ICMP error of an earlier answer does not disturb the socket', async (t) => {
  const { socket, next } = await open(t)
  const gone = createSocket('udp4')
  await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve))
  const { port } = gone.address()
  await new Promise<void>((resolve) => gone.close(resolve))
  for (let i = 0; i < 5; i++) socket.send(Buffer.from('x'), 0, 1, '127.0.0.1', port)
  const peer = await client(t)
  peer.send('still there', socket.port, '127.0.0.1')
  assert.equal((await next())[0]!.text, 'still there')
})

test('a port in use is an error, a shared one is not', async (t) => {
  const { socket } = await open(t)
  await assert.rejects(open(t, { port: socket.port }), { code: 'EADDRINUSE' })
  const shared = await open(t, { reusePort: true })
  const again = await open(t, { port: shared.socket.port, reusePort: true })
  assert.equal(again.socket.port, shared.socket.port)
})
