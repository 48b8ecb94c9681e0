import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { EAGAIN, type Libc, loadLibc } from './libc.ts'
import { BATCH } from './receive-batch.ts'
import { sendForged } from './testing.ts'
import { openUdp } from './udp.ts'
import { bindLibc } from './udp-libc.ts'
import type { UdpOptions, UdpPeer, UdpSocket } from './udp-socket.ts'

type Cleanup = { after(call: () => void): void }

interface Received {
  text: string
  peer: UdpPeer
}

const LONGEST = 65_535

const ENOMEM = 12

const libc = await loadLibc()

for (const backEnd of ['dgram', 'libc'] as const) {
  const skip = backEnd === 'libc' && !libc

  /** Opens a socket that keeps all it receives. */
  async function open(t: Cleanup, options: Partial<UdpOptions> = {}) {
    const received: Received[] = []
    const waiting: (() => void)[] = []
    process.env['CORELET_NET'] = backEnd
    const socket: UdpSocket = await openUdp({
      address: '127.0.0.1',
      port: 0,
      longest: LONGEST,
      receive(packet, peer) {
        peer.keep()
        received.push({ text: Buffer.from(packet).toString('latin1'), peer })
        for (const wake of waiting.splice(0)) wake()
      },
      ...options,
    }).finally(() => delete process.env['CORELET_NET'])
    t.after(() => socket.close())
    const next = async (count = 1) => {
      while (received.length < count) await new Promise<void>((resolve) => void waiting.push(resolve))
      return received
    }
    return { socket, next }
  }

  const when = (name: string, run: (t: Cleanup) => Promise<void>) => test(`${backEnd}: ${name}`, { skip }, run)

  for (const address of ['127.0.0.1', '0.0.0.0', '']) {
    when(`one that leaves answers what it got and gets no more [${address}]`, async (t) => {
      const old = await open(t, { address, reusePort: true })
      const { port } = old.socket
      const senders = await Promise.all(
        Array.from({ length: 32 }, async () => {
          const sender = createSocket('udp4')
          t.after(() => sender.close())
          const answers: string[] = []
          sender.on('message', (answer) => void answers.push(String(answer)))
          await new Promise<void>((resolve) => sender.bind(0, '127.0.0.1', resolve))
          return { sender, answers }
        }),
      )
      const sendAll = (text: string) =>
        Promise.all(
          senders.map(({ sender }) => new Promise((resolve) => sender.send(text, port, '127.0.0.1', resolve))),
        )
      await sendAll('to the old one')
      old.socket.leave()
      const young = await open(t, { address, port, reusePort: true })
      await sendAll('to the new one')
      await old.socket.receiveWaiting()
      const received = [await old.next(32), await young.next(32)]
      for (const { text, peer } of received.flat()) peer.send(Buffer.from(text).copy(peer.out, peer.offset))
      while (senders.some(({ answers }) => answers.length < 2)) await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(
        received.map((all) => [...new Set(all.map(({ text }) => text))]),
        [['to the old one'], ['to the new one']],
      )
      assert.equal(old.socket.dropped, 0)
    })
  }

  when('receives up to 65507 octets and answers from its port', async (t) => {
    const { socket, next } = await open(t)
    const client = await openClient(t)
    client.send('x'.repeat(65_507), socket.port, '127.0.0.1')
    const [first] = await next()
    assert.equal(first!.text.length, 65_507)
    const { address, port, family, local } = first!.peer
    assert.deepEqual([address, port, family], ['127.0.0.1', client.address().port, 1])
    assert.deepEqual([local.address, local.port], ['127.0.0.1', socket.port])
    const answer = once(client, 'message')
    reply(first!.peer, 'hello')
    const [message, from] = await answer
    assert.equal(message.toString(), 'hello')
    assert.equal(from.port, socket.port)
  })

  when('of a datagram that is too long only the front is received', async (t) => {
    const { socket, next } = await open(t, { longest: 100 })
    const client = await openClient(t)
    client.send('y'.repeat(5000), socket.port, '127.0.0.1')
    client.send('z'.repeat(100), socket.port, '127.0.0.1')
    client.send('', socket.port, '127.0.0.1')
    const received = await next(3)
    assert.deepEqual(
      received.map(({ text }) => text),
      ['y'.repeat(100), 'z'.repeat(100), ''],
    )
  })

  when('a wildcard socket takes both families and shows IPv4 clients as IPv4', async (t) => {
    const { socket, next } = await open(t, { address: '' })
    const v4 = await openClient(t)
    const v6 = await openClient(t, '::1')
    v4.send('four', socket.port, '127.0.0.1')
    await next(1)
    v6.send('six', socket.port, '::1')
    const received = await next(2)
    assert.deepEqual(
      received.map(({ text, peer }) => [text, peer.address, peer.family]),
      [
        ['four', '127.0.0.1', 1],
        ['six', '::1', 2],
      ],
    )
    const answers = Promise.all([once(v4, 'message'), once(v6, 'message')])
    for (const { peer } of received) reply(peer, 'ok')
    for (const [message] of await answers) assert.equal(message.toString(), 'ok')
  })

  when('many datagrams at once all come in, with their senders', async (t) => {
    const { socket, next } = await open(t)
    const clients = await Promise.all(Array.from({ length: 4 }, () => openClient(t)))
    const heard = clients.map((client) => {
      const texts: string[] = []
      return new Promise<string[]>((resolve) => {
        client.on('message', (message) => {
          if (texts.push(message.toString()) === 100) resolve(texts)
        })
      })
    })
    for (let i = 0; i < 100; i++) {
      for (const [n, client] of clients.entries()) client.send(`${n}:${i}`, socket.port, '127.0.0.1')
    }
    for (const { text, peer } of [...(await next(400))]) reply(peer, `${text}!`)
    for (const [n, texts] of (await Promise.all(heard)).entries()) {
      assert.deepEqual(new Set(texts), new Set(Array.from({ length: 100 }, (_, i) => `${n}:${i}!`)))
    }
  })

  when('what can not be sent is lost and disturbs nobody', async (t) => {
    const { socket, next } = await open(t)
    const client = await openClient(t)
    client.send('a', socket.port, '127.0.0.1')
    const { peer } = (await next())[0]!
    peer.send(65_520)
    peer.send(0)
    const answer = once(client, 'message')
    reply(peer, 'short enough')
    assert.equal((await answer)[0].toString(), 'short enough')
    socket.close()
    reply(peer, 'too late')
    socket.close()
    await socket.drain()
    await socket.receiveWaiting()
  })

  when('an ICMP error of an earlier answer does not disturb the socket', async (t) => {
    const errors: Error[] = []
    const { socket, next } = await open(t, { onError: (error) => errors.push(error) })
    const gone = await openClient(t)
    gone.send('a', socket.port, '127.0.0.1')
    const { peer } = (await next())[0]!
    await new Promise<void>((resolve) => void gone.close(resolve))
    for (let i = 0; i < 5; i++) {
      reply(peer, 'x')
      await socket.drain()
    }
    const client = await openClient(t)
    client.send('still there', socket.port, '127.0.0.1')
    assert.equal((await next(2))[1]!.text, 'still there')
    assert.deepEqual([errors, socket.dropped], [[], 0])
  })

  when('a port in use is an error, a shared one is not', async (t) => {
    const { socket } = await open(t)
    await assert.rejects(open(t, { port: socket.port }), {
      code: 'EADDRINUSE',
      syscall: 'bind',
      message: `bind EADDRINUSE 127.0.0.1:${socket.port}`,
    })
    const shared = await open(t, { reusePort: true })
    const again = await open(t, { port: shared.socket.port, reusePort: true })
    assert.equal(again.socket.port, shared.socket.port)
  })

  when('an address that the machine has not is an error', async (t) => {
    await assert.rejects(open(t, { address: '192.0.2.99' }), { code: 'EADDRNOTAVAIL' })
    await assert.rejects(open(t, { address: '2001:db8::99' }), { code: 'EADDRNOTAVAIL' })
  })

  when('an IPv6 address takes no IPv4, so that both can have the port', async (t) => {
    const six = await open(t, { address: '::' })
    const four = await open(t, { address: '0.0.0.0', port: six.socket.port })
    const client = await openClient(t)
    client.send('four', six.socket.port, '127.0.0.1')
    assert.equal((await four.next())[0]!.peer.address, '127.0.0.1')
  })

  when('what waits in the socket is received before it closes', async (t) => {
    let received = 0
    const { socket } = await open(t, { receive: () => received++ })
    const client = await openClient(t)
    for (let i = 0; i < 700; i++) client.send('x', socket.port, '127.0.0.1')
    await new Promise<void>((resolve) => void client.send('x', socket.port, '127.0.0.1', () => resolve()))
    await socket.receiveWaiting()
    assert.equal(received, 701)
  })

  if (backEnd === 'dgram') continue

  when('answers of a wildcard socket leave from the address that was asked', async (t) => {
    for (const address of ['', '0.0.0.0']) {
      const { socket, next } = await open(t, { address })
      for (const [i, asked] of ['127.0.0.2', '127.0.0.1', '127.1.2.3'].entries()) {
        const client = await openClient(t)
        client.connect(socket.port, asked)
        await once(client, 'connect')
        client.send('a')
        const { peer } = (await next(i + 1))[i]!
        assert.deepEqual([peer.local.address, peer.local.port], [asked, socket.port])
        const answer = once(client, 'message')
        reply(peer, 'b')
        await answer
      }
    }
  })

  when('peers are told apart while they are kept', async (t) => {
    const { socket, next } = await open(t, { address: '' })
    const clients = await Promise.all(['127.0.0.5', '127.0.0.6', '::1'].map((address) => openClient(t, address)))
    for (const client of clients) client.send('a', socket.port, client.address().address)
    const seen = (await next(3)).map(({ peer }) => `${peer.address} ${peer.local.address}`).sort()
    assert.deepEqual(seen, ['127.0.0.5 127.0.0.5', '127.0.0.6 127.0.0.6', '::1 ::1'])
  })
}

test('libc: answers wait while the network takes none, and are sent when it does', { skip: !libc }, async (t) => {
  let busy = true
  const stalling: Libc = {
    ...libc!,
    sendmmsg: (...args) => (busy ? -1 : libc!.sendmmsg(...args)),
    errno: () => (busy ? EAGAIN : libc!.errno()),
  }
  let count = 0
  const receive = (_packet: Uint8Array, peer: UdpPeer) => reply(peer, `answer ${count++}`)
  const options: UdpOptions = { address: '127.0.0.1', port: 0, longest: LONGEST, receive }
  const socket = bindLibc(stalling, options, '127.0.0.1')
  t.after(() => socket.close())
  const client = await openClient(t)
  const answers: string[] = []
  client.on('message', (answer) => answers.push(answer.toString()))
  for (let i = 0; i < 100; i++) client.send('x', socket.port, '127.0.0.1')
  while (count < 100) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([answers.length, socket.dropped], [0, 100 - BATCH])
  const drained = socket.drain()
  busy = false
  await drained
  while (answers.length < BATCH) await new Promise((resolve) => setImmediate(resolve))
  client.send('x', socket.port, '127.0.0.1')
  while (answers.length <= BATCH) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([answers[0], answers.at(-1), socket.dropped], ['answer 0', 'answer 100', 100 - BATCH])
})

test('libc: other errors of the socket are told, and it goes on', { skip: !libc }, async (t) => {
  let broken = true
  const errors: string[] = []
  const failing: Libc = {
    ...libc!,
    recvmmsg: (...args) => (broken ? -1 : libc!.recvmmsg(...args)),
    errno: () => (broken ? ENOMEM : libc!.errno()),
  }
  const onError = (error: NodeJS.ErrnoException) => {
    errors.push(error.message)
    broken = errors.length < 3
  }
  const received = new Promise<string>((resolve) => {
    const receive = (packet: Uint8Array) => resolve(Buffer.from(packet).toString())
    const socket = bindLibc(failing, { address: '', port: 0, longest: LONGEST, receive, onError }, '::')
    t.after(() => socket.close())
    void openClient(t).then((client) => client.send('x', socket.port, '127.0.0.1'))
  })
  assert.equal(await received, 'x')
  assert.deepEqual(errors, Array(3).fill('recvmmsg ENOMEM'))
})

test('libc: a receiver that throws keeps nothing from the datagrams behind', { skip: !libc }, async (t) => {
  const received: string[] = []
  const receive = (packet: Uint8Array, peer: UdpPeer) => {
    received.push(Buffer.from(packet).toString())
    if (received.at(-1)!.startsWith('!')) throw new Error('broken')
    reply(peer, 'ok')
  }
  const socket = bindLibc(libc!, { address: '127.0.0.1', port: 0, longest: LONGEST, receive }, '127.0.0.1')
  t.after(() => socket.close())
  const client = await openClient(t)
  let answers = 0
  client.on('message', () => answers++)
  for (const text of ['a', '!', '!', 'b']) client.send(text, socket.port, '127.0.0.1')
  await new Promise<void>((resolve) => void client.send('!', socket.port, '127.0.0.1', () => resolve()))
  await assert.rejects(socket.receiveWaiting(), { message: 'broken' })
  assert.deepEqual(received, ['a', '!', '!', 'b', '!'])
  while (answers < 2) await new Promise((resolve) => setImmediate(resolve))
})

test('without libc there is dgram', async () => {
  const source = `
    import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) { if (name === 'koffi') throw new Error('not installed'); return next(name, context) } })
    const { openUdp } = await import('./udp.ts')
    const socket = await openUdp({ address: '127.0.0.1', port: 0, longest: 512, receive() {} })
    console.log(socket.constructor.name)
    socket.close()
  `
  const args = ['--input-type=module-typescript', '-e', source]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
  assert.equal(stdout, 'DgramSocket\n')
})

test('libc: nothing from port 0 is received', { skip: !libc || process.getuid!() !== 0 }, async (t) => {
  const received: string[] = []
  const receive = (packet: Uint8Array) => void received.push(Buffer.from(packet).toString())
  for (const backEnd of ['dgram', 'libc']) {
    process.env['CORELET_NET'] = backEnd
    const socket = await openUdp({ address: '127.0.0.1', port: 0, longest: LONGEST, receive })
    delete process.env['CORELET_NET']
    t.after(() => socket.close())
    sendForged(libc!, Uint8Array.of(0x78), { from: 0, to: socket.port })
    const client = await openClient(t)
    client.send(backEnd, socket.port, '127.0.0.1')
    while (!received.includes(backEnd)) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(received, ['dgram', 'libc'])
})

async function openClient(t: Cleanup, address = '127.0.0.1') {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  t.after(() => {
    try {
      socket.close()
    } catch {}
  })
  await new Promise<void>((resolve) => void socket.bind(0, address, resolve))
  return socket
}

function reply(peer: UdpPeer, text: string): void {
  peer.send(Buffer.from(text).copy(peer.out, peer.offset))
}
