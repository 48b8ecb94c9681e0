import assert from 'node:assert/strict'
import { rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { answering, checkDirectives, fakeContext, readText, startPlugin, toQuery } from 'corelet/plugin/testing'
import { temporaryFolder } from '../../test/kit/folder.ts'
import hosts from './index.ts'
import type { HostsOptions } from './options.ts'

const folder = temporaryFolder('hosts')

async function write(name: string, text: string, modified = 1_700_000_000): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  await utimes(path, modified, modified)
  return path
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000 && !holds(); i++) await setImmediate()
  assert.ok(holds(), 'did not come true')
}

const BASIC = `
127.0.0.1   localhost localhost.localdomain   # the machine
::1         localhost
10.0.0.1    Example.ORG
10.0.0.2    example.org
fe80::1%lo0 link.example.org
::ffff:10.0.0.9 mapped.example.org
10.1.2.3    *.wild.example.org
10.1.2.4    exact.wild.example.org
10.9.9.9
not.an.ip   broken.example.org
`

const elsewhere = answering({ rcode: 3 })

async function start(text: string, zones = ['.']) {
  return startPlugin(hosts, text, fakeContext({ plugin: 'hosts', zones }))
}

function data(reply: { answers: readonly { data: unknown }[] }): unknown[] {
  return reply.answers.map((answer) => answer.data)
}

test('the directive is read as CoreDNS reads it', async () => {
  const { options, diagnostics } = await readText(hosts, 'hosts')
  assert.deepEqual(diagnostics, [])
  const [first] = options
  assert.equal(first!.path, '/etc/hosts')
  assert.equal(first!.ttl, 3600)
  assert.equal(first!.reload, 5000)
  assert.equal(first!.makesReverse, true)
  assert.equal(first!.fallthrough, undefined)
  assert.deepEqual(first!.zones.toArray(), ['.'])
})

test('every option, well written', async () => {
  const cases: [text: string, check: (options: HostsOptions) => void][] = [
    ['hosts', (o) => assert.deepEqual(o.zones.toArray(), ['example.net.'])],
    [
      'hosts some.hosts Example.ORG 10.0.0.0/8',
      (o) => assert.deepEqual(o.zones.toArray().sort(), ['10.in-addr.arpa.', 'example.org.']),
    ],
    ['hosts some.hosts', (o) => assert.equal(o.path, 'some.hosts')],
    ['hosts {\n ttl 1\n}', (o) => assert.equal(o.ttl, 1)],
    ['hosts {\n ttl 65535 and more\n}', (o) => assert.equal(o.ttl, 65_535)],
    ['hosts {\n ttl 5\n ttl 6\n}', (o) => assert.equal(o.ttl, 6)],
    ['hosts {\n no_reverse\n}', (o) => assert.equal(o.makesReverse, false)],
    ['hosts {\n reload 0\n}', (o) => assert.equal(o.reload, 0)],
    ['hosts {\n reload 1m30s\n}', (o) => assert.equal(o.reload, 90_000)],
    ['hosts {\n fallthrough\n}', (o) => assert.deepEqual(o.fallthrough!.toArray(), ['.'])],
    ['hosts {\n fallthrough a.org b.org\n}', (o) => assert.deepEqual(o.fallthrough!.toArray(), ['a.org.', 'b.org.'])],
    ['hosts {\n fallthrough\n fallthrough_unsupported\n}', (o) => assert.equal(o.fallthroughUnsupported, true)],
    ['hosts {\n 10.0.0.1 a b\n ttl 5\n ::1 c\n}', (o) => assert.deepEqual(o.inline, ['10.0.0.1 a b', '::1 c'])],
  ]
  for (const [text, check] of cases) {
    const { options, diagnostics } = await readText(hosts, text, ['example.net.'])
    assert.deepEqual(diagnostics, [], text)
    check(options[0]!)
  }
})

test('every option, badly written', async () => {
  await checkDirectives(hosts, [
    ['hosts {\n ttl\n}', '3:2 hosts/ttl-missing: ttl needs a time in second'],
    ['hosts {\n ttl 60s\n}', '3:6 hosts/ttl-not-a-number: ttl needs a number of second'],
    ['hosts {\n ttl 0\n}', '3:6 hosts/ttl-out-of-range: ttl provided is invalid'],
    ['hosts {\n ttl -5\n}', '3:6 hosts/ttl-out-of-range: ttl provided is invalid'],
    ['hosts {\n ttl 65536\n}', '3:6 hosts/ttl-out-of-range: ttl provided is invalid'],
    ['hosts {\n reload\n}', '3:2 hosts/reload-arguments: reload needs a duration (zero seconds to disable)'],
    ['hosts {\n reload 5s 6s\n}', '3:2 hosts/reload-arguments: reload needs a duration'],
    ['hosts {\n reload 5\n}', "3:9 hosts/reload-invalid: invalid duration for reload '5'"],
    ['hosts {\n reload -1s\n}', "3:9 hosts/reload-negative: invalid negative duration for reload '-1s'"],
    [
      'hosts {\n no_reverse yes\n}',
      "3:13 wrong-argument-count: Wrong argument count or unexpected line ending after 'yes'",
    ],
    ['hosts {\n fallthrough a..b\n}', "3:14 bad-zone: unable to normalize 'a..b'"],
    [
      'hosts {\n fallthrough_unsupported\n}',
      '3:2 hosts/needs-fallthrough: fallthrough_unsupported requires fallthrough',
    ],
    [
      'hosts {\n fallthrough\n fallthrough_unsupported x\n}',
      "4:26 wrong-argument-count: Wrong argument count or unexpected line ending after 'x'",
    ],
    ['hosts {\n fallthrough\n 10.0.0.1 late\n}', "4:2 unknown-property: unknown property '10.0.0.1'"],
    ['hosts {\n fallthrough\n tll 5\n}', "4:2 unknown-property: unknown property 'tll'"],
    [
      'hosts {\n 10.0.0.1 a {\n  b\n }\n}',
      "3:2 unexpected-block: Wrong argument count or unexpected line ending after '{'",
    ],
    ['hosts a a..b', "2:9 bad-zone: unable to normalize 'a..b'"],
    ['hosts\nhosts', '3:1 once-per-block: this plugin can only be used once per Server Block'],
  ])
})

test('a slip among the entries is a warning that names the option, and the rest is used', async () => {
  const { options, diagnostics } = await readText(hosts, 'hosts {\n tll 5\n 10.0.0.1\n 10.0.0.2 a\n}')
  assert.deepEqual(
    diagnostics.map(({ code, severity, line, hint }) => [code, severity, line, hint?.slice(0, 17)]),
    [
      ['hosts/not-an-entry', 'warning', 3, 'did you mean ttl?'],
      ['hosts/not-an-entry', 'warning', 4, 'it takes: ttl, no'],
    ],
  )
  assert.equal(options.length, 1)
})

test('addresses of a name come in the order of the file, with AA, the TTL and a lower-case owner', async () => {
  const started = await start(`hosts ${await write('basic', BASIC)} {\n ttl 42\n}`)
  const reply = started.askNow(toQuery('EXAMPLE.org', 'A'))
  assert.deepEqual(data(reply), ['10.0.0.1', '10.0.0.2'])
  assert.equal(reply.kind, 'answer')
  assert.equal(reply.rcode, 0)
  assert.ok(reply.flags & 0x0400)
  assert.deepEqual(
    reply.answers.map(({ name, ttl, class: klass }) => [name, ttl, klass]),
    [
      ['example.org.', 42, 'IN'],
      ['example.org.', 42, 'IN'],
    ],
  )
  assert.deepEqual(reply.authorities, [])
  started.running.stop?.()
})

test('both families, mapped addresses, zone ids, comments and lines that are no entries', async () => {
  const started = await start(`hosts ${await write('basic', BASIC)}`)
  const cases: [name: string, type: string, data: string[]][] = [
    ['localhost.', 'A', ['127.0.0.1']],
    ['localhost.', 'AAAA', ['::1']],
    ['localhost.localdomain.', 'A', ['127.0.0.1']],
    ['link.example.org.', 'AAAA', ['fe80::1']],
    ['mapped.example.org.', 'A', ['10.0.0.9']],
    ['mapped.example.org.', 'AAAA', []],
    ['example.org.', 'AAAA', []],
    ['example.org.', 'MX', []],
    ['1.0.0.127.in-addr.arpa.', 'PTR', ['localhost.', 'localhost.localdomain.']],
    ['9.0.0.10.in-addr.arpa.', 'PTR', ['mapped.example.org.']],
    [`1.${'0.'.repeat(31)}ip6.arpa.`, 'PTR', ['localhost.']],
    [`1.${'0.'.repeat(28)}8.E.F.ip6.arpa.`, 'PTR', ['link.example.org.']],
  ]
  for (const [name, type, expected] of cases) {
    const reply = started.askNow(toQuery(name, type))
    assert.deepEqual(data(reply), expected, `${name} ${type}`)
    assert.equal(reply.rcode, 0)
    assert.ok(reply.flags & 0x0400)
    assert.deepEqual(reply.authorities, [])
  }
  for (const name of ['the.', 'machine.', 'broken.example.org.']) {
    assert.equal(started.askNow(toQuery(name)).kind, 'failure', name)
  }
  started.running.stop?.()
})

test('a wildcard stands for one label, hides behind exact names and makes no PTR', async () => {
  const started = await start(`hosts ${await write('basic', BASIC)}`)
  assert.deepEqual(data(started.askNow(toQuery('any.wild.example.org'))), ['10.1.2.3'])
  assert.equal(started.askNow(toQuery('any.wild.example.org')).answers[0]!.name, 'any.wild.example.org.')
  assert.deepEqual(data(started.askNow(toQuery('exact.wild.example.org'))), ['10.1.2.4'])
  assert.deepEqual(data(started.askNow(toQuery('any.wild.example.org', 'AAAA'))), [])
  assert.equal(started.askNow(toQuery('a.b.wild.example.org')).kind, 'failure')
  assert.equal(started.askNow(toQuery('wild.example.org')).kind, 'failure')
  assert.equal(started.askNow(toQuery('3.2.1.10.in-addr.arpa', 'PTR'), elsewhere).rcode, 3)
  started.running.stop?.()
})

test("the file's entries come before those of the Corefile; doubles are left out", async () => {
  const started = await start(
    `hosts ${await write('basic', BASIC)} {\n 10.0.0.3 example.org\n 10.0.0.1 example.org other.org\n 10.7.7.7 *.wild.example.org\n}`,
  )
  assert.deepEqual(data(started.askNow(toQuery('example.org'))), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  assert.deepEqual(data(started.askNow(toQuery('1.0.0.10.in-addr.arpa', 'PTR'))), ['example.org.', 'other.org.'])
  assert.deepEqual(data(started.askNow(toQuery('exact.wild.example.org'))), ['10.1.2.4', '10.7.7.7'])
  started.running.stop?.()
})

test('a name without an entry is SERVFAIL without a logged error, or goes on with fallthrough', async () => {
  const path = await write('basic', BASIC)
  const strict = await start(`hosts ${path}`)
  const reply = strict.askNow(toQuery('absent.example.org'))
  assert.deepEqual([reply.kind, reply.rcode, reply.error, reply.reason], ['failure', 2, undefined, 'no entry'])
  strict.running.stop?.()
  const open = await start(`hosts ${path} {\n fallthrough example.org\n}`)
  assert.equal(open.askNow(toQuery('absent.example.org'), elsewhere).rcode, 3)
  assert.equal(open.askNow(toQuery('absent.example.net'), elsewhere).rcode, 2)
  assert.equal(open.askNow(toQuery('example.org', 'MX'), elsewhere).rcode, 0)
  open.running.stop?.()
})

test('fallthrough_unsupported passes on other types of names that exist', async () => {
  const started = await start(
    `hosts ${await write('basic', BASIC)} {\n fallthrough example.org\n fallthrough_unsupported\n}`,
  )
  assert.equal(started.askNow(toQuery('example.org', 'MX'), elsewhere).rcode, 3)
  assert.equal(started.askNow(toQuery('localhost', 'MX'), elsewhere).rcode, 0)
  assert.equal(started.askNow(toQuery('example.org', 'AAAA'), elsewhere).rcode, 0)
  started.running.stop?.()
})

test('zones limit names, not PTR queries', async () => {
  const started = await start(`hosts ${await write('basic', BASIC)} example.org`)
  assert.equal(started.askNow(toQuery('localhost'), elsewhere).rcode, 3)
  assert.deepEqual(data(started.askNow(toQuery('1.0.0.10.in-addr.arpa', 'PTR'))), ['example.org.'])
  assert.equal(started.askNow(toQuery('1.0.0.127.in-addr.arpa', 'PTR'), elsewhere).rcode, 3)
  started.running.stop?.()
})

test('no_reverse leaves PTR queries to the next plugin', async () => {
  const started = await start(`hosts ${await write('basic', BASIC)} {\n no_reverse\n}`)
  assert.equal(started.askNow(toQuery('1.0.0.10.in-addr.arpa', 'PTR'), elsewhere).rcode, 3)
  assert.deepEqual(data(started.askNow(toQuery('example.org'))), ['10.0.0.1', '10.0.0.2'])
  started.running.stop?.()
})

test('the file is read again when its time or size changed, and kept when it disappears', async () => {
  const path = await write('changing', '10.0.0.1 a')
  const started = await start(`hosts ${path} {\n 10.0.0.9 inline\n reload 2s\n}`)
  const { context } = started
  const addresses = () => data(started.askNow(toQuery('a')))
  assert.deepEqual(addresses(), ['10.0.0.1'])
  assert.equal(context.metrics.value('coredns_hosts_entries', path), 4)
  assert.equal(context.metrics.value('coredns_hosts_reload_timestamp_seconds'), 1_700_000_000)

  await write('changing', '10.0.0.2 a')
  await context.clock.advance(2000)
  for (let i = 0; i < 100; i++) await setImmediate()
  assert.deepEqual(addresses(), ['10.0.0.1'], 'same time and size')

  await write('changing', '10.0.0.3 a', 1_700_000_001)
  await context.clock.advance(1999)
  assert.deepEqual(addresses(), ['10.0.0.1'], 'not before its time')
  await context.clock.advance(1)
  await eventually(() => addresses()[0] === '10.0.0.3')
  assert.equal(context.metrics.value('coredns_hosts_reload_timestamp_seconds'), 1_700_000_001)

  await write('changing', '10.0.0.4 a b', 1_700_000_001)
  await context.clock.advance(2000)
  await eventually(() => addresses()[0] === '10.0.0.4')
  assert.equal(context.metrics.value('coredns_hosts_entries', path), 6)

  await rm(path)
  for (let i = 0; i < 3; i++) {
    await context.clock.advance(2000)
    await eventually(() => context.lines.some((line) => line.includes('keeping the entries')))
  }
  assert.deepEqual(addresses(), ['10.0.0.4'])
  assert.equal(context.lines.filter((line) => line.startsWith('[WARNING]')).length, 1)

  await write('changing', '10.0.0.5 a', 1_700_000_002)
  await context.clock.advance(2000)
  await eventually(() => addresses()[0] === '10.0.0.5')
  started.running.stop?.()
  assert.equal(context.clock.pending, 0)
})

test('what is being read when the plugin stops is not used', async () => {
  const path = await write('stopping', '10.0.0.1 a')
  const { context, running } = await start(`hosts ${path}`)
  await write('stopping', '10.0.0.1 a b c\n'.repeat(100_000))
  await context.clock.advance(5000)
  running.stop?.()
  const second = await start(`hosts ${path}`)
  second.running.stop?.()
  assert.equal(second.context.metrics.value('coredns_hosts_entries', path), 6)
  assert.equal(context.metrics.value('coredns_hosts_entries', path), 2)
})

test('reload 0 never looks again', async () => {
  const started = await start(`hosts ${await write('once', '10.0.0.1 a')} {\n reload 0s\n}`)
  assert.equal(started.context.clock.pending, 0)
})

test('a missing file is a warning, its entries appear with the file', async () => {
  const path = join(folder, 'late')
  const started = await start(`hosts ${path} {\n 10.0.0.9 inline\n}`)
  assert.deepEqual(started.context.lines, [`[WARNING] plugin/hosts: File does not exist: ${path}`])
  assert.deepEqual(data(started.askNow(toQuery('inline'))), ['10.0.0.9'])
  assert.equal(started.context.metrics.value('coredns_hosts_entries', path), undefined)
  await write('late', '10.0.0.1 a')
  await started.context.clock.advance(5000)
  await eventually(() => started.askNow(toQuery('a')).kind === 'answer')
  started.running.stop?.()
})

test('a directory is a warning, a path through a file an error', async () => {
  const started = await start(`hosts ${folder}`)
  assert.deepEqual(started.context.lines, [`[WARNING] plugin/hosts: Hosts file "${folder}" is a directory`])
  started.running.stop?.()
  const path = join(await write('plain', ''), 'below')
  await assert.rejects(start(`hosts ${path}`), new RegExp(`unable to access hosts file '${path}'`))
})

test('/dev/null means no file, without a warning', async () => {
  const started = await start('hosts /dev/null {\n 10.0.0.9 inline\n}')
  assert.deepEqual(started.context.lines, [])
  assert.deepEqual(data(started.askNow(toQuery('inline'))), ['10.0.0.9'])
  started.running.stop?.()
})

test('relative paths start from the root of the block', async () => {
  await write('relative', '10.0.0.1 a')
  const context = fakeContext({ plugin: 'hosts' })
  const block = { ...context.block, settings: { ...context.block.settings, root: folder } }
  const started = await startPlugin(hosts, 'hosts relative', { ...context, block })
  assert.deepEqual(data(started.askNow(toQuery('a'))), ['10.0.0.1'])
  started.running.stop?.()
})

test('a block list of many names with one address is read in a bounded way', async () => {
  const long = `${'a'.repeat(63)}.`.repeat(3)
  const lines = Array.from({ length: 20_000 }, (_, i) => `0.0.0.0 ads${i}.${i < 1000 ? long : ''}example.org`).join(
    '\n',
  )
  const path = await write('many', lines)
  const started = await start(`hosts ${path}`)
  assert.deepEqual(data(started.askNow(toQuery('ads19999.example.org'))), ['0.0.0.0'])
  assert.equal(started.askNow(toQuery('0.0.0.0.in-addr.arpa', 'PTR')).answers.length, 240)
  assert.equal(started.context.metrics.value('coredns_hosts_entries', path), 40_000)
  started.running.stop?.()
})
