import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heedsLeaving } from './heeds-leaving.ts'
import { openUdp } from './udp.ts'

for (const backEnd of ['dgram', 'libc']) {
  test(`${backEnd}: this kernel lets sockets leave a shared port`, async (t) => {
    process.env['CORELET_NET'] = backEnd
    t.after(() => delete process.env['CORELET_NET'])
    assert.equal(await heedsLeaving(), true)
  })
}

test('a kernel that takes no notice is found out', async () => {
  const open: typeof openUdp = async (options) => Object.assign(await openUdp(options), { leave() {} })
  assert.equal(await heedsLeaving(open), false)
})

test('without sockets to try it with, it is taken to be good', async () => {
  assert.equal(await heedsLeaving(() => Promise.reject(new Error('EMFILE'))), true)
})
