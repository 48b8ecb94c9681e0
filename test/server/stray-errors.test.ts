import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { query } from 'corelet/plugin/testing'
import { temporaryFolder } from '../kit/folder.ts'
import { type Cli, killLeftovers, serveCli } from '../kit/process.ts'

const folder = temporaryFolder('stray-errors')
let conf: string
before(() => {
  conf = join(folder, 'Corefile')
  writeFileSync(
    join(folder, 'careless.ts'),
    `export default {
      name: 'careless', summary: 'forgets to wait', directive: { args: [] },
      start: () => (query) => {
        if (query.name === 'timer.') setTimeout(() => { throw new Error('in a timer') })
        if (query.name === 'promise.') Promise.reject(new Error('in a promise'))
        if (query.name === 'nothing.') Promise.reject(Object.create(null))
        if (query.name === 'handler.') throw Object.create(null)
        return query.reply({}, 'careless', 'done')
      },
    }`,
  )
  writeFileSync(join(folder, 'plugin.cfg'), 'debug:debug\ncareless:./careless.ts\n')
})
after(killLeftovers)

async function serve(lines: string): Promise<Cli> {
  writeFileSync(conf, `.:0 {\n${lines}\n}\n`)
  return serveCli(['-conf', conf])
}

const ask = async (cli: Cli, name: string) =>
  (await query({ address: '127.0.0.1', port: cli.port }, name, 'A', { timeout: 500 })).rcode

test('errors that nobody catches are logged, and the server goes on', async () => {
  const cli = await serve('careless')
  assert.equal(await ask(cli, 'timer.'), 0)
  await cli.printed(/\[ERROR\] Recovered from panic outside of queries: in a timer\\nError: in a timer\\n {4}at /)
  assert.equal(await ask(cli, 'promise.'), 0)
  await cli.printed(/outside of queries: in a promise\\n/)
  assert.equal(await ask(cli, 'nothing.'), 0)
  assert.equal(await ask(cli, 'handler.'), 2)
  await cli.printed(/Recovered from panic in server: "dns:\/\/:\d+" an error that has no text\n/)
  assert.equal(await ask(cli, 'example.org.'), 0)
  cli.kill('SIGTERM')
  const { code, stderr } = await cli.ended
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
})

test('with debug they end the process', async () => {
  for (const name of ['timer.', 'promise.', 'handler.']) {
    const cli = await serve('careless\ndebug')
    await ask(cli, name).catch(() => {})
    const { code, stderr } = await cli.ended
    assert.equal(code, 2, name)
    assert.match(stderr, /^panic: /)
  }
})
