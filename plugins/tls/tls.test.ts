import assert from 'node:assert/strict'
import { copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import {
  checkDirectives,
  type DirectiveCase,
  defaultSettings,
  fakeContext,
  settle,
  startPlugin,
} from 'corelet/plugin/testing'
import { makeCertificate } from '../../test/kit/certificate.ts'
import { temporaryFolder } from '../../test/kit/folder.ts'
import { Certificate } from './certificate.ts'
import tls from './index.ts'

const folder = temporaryFolder('tls')
before(async () => {
  await Promise.all(['a', 'b'].map((name) => makeCertificate(folder, name)))
})

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(tls, [
    ['tls a.crt a.key'],
    ['tls a.crt a.key b.crt'],
    ...['nocert', 'request', 'require', 'verify_if_given', 'require_and_verify'].map(
      (type): DirectiveCase => [`tls a.crt a.key {\n  client_auth ${type}\n}`],
    ),
    ['tls a.crt a.key {\n  keylog secrets\n}'],
    ['tls', '2:1 wrong-argument-count'],
    ['tls a.crt', '2:5 wrong-argument-count'],
    ['tls a.crt a.key b.crt c.crt', '2:23 wrong-argument-count'],
    ['tls a.crt a.key {\n  client_auth always\n}', '3:15 tls/unknown-client-auth'],
    ['tls a.crt a.key {\n  client_auth\n}', '3:3 wrong-argument-count'],
    ['tls a.crt a.key {\n  keylog\n}', '3:3 wrong-argument-count'],
    ['tls a.crt a.key {\n  ciphers all\n}', '3:3 tls/unknown-option'],
    ['tls {\n  acme example.org\n  email a@example.org\n}', '3:3 tls/no-acme'],
  ])
})

/** Runs the plugin with `folder` as the block's root. */
async function start(text: string) {
  const settings = { ...defaultSettings(), root: folder }
  const context = fakeContext({ plugin: 'tls' })
  Object.assign(context, { block: { ...context.block, settings } })
  const { running } = await startPlugin(tls, text, context)
  return { settings, context, running, shown: () => settings.tls?.current }
}

test('the files are read at the start, from the folder that root names', async () => {
  const { shown, running } = await start('tls a.crt a.key b.crt {\n  client_auth require\n}')
  assert.equal(shown()!.cert, await readFile(join(folder, 'a.crt'), 'utf8'))
  assert.equal(shown()!.key, await readFile(join(folder, 'a.key'), 'utf8'))
  assert.equal(shown()!.ca, await readFile(join(folder, 'b.crt'), 'utf8'))
  assert.equal(shown()!.clientAuth, 'require')
  running.stop!()
})

test('files that are missing, no certificate, or do not belong together stop the start', async () => {
  await assert.rejects(start('tls missing.crt a.key'), /missing\.crt/)
  await assert.rejects(start('tls a.key a.key'), /a\.key and a\.key are no certificate and its key/)
  await assert.rejects(start('tls a.crt b.key'), /a\.crt and b\.key are no certificate and its key/)
})

const use = (name: string, part: 'crt' | 'key') =>
  copyFile(join(folder, `${name}.${part}`), join(folder, `live.${part}`))

test('renewed files are shown; bad ones are told of once and change nothing', async () => {
  await use('a', 'crt')
  await use('a', 'key')
  const context = fakeContext({ plugin: 'tls' })
  Object.assign(context, { block: { ...context.block, settings: { ...defaultSettings(), root: folder } } })
  const shown: Certificate['shown'] = { current: undefined }
  const files = { cert: 'live.crt', key: 'live.key', ca: undefined, clientAuth: 'nocert' } as const
  const certificate = new Certificate(files, shown, undefined, context)
  await certificate.start()
  const first = shown.current!
  await certificate.look()
  assert.equal(shown.current, first, 'unchanged files change nothing')
  await use('b', 'crt')
  await certificate.look()
  await certificate.look()
  assert.equal(shown.current, first)
  assert.equal(context.lines.length, 1)
  assert.match(context.lines[0]!, /^\[ERROR\] plugin\/tls: the certificate stays as it was: live\.crt and live\.key/)
  await use('b', 'key')
  await certificate.look()
  assert.equal(shown.current!.cert, await readFile(join(folder, 'b.crt'), 'utf8'))
  assert.notDeepEqual(shown.current!.ticketKeys, first.ticketKeys)
  assert.equal(context.lines.at(-1), '[INFO] plugin/tls: Reloaded the certificate live.crt')
  await rm(join(folder, 'live.key'))
  await certificate.look()
  assert.match(context.lines.at(-1)!, /stays as it was: .*live\.key/)
  assert.ok(shown.current)
  certificate.stop()
})

test('the files are looked at every 5 seconds until the plugin stops', async () => {
  await use('a', 'crt')
  await use('a', 'key')
  const { shown, context, running } = await start('tls live.crt live.key')
  const first = shown()
  await use('b', 'crt')
  await use('b', 'key')
  await context.clock.advance(5000)
  for (let i = 0; i < 100_000 && shown() === first; i++) await settle()
  assert.notEqual(shown(), first)
  running.stop!()
})

test('the key log is written, with a warning', async () => {
  const { shown, context, running } = await start('tls a.crt a.key {\n  keylog secrets\n}')
  assert.match(context.lines[0]!, /^\[WARNING\] plugin\/tls: keylog is on: whoever reads .*secrets/)
  shown()!.keylog!(Buffer.from('CLIENT_RANDOM 00 00\n'))
  running.stop!()
  const path = join(folder, 'secrets')
  for (let i = 0; i < 100_000 && (await readFile(path, 'utf8').catch(() => '')) === ''; i++) await settle()
  assert.equal(await readFile(path, 'utf8'), 'CLIENT_RANDOM 00 00\n')
})
