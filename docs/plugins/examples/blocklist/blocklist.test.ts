import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { keyOf, RCODES } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  findFences,
  startPlugin,
  startServer,
  toLines,
  toQuery,
} from 'corelet/plugin/testing'
import plugin from './index.ts'
import { isListed, readNames } from './names.ts'

const folder = import.meta.dirname
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
let files: string
before(() => {
  files = mkdtempSync(join(tmpdir(), 'blocklist-'))
})
after(() => rmSync(files, { recursive: true }))

/** Writes a list as a job should: beside it, then into place. */
function writeList(text: string): string {
  const path = join(files, 'list')
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
  return path
}

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(plugin, [
    ['blocklist list'],
    ['blocklist list {\n answer zero\n reload 1m\n allow example.org example.net\n}'],
    ['blocklist', '2:1 wrong-argument-count'],
    ['blocklist a b', '2:13 wrong-argument-count'],
    ['blocklist list {\n answer nothing\n}', '3:9 bad-choice'],
    ['blocklist list {\n reload 1ms\n}', '3:9 out-of-range'],
    ['blocklist list {\n reload often\n}', '3:9 bad-duration'],
    ['blocklist list {\n allow a..b\n}', '3:8 bad-zone'],
    ['blocklist list {\n allow\n}', '3:2 wrong-argument-count'],
  ])
})

test('lists of all kinds are read, and what is no name is counted', () => {
  const list = '# x\n! y\n\nA.example\n0.0.0.0 b.example # z\n||c.example^\n.\na..b\n'
  const { names, unread } = readNames(list)
  assert.deepEqual([...names], ['a.example', 'b.example', 'c.example'].map(keyOf))
  assert.equal(unread, 1)
  for (const name of ['a.example', 'x.A.example', 'x.y.c.example']) assert.ok(isListed(keyOf(name), names), name)
  for (const name of ['example', 'xa.example', '.']) assert.ok(!isListed(keyOf(name), names), name)
})

test('listed names are denied with a SOA, the others asked on', async () => {
  const { askNow, context, running } = await startPlugin(plugin, `blocklist ${writeList('bad.test\n')}`)
  const next = answering({ rcode: RCODES.REFUSED })
  const reply = askNow(toQuery('x.bad.test', 'A'), next)
  assert.equal(reply.rcode, RCODES.NXDOMAIN)
  assert.deepEqual(toLines(reply.authorities), ['x.bad.test. 60 IN SOA blocklist. . 1 0 0 0 60'])
  assert.equal(askNow(toQuery('good.test', 'A'), next).rcode, RCODES.REFUSED)
  assert.equal(context.metrics.value('corelet_blocklist_denied_total'), 1)
  assert.equal(context.metrics.value('corelet_blocklist_entries'), 1)
  await running.stop!()
  assert.equal(context.clock.pending, 0)
})

test('answer zero gives addresses that lead nowhere, and allow lets names through', async () => {
  const { askNow } = await startPlugin(
    plugin,
    `blocklist ${writeList('bad.test\n')} {\n answer zero\n allow ok.bad.test\n}`,
  )
  const next = answering({ rcode: RCODES.REFUSED })
  const lines = (type: string) => toLines(askNow(toQuery('bad.test', type), next).answers)
  assert.deepEqual(
    [lines('A'), lines('AAAA'), lines('MX')],
    [['bad.test. 60 IN A 0.0.0.0'], ['bad.test. 60 IN AAAA ::'], []],
  )
  assert.equal(askNow(toQuery('ok.bad.test', 'A'), next).rcode, RCODES.REFUSED)
})

test('a changed list counts when it was looked at; one that is gone leaves the names as they are', async () => {
  const path = writeList('one.test\n')
  const { askNow, context } = await startPlugin(plugin, `blocklist ${path} {\n reload 1s\n}`)
  const denies = (name: string) => askNow(toQuery(name), answering({})).rcode === RCODES.NXDOMAIN
  const until = async (isSo: () => boolean) => {
    for (let i = 0; i < 500 && !isSo(); i++) await context.clock.advance(1000)
    assert.ok(isSo(), context.lines.join('\n'))
  }
  writeList('two.test\nthree.test\n')
  await until(() => denies('two.test'))
  assert.equal(denies('one.test'), false)
  rmSync(path)
  await until(() => context.lines.some((line) => line.includes('the list stays as it is: ENOENT')))
  assert.equal(denies('two.test'), true)
})

test('without its list it does not start', async () => {
  await assert.rejects(startPlugin(plugin, 'blocklist /no/such/list'), /ENOENT/)
})

for (const { line, text } of [...findFences(read('README.md'), 'corefile'), { line: 0, text: read('Corefile') }]) {
  test(`the Corefile in ${line === 0 ? 'Corefile' : `README.md:${line}`} denies`, async () => {
    await using server = await startServer(text, { folder })
    const { rcode, answers } = await server.query('www.ads.example.com', 'A')
    assert.ok(rcode === RCODES.NXDOMAIN || toLines(answers)[0]?.endsWith('0.0.0.0'))
    assert.equal((await server.query('example.com', 'A')).rcode, RCODES.NOERROR)
  })
}
