import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { killLeftovers, runCli, serveCli } from '../kit/process.ts'

after(killLeftovers)

test('health is 0 while the server answers, without a query that plugins see, and 1 when it has ended', async () => {
  const corefile = '.:0 {\n  bind 127.0.0.1\n  log\n  erratic {\n    drop 1\n  }\n}\n'
  const server = await serveCli(['-conf', 'stdin'], { input: corefile })
  const args = ['health', '127.0.0.1', '--dns-port', String(server.port)]
  assert.deepEqual(await runCli(args), { code: 0, stdout: '', stderr: '' })
  assert.deepEqual(await runCli([...args, '--tcp']), { code: 0, stdout: '', stderr: '' })
  server.kill('SIGTERM')
  const { stdout } = await server.ended
  assert.doesNotMatch(stdout, /INFO.*127\.0\.0\.1:\d+ - /)
  const { code, stderr } = await runCli(args)
  assert.equal(code, 1)
  assert.match(stderr, /^no answer from 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
})

test('with a pidfile health is 1 until the process that writes it serves, whoever answers at the address', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'health-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const pidfile = join(folder, 'corelet.pid')
  const corefile = '.:0 {\n  bind 127.0.0.1\n  whoami\n}\n'
  const other = await serveCli(['-conf', 'stdin'], { input: corefile })
  const ask = (port: number) => runCli(['health', '--dns-port', String(port), '--pidfile', pidfile])
  const none = await ask(other.port)
  assert.equal(none.code, 1)
  assert.match(none.stderr, /^no server has written .*corelet\.pid: .*ENOENT/)
  const server = await serveCli(['-conf', 'stdin', '-pidfile', pidfile], { input: corefile })
  assert.deepEqual(await ask(server.port), { code: 0, stdout: '', stderr: '' })
  server.kill('SIGTERM')
  await server.ended
  for (const left of ['', '0\n', `${server.pid}\n`]) {
    writeFileSync(pidfile, left)
    assert.equal((await ask(other.port)).code, 1, JSON.stringify(left))
  }
})

test('health is 1 when nothing comes, or something else', async () => {
  const mute = createSocket('udp4')
  mute.bind(0, '127.0.0.1')
  await once(mute, 'listening')
  // the query itself, and an answer to another one
  mute.on('message', (packet, { port, address }) => {
    mute.send(packet, port, address)
    const other = Buffer.from(packet)
    other[0]! ^= 1
    other[2]! |= 0x80
    mute.send(other, port, address)
  })
  const { code, stderr } = await runCli(['health', '--dns-port', String(mute.address().port), '--timeout', '200ms'])
  mute.close()
  assert.equal(code, 1)
  assert.match(stderr, /^no answer from 127\.0\.0\.1:\d+\n$/)
})

test('health over TCP, too, is 1 where only UDP is answered', async (context) => {
  const socket = createSocket('udp4')
  context.after(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.on('message', (packet, { port, address }) => {
    packet[2]! |= 0x80
    socket.send(packet, port, address)
  })
  const args = ['health', '--dns-port', String(socket.address().port)]
  assert.equal((await runCli(args)).code, 0)
  const { code, stderr } = await runCli([...args, '--tcp'])
  assert.equal(code, 1)
  assert.match(stderr, /^no answer from 127\.0\.0\.1 over TCP: .*ECONNREFUSED/)
})

for (const args of [['a.example'], ['::1', '::2'], ['--dns-port', '0'], ['--timeout', '0s'], ['--wrong']]) {
  test(`health ${args.join(' ')} is wrong use`, async () => {
    const { code, stderr } = await runCli(['health', ...args])
    assert.equal(code, 2)
    assert.match(stderr, /\nUsage: corelet health /)
  })
}
