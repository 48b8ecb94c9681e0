import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLASSES, RCODES } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  fakeContext,
  type NextLike,
  readText,
  startPlugin,
  toQuery,
} from 'corelet/plugin/testing'
import log from './index.ts'

const A = { name: 'example.org.', type: 'A', class: 'IN', ttl: 60, data: '192.0.2.1' } as const
const SOA = {
  name: 'example.org.',
  type: 'SOA',
  class: 'IN',
  ttl: 60,
  data: { mname: 'ns.', rname: 'me.', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 },
} as const

const success = answering({ answers: [A] })
const nodata = answering({ authorities: [SOA] })
const nxdomain = answering({ rcode: RCODES.NXDOMAIN, authorities: [SOA] })
const servfail = answering({ rcode: RCODES.SERVFAIL })
const failure: NextLike = (query) => query.fail(RCODES.REFUSED, 'acl', 'blocked')
const silence: NextLike = (query) => query.drop('acl', 'dropped')

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(log, [
    ['log'],
    ['log {\n}'],
    ['log example.org'],
    ['log example.org example.net.'],
    ['log . "{remote} {name}"'],
    ['log example.org example.net {combined}'],
    ['log {\n class success\n}'],
    ['log . {common} {\n class success denial\n class error\n}'],
    ['log {\n class all\n}'],
    ['log\nlog example.org'],
    ['log {\n class\n}', '3:2 wrong-argument-count'],
    ['log {\n class failure\n}', '3:8 log/invalid-class'],
    ['log {\n class success Denial\n}', '3:16 log/invalid-class'],
    ['log {\n classes success\n}', '3:2 unknown-property'],
    ['log {combined}', '2:5 log/never-matches'],
    ['log example.org a..b', '2:17 log/never-matches'],
    ['log {common} example.org', '2:5 log/never-matches'],
  ])
})

test('what CoreDNS takes for a name that never matches is a warning', async () => {
  const { options, diagnostics } = await readText(log, 'log {combined}')
  assert.equal(diagnostics[0]?.severity, 'warning')
  assert.equal(options.length, 1)
})

/** The lines that are logged for one query. */
async function linesFor(text: string, query = toQuery('example.org'), next: NextLike = success): Promise<string[]> {
  const context = fakeContext({ plugin: 'log' })
  const { askNow } = await startPlugin(log, text, context)
  await context.clock.advance(1.5)
  askNow(query, next)
  return context.lines
}

/** What a format makes of one query. */
async function formatted(format: string, query = toQuery('example.org'), next: NextLike = success): Promise<string> {
  const [line] = await linesFor(`log . "${format.replaceAll('"', '\\"')}"`, query, next)
  return line!.replace('[INFO] ', '')
}

test('the common format has no prefix', async () => {
  assert.deepEqual(await linesFor('log'), [
    '[INFO] 192.0.2.53:40212 - 4711 "A IN example.org. udp 29 false 512" NOERROR qr,rd 56 0.0015s',
  ])
})

test('the combined format adds the opcode', async () => {
  const query = toQuery('Example.org', 'AAAA', { proto: 'tcp', dnssecOk: true })
  assert.deepEqual(await linesFor('log . {combined}', query, nxdomain), [
    `[INFO] 192.0.2.53:40212 - 4711 "AAAA IN example.org. tcp 40 true 65535" NXDOMAIN qr,rd ${29 + 13 + 10 + 28} 0.0015s "0"`,
  ])
})

test('promises are waited for, other answers are not', async () => {
  const { ask, askNow, context } = await startPlugin(log, 'log . {rcode}')
  const query = toQuery('example.org')
  const reply = query.reply({}, 'test', '')
  assert.equal(
    askNow(query, () => reply),
    reply,
  )
  assert.equal(await ask(query, async () => reply), reply)
  assert.deepEqual(context.lines, ['[INFO] NOERROR', '[INFO] NOERROR'])
})

test('each placeholder', async () => {
  const ipv6 = toQuery('Example.ORG', 'TYPE65280', {
    client: { address: '2001:db8::1', port: 5353 },
    udpSize: 1400,
    qclass: CLASSES.CH,
    flags: 0x10,
  })
  const cases: [placeholder: string, expected: string][] = [
    ['{type}', 'TYPE65280'],
    ['{class}', 'CH'],
    ['{name}', 'example.org.'],
    ['{proto}', 'udp'],
    ['{size}', '40'],
    ['{remote}', '[2001:db8::1]'],
    ['{local}', '127.0.0.1'],
    ['{port}', '5353'],
    ['{rcode}', 'NOERROR'],
    ['{rsize}', '56'],
    ['{duration}', '0.0015s'],
    ['{>id}', '4711'],
    ['{>opcode}', '0'],
    ['{>do}', 'false'],
    ['{>bufsize}', '1400'],
    ['{>rflags}', 'qr,rd,cd'],
  ]
  for (const [placeholder, expected] of cases) assert.equal(await formatted(placeholder, ipv6), expected, placeholder)
  assert.equal(await formatted('{>bufsize}', toQuery('example.org', 'A', { udpSize: 100 })), '512')
})

test('text around placeholders stays, unknown ones too', async () => {
  const cases: [format: string, expected: string][] = [
    ['a{b', 'a{b'],
    ['{name', '{name'],
    ['name} {rcode}', 'name} NOERROR'],
    ['{nope} {rcode}', '{nope} NOERROR'],
    ['{{rcode}}', '{NOERROR}'],
    ['{a{rcode}', '{aNOERROR'],
    ['{} {rcode}!', '{} NOERROR!'],
    ['{constructor} {__proto__}', '{constructor} {__proto__}'],
    ['{proto}{type}', 'udpA'],
  ]
  for (const [format, expected] of cases) assert.equal(await formatted(format), expected, format)
})

test('flags are listed in the order of the header', async () => {
  const all: NextLike = (query) => query.reply({}, 'test', '').copy({ flags: 0x87f0 })
  assert.equal(await formatted('{>rflags}', undefined, all), 'qr,aa,tc,rd,ra,z,ad,cd')
})

test('durations are the shortest decimal of seconds', async () => {
  const context = fakeContext({ plugin: 'log' })
  const { askNow } = await startPlugin(log, 'log . {duration}', context)
  for (const milliseconds of [0, 0.000001, 0.123456, 1000, 61_500]) {
    askNow(toQuery('example.org', 'A', { received: -milliseconds }), success)
  }
  assert.deepEqual(
    context.lines.map((line) => line.slice(7)),
    ['0s', '0.000000001s', '0.000123456s', '1s', '61.5s'],
  )
})

test('rcodes without a name are numbers; failures have theirs, silence has none', async () => {
  const format = '{rcode} {>rflags} {rsize}'
  assert.equal(await formatted(format, undefined, answering({ rcode: 14 })), '14 qr,rd 29')
  assert.equal(await formatted(format, undefined, answering({ rcode: 16 })), 'BADSIG qr,rd 29')
  assert.equal(await formatted(format, undefined, failure), 'REFUSED qr,rd 29')
  assert.equal(await formatted(format, undefined, silence), '- - 0')
})

test('metadata is shown by its label', async () => {
  const query = toQuery('example.org')
  query.setMetadata('forward/upstream', () => '192.0.2.1:53')
  query.setMetadata('empty/label', () => '')
  const format = '{/forward/upstream} {/empty/label} {/no/label} {/log/type} {/log/class}'
  assert.equal(await formatted(format, query, nxdomain), '192.0.2.1:53 - - NXDOMAIN denial')
})

test('metadata of the class is published for every query, logged or not', async () => {
  const { askNow } = await startPlugin(log, 'log example.net')
  const cases: [NextLike, string, string][] = [
    [success, 'NOERROR', 'success'],
    [nodata, 'NODATA', 'denial'],
    [nxdomain, 'NXDOMAIN', 'denial'],
    [servfail, 'SERVERERROR', 'error'],
    [failure, 'OTHERERROR', 'error'],
  ]
  for (const [next, type, kind] of cases) {
    const query = toQuery('example.org')
    askNow(query, next)
    assert.deepEqual([query.metadata('log/type'), query.metadata('log/class')], [type, kind])
  }
})

test('classes choose what is logged', async () => {
  const answers = { success, nodata, nxdomain, servfail, failure, silence }
  const logged = async (classes: string) => {
    const names: string[] = []
    for (const [name, next] of Object.entries(answers)) {
      if ((await linesFor(`log {\n ${classes}\n}`, undefined, next)).length > 0) names.push(name)
    }
    return names.join(' ')
  }
  assert.equal(await logged('class success'), 'success')
  assert.equal(await logged('class denial'), 'nodata nxdomain')
  assert.equal(await logged('class error'), 'servfail failure silence')
  assert.equal(await logged('class success\n class error'), 'success servfail failure silence')
  assert.equal(await logged('class denial all'), 'success nodata nxdomain servfail failure silence')
})

test('the first rule whose name fits decides alone', async () => {
  const { askNow, context } = await startPlugin(
    log,
    'log www.example.org "www {name}" {\n class error\n}\nlog example.org example.net "rest {name}"',
  )
  for (const name of ['www.example.org', 'Example.ORG', 'a.example.net', 'notexample.org', 'example.com']) {
    askNow(toQuery(name), success)
  }
  assert.deepEqual(context.lines, ['[INFO] rest example.org.', '[INFO] rest a.example.net.'])
})

test('a crafted name stays one word', async () => {
  assert.equal(await formatted('{name}', toQuery('a\\010b\\032\\"c.example.org')), 'a\\010b\\032\\"c.example.org.')
})
