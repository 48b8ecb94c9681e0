import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import test from 'node:test'
import type { ConnectedUdp, ConnectedUdpEvents } from './connected-socket.ts'
import { connectUdp } from './connected-udp.ts'
import { loadLibc } from './libc.ts'

interface Cleanup {
  after(run: () => void): void
}

/** Waits for sockets, without a timer; the test runner's time limit bounds it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

async function openPeer(t: Cleanup, address = '127.0.0.1'): Promise<{ peer: Socket; port: number }> {
  const peer = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  peer.bind(0, address)
  await once(peer, 'listening')
  t.after(() => peer.close())
  return { peer, port: peer.address().port }
}

/** A port of this machine where nobody listens. */
async function findClosedPort(): Promise<number> {
  const peer = createSocket('udp4')
  peer.bind(0, '127.0.0.1')
  await once(peer, 'listening')
  const { port } = peer.address()
  await new Promise<void>((resolve) => peer.close(resolve))
  return port
}

for (const backEnd of ['dgram', 'libc']) {
  const skip = backEnd === 'libc' && !loadLibc()
  const when = (name: string, run: (t: Cleanup) => Promise<void>) => test(`${backEnd}: ${name}`, { skip }, run)

  /** Opens a socket that keeps all it is told; texts stand for octets. */
  function open(
    t: Cleanup,
    port: number,
    { address = '127.0.0.1', sourceAddress = undefined as string | undefined } = {},
  ) {
    const received: string[] = []
    const unsent: string[] = []
    const failures: (string | undefined)[] = []
    const toText = (packet: Uint8Array) => Buffer.from(packet).toString('latin1')
    const events: ConnectedUdpEvents = {
      receive: (packet) => void received.push(toText(packet)),
      unsent: (packet) => void unsent.push(toText(packet)),
      failed: (error: NodeJS.ErrnoException) => void failures.push(error.code),
    }
    const socket = withBackEnd(() => connectUdp({ address, port, sourceAddress, events }))
    t.after(() => socket.close())
    const send = (text: string) => socket.send(Buffer.from(text, 'latin1'))
    return { socket, send, received, unsent, failures }
  }

  function withBackEnd(run: () => ConnectedUdp): ConnectedUdp {
    process.env['CORELET_NET'] = backEnd
    try {
      return run()
    } finally {
      delete process.env['CORELET_NET']
    }
  }

  when('datagrams of all sizes go out and come back whole and in order', async (t) => {
    const { peer, port } = await openPeer(t)
    peer.on('message', (packet, from) => peer.send(packet, from.port, from.address))
    const { send, received } = open(t, port)
    const texts = ['x', 'y'.repeat(1232), 'z'.repeat(65_507), ...Array.from({ length: 100 }, (_, i) => `number ${i}`)]
    for (const text of texts) {
      send(text)
      await until(() => received.length === texts.indexOf(text) + 1)
    }
    assert.deepEqual(received, texts)
  })

  when('what one task sends arrives, however much it is', async (t) => {
    const { peer, port } = await openPeer(t)
    const arrived = new Set<string>()
    peer.on('message', (packet) => void arrived.add(packet.toString('latin1')))
    const { send, unsent } = open(t, port)
    const octets = new Uint8Array(300)
    for (let i = 0; i < 150; i++) send(`${i} ${octets}`)
    await until(() => arrived.size + unsent.length === 150)
    assert.deepEqual(unsent, [])
  })

  when('what is sent is a copy', async (t) => {
    const { peer, port } = await openPeer(t)
    const arrived: string[] = []
    peer.on('message', (packet) => void arrived.push(packet.toString()))
    const { socket } = open(t, port)
    const octets = Buffer.from('before')
    socket.send(octets)
    octets.write('behind')
    await until(() => arrived.length > 0)
    assert.deepEqual(arrived, ['before'])
  })

  when('nobody but the peer is heard', async (t) => {
    const { peer, port } = await openPeer(t)
    const { peer: stranger } = await openPeer(t)
    peer.on('message', (packet, from) => {
      stranger.send('forged', from.port, from.address, () => peer.send(packet, from.port, from.address))
    })
    const { send, received } = open(t, port)
    send('real')
    await until(() => received.length > 0)
    assert.deepEqual(received, ['real'])
  })

  when('each socket has a port of its own', async (t) => {
    const { peer, port } = await openPeer(t)
    const ports = new Set<number>()
    peer.on('message', (_packet, from) => void ports.add(from.port))
    for (let i = 0; i < 20; i++) open(t, port).send('hello')
    await until(() => ports.size === 20)
  })

  when('a closed port is told, every time, and the socket works again when somebody listens', async (t) => {
    const port = await findClosedPort()
    const { send, received, unsent, failures } = open(t, port)
    const told = () => failures.length + unsent.length
    for (let i = 1; i <= 3; i++) {
      const before = told()
      send(`to nobody ${i}`)
      await until(() => told() > before)
    }
    assert.deepEqual(new Set(failures), new Set(['ECONNREFUSED']))
    const peer = createSocket('udp4')
    t.after(() => peer.close())
    peer.on('message', (packet, from) => peer.send(packet, from.port, from.address))
    peer.bind(port, '127.0.0.1')
    await once(peer, 'listening')
    send('to somebody')
    await until(() => received.length > 0)
    assert.deepEqual(received, ['to somebody'])
  })

  when('a datagram that can not be sent is told, those behind it go out', async (t) => {
    const { peer, port } = await openPeer(t)
    const arrived: string[] = []
    peer.on('message', (packet) => void arrived.push(packet.toString()))
    const { send, unsent } = open(t, port)
    const long = 'x'.repeat(65_508)
    for (const text of ['first', long, 'last']) send(text)
    await until(() => arrived.length === 2 && unsent.length === 1)
    assert.deepEqual(arrived, ['first', 'last'])
    assert.equal(unsent[0], long)
  })

  when('it sends from the source address', async (t) => {
    const { peer, port } = await openPeer(t)
    const from: string[] = []
    peer.on('message', (_packet, { address }) => void from.push(address))
    open(t, port, { sourceAddress: '127.0.0.9' }).send('hello')
    await until(() => from.length > 0)
    assert.deepEqual(from, ['127.0.0.9'])
  })

  when('IPv6 works too', async (t) => {
    const { peer, port } = await openPeer(t, '::1')
    peer.on('message', (packet, from) => peer.send(packet, from.port, from.address))
    const { send, received } = open(t, port, { address: '::1' })
    send('six')
    await until(() => received.length > 0)
    assert.deepEqual(received, ['six'])
  })

  when('what can not be opened throws', async (t) => {
    const cases: [what: string, address: string, sourceAddress: string | undefined][] = [
      ['a source address of another machine', '127.0.0.1', '192.0.2.1'],
      ['a source address of another family', '127.0.0.1', '::1'],
      ['a broadcast address', '255.255.255.255', undefined],
    ]
    for (const [what, address, sourceAddress] of cases)
      assert.throws(() => open(t, 53, { address, sourceAddress }), Error, what)
  })

  when('closed, it sends and tells nothing', async (t) => {
    const { peer, port } = await openPeer(t)
    const arrived: string[] = []
    peer.on('message', (packet) => void arrived.push(packet.toString()))
    const { socket, send, received } = open(t, port)
    socket.close()
    socket.close()
    send('late')
    const other = open(t, port)
    other.send('other')
    await until(() => arrived.length > 0)
    assert.deepEqual([arrived, received], [['other'], []])
  })
}

test('libc: one task is one batch', { skip: !loadLibc() }, async (t) => {
  const { port } = await openPeer(t)
  const socket = connectUdp({ address: '127.0.0.1', port, events: { receive() {}, unsent() {}, failed() {} } })
  t.after(() => socket.close())
  assert.equal(socket.isCollecting, false)
  socket.send(Buffer.from('a'))
  assert.equal(socket.isCollecting, true)
  await Promise.resolve()
  assert.equal(socket.isCollecting, false)
})
