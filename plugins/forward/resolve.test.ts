import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { fakeListener, readText } from 'corelet/plugin/testing'
import { resolveDestinations } from '../../src/forwarding/resolve.ts'
import { startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import forward from './index.ts'
import { startForward, Upstreams } from './testing.ts'

describe('TO', () => {
  const upstreams = new Upstreams()
  before(() => upstreams.open(2))
  after(() => upstreams.close())

  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forward-'))
  })
  after(() => rm(folder, { recursive: true }))
  const refuses = (text: string, message: RegExp) => assert.rejects(startForward(text), message)

  it('may be a file like resolv.conf', async () => {
    const file = join(folder, 'resolv.conf')
    await writeFile(
      file,
      '# comment\nsearch example.org\nnameserver 127.0.0.1\nnameserver\nnameserver ::1%lo\noptions rotate\n',
    )
    const options = { resolvers: [], isOwn: () => false, warn: () => {} }
    assert.deepEqual(await resolveDestinations([{ kind: 'file', path: file, transport: 'dns' }], options), [
      { transport: 'dns', address: '127.0.0.1', port: 53 },
      { transport: 'dns', address: '::1', port: 53 },
    ])
  })

  it('may be a file whose name could be that of a host, unless it is to be asked over TLS', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      await writeFile('localhost', 'nameserver 192.0.2.1\n')
      const options = { resolvers: [], isOwn: () => false, warn: () => {} }
      const addressOf = async (text: string) => {
        const parsed = await readText(forward, `forward . ${text}`)
        const [target] = await resolveDestinations(parsed.options[0]!.destinations, options)
        return target!.address
      }
      assert.equal(await addressOf('localhost'), '192.0.2.1')
      assert.equal(await addressOf('dns://localhost'), '192.0.2.1')
      assert.notEqual(await addressOf('localhost:53'), '192.0.2.1')
      assert.notEqual(await addressOf('tls://localhost'), '192.0.2.1')
    } finally {
      process.chdir(before)
    }
  })

  it('leaves out of a file what the block itself listens at', async () => {
    const file = join(folder, 'own')
    await writeFile(file, 'nameserver fd00:0::a\nnameserver 169.254.20.10\nnameserver 127.0.0.1\n')
    const listeners = [
      fakeListener({ address: 'fd00::a' }),
      fakeListener({ address: '169.254.20.10' }),
      fakeListener({ address: '127.0.0.1', port: 1053 }),
      fakeListener({ address: '127.0.0.1', transport: 'tls' }),
    ]
    const { context, stop } = await startForward(`forward . ${file}`, listeners)
    assert.deepEqual(context.lines, [
      `[WARNING] plugin/forward: ${file} lists fd00:0::a, which is this server: it is left out`,
      `[WARNING] plugin/forward: ${file} lists 169.254.20.10, which is this server: it is left out`,
    ])
    stop()
    await writeFile(file, 'nameserver 169.254.20.10\n')
    await assert.rejects(startForward(`forward . ${file}`, listeners), /no valid upstream addresses found/)
    const wanted = await startForward('forward . 169.254.20.10', listeners)
    assert.deepEqual(wanted.context.lines, [], 'an address in the Corefile is meant')
    wanted.stop()
  })

  it('must lead to a server', async () => {
    await writeFile(join(folder, 'empty'), 'search example.org\n')
    await refuses(`forward . ${join(folder, 'empty')}`, /no valid upstream addresses found/)
    await refuses(
      `forward . ${join(folder, 'missing')}`,
      /not an IP address, file, or valid domain: ".*missing": ENOENT/,
    )
  })

  it('is taken once for each address and port', async () => {
    await upstreams.with(
      `forward . ${upstreams.first} tls://${upstreams.first} ${upstreams.first} {\n  policy round_robin\n}`,
      async ({ resolve }) => {
        for (let i = 0; i < 3; i++) assert.equal(await resolve('a.example'), '192.0.2.1')
      },
    )
  })

  it('may be a host name, which is looked up at the start', async () => {
    const port = upstreams.servers[0]!.port
    await upstreams.with(`forward . localhost:${port} {\n  policy sequential\n}`, async ({ resolve }) => {
      assert.equal(await resolve('a.example'), '192.0.2.1')
    })
  })

  it('is looked up with the resolvers, in order', async () => {
    const dead = await startFakeServer({ respond: () => {} })
    await dead.close()
    const port = upstreams.servers[1]!.port
    upstreams.reset()
    upstreams.responds[0] = (query) =>
      query.send(toAnswer(query, { addresses: query.wire.at(-3) === 1 ? ['127.0.0.1'] : [] }))
    const text = `forward . dns.example:${port} {\n  resolver 127.0.0.1:${dead.port} ${upstreams.first}\n}`
    const running = await startForward(text)
    assert.equal(await running.resolve('a.example'), '192.0.2.2')
    running.stop()
  })

  it('that does not resolve stops the start', async () => {
    upstreams.reset()
    upstreams.refuse(0, RCODES.NXDOMAIN)
    await refuses(`forward . dns.example {\n  resolver ${upstreams.first}\n}`, /failed to resolve "dns\.example"/)
  })
})
