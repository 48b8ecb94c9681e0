import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startServer } from 'corelet/plugin/testing'
import { listFences } from '../kit/sources.ts'

test('the plugin in CONTRIBUTING.md works, listed as CONTRIBUTING.md lists it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'contributing-'))
  try {
    const [plugin] = listFences('CONTRIBUTING.md', 'ts')
    const list = listFences('CONTRIBUTING.md', '').find(({ text }) => text.includes('example:./example.ts'))
    await writeFile(join(folder, 'example.ts'), plugin!.text)
    await writeFile(join(folder, 'plugin.cfg'), list!.text)
    const corefile = (wait: string) => `. {\n  bind 127.0.0.1\n  errors\n  example {\n    wait ${wait}\n  }\n}\n`
    const server = await startServer(corefile('1h'), { folder })
    try {
      assert.equal((await server.query('example.org', 'A')).rcode, 5)
      assert.deepEqual(await server.reload(corefile('0s')), { ok: true })
      assert.equal((await server.query('example.org', 'A')).rcode, 2)
      assert.match(await server.logged(/no next plugin/), /plugin\/example: no next plugin found/)
      assert.equal((await server.reload(corefile('-1s'))).ok, false)
      assert.equal((await server.query('example.org', 'A')).rcode, 2)
    } finally {
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
