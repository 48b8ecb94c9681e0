import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { query } from 'corelet/plugin/testing'
import { exchange, toPacket } from '../../src/server/testing.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { type Cli, killLeftovers, serveCli } from '../kit/process.ts'

const folder = temporaryFolder('signals')
let conf: string
before(() => {
  conf = join(folder, 'Corefile')
  writeFileSync(
    join(folder, 'slow.ts'),
    `export default {
      name: 'slow', summary: 'takes its time', directive: { args: [] },
      start: () => ({
        handler: (query) => new Promise((resolve) => setTimeout(() => resolve(query.reply({}, 'slow', 'late')), 500)),
        drain: () => new Promise((resolve) => setTimeout(resolve, query.lameduck)),
      }),
    }
    const query = { lameduck: Number(process.env.LAMEDUCK ?? 0) }`,
  )
  writeFileSync(
    join(folder, 'stubborn.ts'),
    `export default {
      name: 'stubborn', summary: 'cannot stop', directive: { args: [] },
      start: () => ({ stop() { throw new Error('not me') } }),
    }`,
  )
  writeFileSync(
    join(folder, 'endless.ts'),
    `export default {
      name: 'endless', summary: 'never stops', directive: { args: [] },
      start: () => ({ stop: () => new Promise(() => {}) }),
    }`,
  )
  writeFileSync(
    join(folder, 'plugin.cfg'),
    'endless:./endless.ts\nstubborn:./stubborn.ts\nslow:./slow.ts\nwhoami:whoami\n',
  )
})
after(killLeftovers)

function serve(plugins: string, env: Record<string, string> = {}): Promise<Cli> {
  writeFileSync(conf, `.:0 {\n${plugins}\n}\n`)
  return serveCli(['-conf', conf], { env })
}

const ask = (cli: Cli) => query({ address: '127.0.0.1', port: cli.port }, 'example.org.', 'A')

test('SIGTERM: what is in work is answered first', async () => {
  const cli = await serve('slow')
  const answer = ask(cli)
  await query({ address: '127.0.0.1', port: cli.port }, 'example.org.', 'A', { timeout: 100 }).catch(() => {})
  cli.kill('SIGTERM')
  assert.equal((await answer).rcode, 0)
  assert.equal((await cli.ended).code, 0)
})

test('SIGTERM: all that has reached the socket is answered', async () => {
  const cli = await serve('slow')
  const packets = Array.from({ length: 100 }, (_, id) => toPacket(`n${id}.example`, { id }))
  const answers = exchange(cli.port, packets)
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  cli.kill('SIGTERM')
  assert.equal(new Set((await answers).map((answer) => answer.readUInt16BE())).size, 100)
  assert.equal((await cli.ended).code, 0)
})

test('SIGTERM: queries are answered while plugins drain', async () => {
  const cli = await serve('slow', { LAMEDUCK: '1500' })
  cli.kill('SIGTERM')
  await cli.printed(/SIGTERM: Shutting down/)
  assert.equal((await ask(cli)).rcode, 0)
  assert.equal((await cli.ended).code, 0)
})

test('SIGINT ends it, a second one at once', async () => {
  const first = await serve('whoami')
  first.kill('SIGINT')
  const { code, stdout } = await first.ended
  assert.equal(code, 0)
  assert.match(stdout, /\[INFO\] SIGINT: Shutting down\n$/)

  const second = await serve('slow', { LAMEDUCK: '60000' })
  second.kill('SIGINT')
  await second.printed(/SIGINT: Shutting down/)
  second.kill('SIGINT')
  const forced = await second.ended
  assert.equal(forced.code, 2)
  assert.match(forced.stdout, /\[INFO\] SIGINT: Force quit\n$/)
})

test('a plugin that fails to stop makes the status 4', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const cli = await serve('stubborn\nwhoami')
    cli.kill(signal)
    const { code, stdout } = await cli.ended
    assert.equal(code, 4)
    assert.match(stdout, /\[ERROR\] plugin\/stubborn: not me\n/)
  }
})

test('a plugin that never stops is left behind after five seconds', async () => {
  const cli = await serve('endless\nwhoami')
  cli.kill('SIGTERM')
  const { code, stdout } = await cli.ended
  assert.equal(code, 4)
  assert.match(stdout, /\[ERROR\] plugin\/endless: stop has not ended within 5s: going on without it\n/)
})

test('SIGQUIT ends it at once', async () => {
  const cli = await serve('slow', { LAMEDUCK: '60000' })
  cli.kill('SIGQUIT')
  const { code, stdout } = await cli.ended
  assert.equal(code, 0)
  assert.match(stdout, /\[INFO\] SIGQUIT: Quitting process immediately\n$/)
})

test('SIGHUP and SIGUSR2 change nothing', async () => {
  const cli = await serve('whoami')
  cli.kill('SIGHUP')
  cli.kill('SIGUSR2')
  await cli.printed(/SIGUSR2: Ignored/)
  assert.equal((await ask(cli)).additionals.length, 2)
  cli.kill('SIGTERM')
  assert.equal((await cli.ended).code, 0)
})

test('SIGUSR1 reloads; what is wrong leaves the old configuration in place', async () => {
  const cli = await serve('whoami')
  writeFileSync(conf, '.:0 {\n  whomi\n}\n')
  cli.kill('SIGUSR1')
  await cli.printed(/\[ERROR\] Restart failed: .*Corefile:2 - .*Unknown directive 'whomi'\n/)
  assert.equal((await ask(cli)).additionals.length, 2)
  writeFileSync(conf, '.:0 {\n  slow\n}\n')
  cli.kill('SIGUSR1')
  await cli.printed(/\[INFO\] Reloading complete\n/)
  assert.equal((await ask(cli)).additionals.length, 0)
  cli.kill('SIGTERM')
  const { code, stderr } = await cli.ended
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
})
