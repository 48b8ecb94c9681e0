import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { makeCertificate } from '../../test/kit/certificate.ts'
import type { Bound } from './connection.ts'
import { openTcp, TCP_DEFAULTS, type TcpServer, type TcpSettings } from './tcp.ts'
import { converseInFrames } from './tcp-connection.ts'
import { StillClock, settle, toFrames } from './testing.ts'
import type { ClientAuth, TlsIdentity } from './tls.ts'

let folder: string
let pems: { a: { cert: string; key: string }; b: { cert: string; key: string } }
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'net-tls-'))
  const make = async (name: string) => {
    const { cert, key } = await makeCertificate(folder, name)
    return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
  }
  pems = { a: await make('a.example'), b: await make('b.example') }
})
after(() => rm(folder, { recursive: true }))

const identity = (parts: Partial<TlsIdentity> = {}): TlsIdentity => ({
  ...pems.a,
  clientAuth: 'nocert',
  ticketKeys: randomBytes(48),
  ...parts,
})

/** A server that echoes frames over TLS, whose clock stands still. */
async function open(t: { after(call: () => void): void }, shown: TlsIdentity, settings: Partial<TcpSettings> = {}) {
  const clock = new StillClock()
  const bounds: Bound[] = []
  const source = { current: shown }
  const server = await openTcp({
    address: '127.0.0.1',
    port: 0,
    clock,
    protocols: ['dot'],
    converse: converseInFrames((message, connection) => {
      const octets = new Uint8Array(2 + message.length)
      octets.set(message, 2)
      connection.answer(octets, message.length)
    }),
    settings: { ...TCP_DEFAULTS, ...settings, tls: source },
    onBound: (bound) => void bounds.push(bound),
  })
  t.after(() => {
    server.close()
    server.destroy()
  })
  return { clock, source, server, bounds }
}

/** Shakes hands, sends a frame and takes it back. @throws (rejects) the error that it meets */
async function talk({ port }: TcpServer, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['dot'], ...options })
  socket.write(toFrames(Buffer.from('a'.repeat(12))))
  const failed = once(socket, 'close').then(() => Promise.reject(new Error('closed')))
  await Promise.race([once(socket, 'data'), failed])
  return socket
}

test('frames pass over TLS 1.2 and 1.3, with ALPN and without', async (t) => {
  const { server } = await open(t, identity())
  for (const options of [{ maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }, { ALPNProtocols: [] }] as const) {
    const socket = await talk(server, options as ConnectionOptions)
    assert.equal(socket.alpnProtocol, 'ALPNProtocols' in options ? false : 'dot')
    socket.destroy()
  }
  await assert.rejects(talk(server, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }))
  await assert.rejects(talk(server, { ALPNProtocols: ['smtp'] }), /no application protocol/i)
})

test('sessions are resumed', async (t) => {
  const { server } = await open(t, identity())
  const first = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
  const [session] = await once(first, 'session')
  first.destroy()
  const second = await talk(server, { session })
  assert.equal(second.isSessionReused(), true)
  second.destroy()
})

test('a new identity is shown to those who connect from then on, and open connections stay', async (t) => {
  const { server, source } = await open(t, identity())
  const old = await talk(server)
  source.current = identity(pems.b)
  const young = await talk(server)
  assert.equal(young.getPeerCertificate().subject.CN, 'b.example')
  old.write(toFrames(Buffer.from('b'.repeat(12))))
  assert.match(String((await once(old, 'data'))[0]), /b{12}$/)
  old.destroy()
  young.destroy()
})

test('certificates are chosen by the name that clients ask for; the first is for all others', async (t) => {
  const { server, source } = await open(t, identity())
  const other = { current: undefined as TlsIdentity | undefined }
  Object.assign(source, { others: [other] })
  const shown = async (servername?: string) => {
    const socket = await talk(server, servername === undefined ? {} : { servername })
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return CN
  }
  assert.equal(await shown('b.example'), 'a.example', 'it is not there yet')
  other.current = identity(pems.b)
  for (const [name, expected] of [
    ['b.example', 'b.example'],
    ['B.Example', 'b.example'],
    ['a.example', 'a.example'],
    ['c.example', 'a.example'],
    [undefined, 'a.example'],
  ] as const) {
    assert.equal(await shown(name), expected, name)
  }
  source.current = identity(pems.b)
  other.current = identity(pems.a)
  assert.deepEqual([await shown('a.example'), await shown('b.example')], ['a.example', 'b.example'])
})

test('which certificates clients must show is the same for all names', async (t) => {
  const first = identity({ clientAuth: 'require_and_verify', ca: pems.a.cert })
  const { server, source } = await open(t, first)
  Object.assign(source, { others: [{ current: identity(pems.b) }] })
  const known = await talk(server, { ...pems.a, servername: 'b.example' })
  assert.equal(known.getPeerCertificate().subject.CN, 'b.example')
  known.destroy()
  await assert.rejects(talk(server, { servername: 'b.example' }))
  await assert.rejects(talk(server, { ...pems.b, servername: 'b.example' }))
})

test('sessions are resumed under a certificate chosen by name', async (t) => {
  const { server, source } = await open(t, identity())
  Object.assign(source, { others: [{ current: identity(pems.b) }] })
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { servername: 'b.example', maxVersion }
    const first = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    const [session] = await once(first, 'session')
    first.destroy()
    const second = await talk(server, { session, ...options })
    assert.equal(second.isSessionReused(), true)
    second.destroy()
  }
})

test('a handshake that does not come to its end is cut after the time for a first message', async (t) => {
  const { clock, server } = await open(t, identity())
  const mute = connectTcp({ port: server.port, host: '127.0.0.1' })
  await once(mute, 'connect')
  const slow = connectTcp({ port: server.port, host: '127.0.0.1' })
  slow.write(Buffer.of(0x16, 3, 1, 2))
  for (let i = 0; i < 100 && server.size < 2; i++) await settle()
  const closed = Promise.all([once(mute, 'close'), once(slow, 'close')])
  await clock.advance(2900)
  slow.write(Buffer.of(0))
  await clock.advance(100)
  assert.equal(server.size, 2)
  await clock.advance(300)
  await closed
  for (let i = 0; i < 100 && server.size > 0; i++) await settle()
  assert.equal(server.size, 0)
})

test('connections that still shake hands count, and make room for others', async (t) => {
  const { server, bounds } = await open(t, identity(), { maxConnections: 2 })
  const mutes = [0, 1].map(() => connectTcp({ port: server.port, host: '127.0.0.1' }).on('error', () => {}))
  for (let i = 0; i < 100 && server.size < 2; i++) await settle()
  const good = await talk(server)
  assert.equal(server.size, 2)
  assert.deepEqual(bounds, ['evicted'])
  good.destroy()
  for (const mute of mutes) mute.destroy()
})

test('clear text and garbage get an alert and cost nobody else', async (t) => {
  const { server } = await open(t, identity())
  const wrong = connectTcp({ port: server.port, host: '127.0.0.1' }).on('error', () => {})
  wrong.write(toFrames(Buffer.from('a'.repeat(40))))
  wrong.resume()
  await once(wrong, 'close')
  ;(await talk(server)).destroy()
})

const clients: [auth: ClientAuth, without: boolean, known: boolean, stranger: boolean][] = [
  ['nocert', true, true, true],
  ['request', true, true, true],
  ['require', false, true, true],
  ['verify_if_given', true, true, false],
  ['require_and_verify', false, true, false],
]
for (const [clientAuth, without, known, stranger] of clients) {
  test(`client_auth ${clientAuth}`, async (t) => {
    const { server } = await open(t, identity({ clientAuth, ca: pems.a.cert }))
    for (const [isWelcome, certificate] of [
      [without, {}],
      [known, pems.a],
      [stranger, pems.b],
    ] as const) {
      if (isWelcome) (await talk(server, certificate)).destroy()
      else await assert.rejects(talk(server, certificate))
    }
  })
}

test('secrets are told to the key log', async (t) => {
  const lines: string[] = []
  const { server } = await open(t, identity({ keylog: (line) => void lines.push(String(line)) }))
  ;(await talk(server)).destroy()
  assert.match(lines[0]!, /^[A-Z_]+ [0-9a-f]{64} [0-9a-f]+\n$/)
})

test('a client that leaves within or right after the handshake is gone at once', async (t) => {
  const { server } = await open(t, identity())
  for (const leave of ['end', 'destroy'] as const) {
    const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    socket[leave]()
    const silent = connectTcp({ port: server.port, host: '127.0.0.1' })
    await once(silent, 'connect')
    silent[leave]()
    for (let i = 0; i < 2000 && server.size > 0; i++) await settle()
    assert.equal(server.size, 0, leave)
  }
})

test('a client that has ended its side gets its answer', async (t) => {
  const { server } = await open(t, identity())
  const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
  socket.end(toFrames(Buffer.from('c'.repeat(12))))
  assert.match(String((await once(socket, 'data'))[0]), /c{12}$/)
  await once(socket, 'close')
})
