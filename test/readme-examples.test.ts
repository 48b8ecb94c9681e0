/** The examples in the READMEs of plugins do what the sentences above them say. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock, settle, startServer, startUpstream, toLines } from 'corelet/plugin/testing'
import { AA, OPTIONS } from '../src/dns/constants.ts'
import { type Answer, example, none, ordinary, unknown, waitFor } from './kit/readme-example.ts'
import { listFences } from './kit/sources.ts'

example('aaaa-filter', 'a cluster without IPv6', {}, async ({ ask }) => {
  assert.equal(await ask('www.example.', 'AAAA'), 'NOERROR')
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.0')
})

const onlySix: Answer = (question) =>
  question.name.startsWith('six.') && question.type === 'A' ? none : ordinary('5300')(question)
for (const [net, www] of [
  ['127.0.0.0/8', 'NOERROR'],
  ['10.0.0.0/8', 'NOERROR 2001:db8::'],
] as const) {
  const parts = { nth: 1, words: { '10.0.0.0/8': net }, upstreams: { 5300: onlySix } }
  example('aaaa-filter', `clients of ${net}`, parts, async ({ ask }) => {
    assert.equal(await ask('www.example.', 'AAAA'), www)
    assert.equal(await ask('six.example.', 'AAAA'), 'NOERROR 2001:db8::')
    assert.equal(await ask('www.v6.example.org.', 'AAAA'), 'NOERROR 2001:db8::')
  })
}

example('aaaa-filter', 'two filters', { nth: 2, upstreams: { 5300: onlySix } }, async ({ server, ask }) => {
  const { answers, authorities } = await server.query('six.example.', 'AAAA')
  assert.deepEqual([answers, authorities[0]?.ttl], [[], 300])
  assert.equal(await ask('six.cluster.local.', 'AAAA'), 'NOERROR 2001:db8::')
  assert.equal(await ask('www.cluster.local.', 'AAAA'), 'NOERROR')
})

example('acl', 'the own network', {}, async ({ ask }) => {
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.0')
})

example('acl', 'another network', { words: { ' 127.0.0.0/8 ': ' ' } }, async ({ ask }) => {
  assert.equal(await ask('www.example.'), 'REFUSED')
})

for (const [office, corp] of [
  ['127.0.0.0/8', 'NOERROR 192.0.2.0'],
  ['192.168.0.0/16', 'silence'],
] as const) {
  example('acl', `the office is ${office}`, { nth: 1, words: { '192.168.0.0/16': office } }, async ({ ask }) => {
    assert.equal(await ask('www.corp.example.', 'A', { timeout: 300 }), corp)
    assert.equal(await ask('www.corp.example.', 'ANY'), 'REFUSED')
    assert.equal(await ask('www.example.', 'ANY'), 'REFUSED')
    assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.0')
  })
}

const alternating: Answer = (question) => {
  if (question.name === 'nowhere.example.') return unknown
  return question.name === 'down.example.' ? { rcode: 2 } : ordinary('5301')(question)
}
example('alternate', 'names and servers that fail', { upstreams: { 5301: alternating } }, async ({ ask }) => {
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.1')
  assert.equal(await ask('nowhere.example.'), 'NOERROR 192.0.2.2')
  assert.equal(await ask('down.example.'), 'NOERROR 192.0.2.3')
})

example('any', 'ANY', {}, async ({ ask, upstreams }) => {
  assert.match(await ask('www.example.', 'ANY'), /^NOERROR/)
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.0')
  assert.deepEqual(upstreams[5300]!.asked, ['www.example. A'])
})

example('bufsize', 'an odd tunnel', {}, async ({ server }) => {
  assert.equal((await server.query('www.example.', 'A', { udpSize: 4096 })).opt?.udpSize, 1100)
})

example('cache', 'half a minute', {}, async ({ server, upstreams }) => {
  for (let i = 0; i < 2; i++) assert.equal((await server.query('www.example.', 'A')).answers[0]?.ttl, 30)
  assert.equal(upstreams[5300]!.asked.length, 1)
})

const fiveSeconds = { nth: 1, upstreams: { 5300: () => unknown } }
example('cache', 'denials', fiveSeconds, async ({ server, upstreams }) => {
  for (const name of ['a.example.org.', 'a.example.org.', 'a.example.net.', 'a.example.net.']) {
    const [soa] = (await server.query(name, 'A')).authorities
    assert.equal(soa?.ttl, name === 'a.example.org.' ? 5 : 900)
  }
  assert.equal(upstreams[5300]!.asked.length, 3, 'names outside are not kept')
})

const warmClock = new FakeClock()
example('cache', 'names that stay warm', { nth: 1, clock: warmClock }, async ({ server, upstreams }) => {
  const { asked } = upstreams[5300]!
  for (let seconds = 0; seconds < 300; seconds += 6) {
    await server.query('www.example.org.', 'A')
    assert.equal(asked.length > 1, seconds >= 300 * 0.8 + 6, `${seconds} s`)
    await warmClock.advance(6000)
    for (let i = 0; i < 100 && seconds >= 240 && asked.length === 1; i++) await settle()
  }
  assert.equal(asked.length, 2)
})

const staleClock = new FakeClock()
let silent = false
const failing: Answer = (question) => (silent ? undefined : ordinary('5300')(question))
const stale = { nth: 2, clock: staleClock, upstreams: { 5300: failing } }
example('cache', 'an upstream that fails', stale, async ({ server }) => {
  await server.query('www.example.', 'A')
  silent = true
  await staleClock.advance(360_000)
  const asked = staleClock.monotonic()
  const reply = await waitFor(staleClock, server.query('www.example.', 'A'))
  assert.equal(reply.answers[0]?.ttl, 30)
  const waited = staleClock.monotonic() - asked
  assert.ok(waited >= 1800 && waited < 2000, `${waited} ms`)
})

const folder = join(tmpdir(), 'readme-examples-')
test('cache: a restart', async () => {
  const path = mkdtempSync(folder)
  const upstream = await startUpstream(ordinary('5300'))
  const { text } = listFences('plugins/cache/README.md', 'corefile')[3]!
  const corefile = text.replace('cache-folder', path).replace(':5300', `:${upstream.port}`).replace('1053', '0')
  try {
    for (let i = 0; i < 2; i++) {
      const server = await startServer(corefile)
      assert.equal((await server.query('www.example.', 'A')).answers.length, 1)
      await server.stop()
    }
    assert.equal(upstream.asked.length, 1)
  } finally {
    await upstream.close()
    rmSync(path, { recursive: true })
  }
})

example('cache', 'a zone that changes by the second', { nth: 4 }, async ({ ask, upstreams }) => {
  for (const name of ['a.live.example.org.', 'a.live.example.org.', 'a.example.org.', 'a.example.org.']) await ask(name)
  assert.equal(upstreams[5300]!.asked.length, 3)
})

const cancelClock = new FakeClock()
const mute = { clock: cancelClock, upstreams: { 5300: () => undefined } }
example('cancel', 'two seconds', mute, async ({ ask }) => {
  const answer = ask('www.example.')
  assert.equal(await waitFor(cancelClock, answer), 'SERVFAIL')
  assert.ok(cancelClock.monotonic() < 2200, `${cancelClock.monotonic()} ms`)
})

example('chaos', 'who it is', {}, async ({ ask }) => {
  assert.equal(await ask('version.bind.', 'TXT', { class: 'CH' }), 'NOERROR dns-1')
  assert.equal(await ask('authors.bind.', 'TXT', { class: 'CH' }), 'NOERROR The network team')
})

example('dns64', 'a prefix of one’s own', { nth: 1 }, async ({ ask }) => {
  assert.equal(await ask('www.example.', 'AAAA'), 'NOERROR 2001:db8:64::c000:200')
})

const lateClock = new FakeClock()
example('erratic', 'every third answer', { clock: lateClock }, async ({ ask }) => {
  const first = ask('www.example.')
  for (let i = 0; i < 2; i++) assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.53')
  assert.equal(lateClock.monotonic(), 0)
  assert.equal(await waitFor(lateClock, first), 'NOERROR 192.0.2.53')
})

const nobody = { whoami: 'forward . 127.0.0.1:9 {\nmax_fails 0\nmax_connect_attempts 1\n}' }
example('errors', 'all of them', { words: nobody }, async ({ server, ask }) => {
  assert.equal(await ask('www.example.'), 'SERVFAIL')
  assert.match(await server.logged(/ERROR/), /^\[ERROR\] plugin\/errors: 2 www\.example\. A: .*connection refused$/)
})

const errorsClock = new FakeClock()
const counted = { nth: 1, clock: errorsClock, words: nobody }
example('errors', 'how many were refused', counted, async ({ server, ask }) => {
  for (let i = 0; i < 3; i++) await ask('www.example.')
  await errorsClock.advance(30_000)
  const lines = server.lines.filter((line) => line.includes('plugin/errors'))
  assert.deepEqual(lines, ["[WARNING] plugin/errors: 3 errors like 'connection refused$' occurred in last 30s"])
})

const race = { upstreams: { 5301: () => undefined, 5302: () => ({ rcode: 2 }) } }
example('fanout', 'the first good answer', race, async ({ ask }) => {
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.3')
})

example('fanout', 'two of three', { nth: 1 }, async ({ ask, upstreams }) => {
  assert.match(await ask('www.example.'), /^NOERROR 192\.0\.2\.[123]$/)
  assert.equal(
    Object.values(upstreams).reduce((sum, { asked }) => sum + asked.length, 0),
    2,
  )
  assert.equal(await ask('www.cluster.local.'), 'SERVFAIL')
})

const protos: string[] = []
const overTcp: Answer = (question) => {
  protos.push(question.proto)
  return ordinary('5301')(question)
}
example('forward', 'names of the company', { nth: 1, upstreams: { 5301: overTcp } }, async ({ ask }) => {
  assert.equal(await ask('www.corp.example.'), 'NOERROR 192.0.2.1')
  assert.deepEqual(protos, ['tcp'])
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.2')
  assert.equal(await ask('www.cluster.local.'), 'SERVFAIL')
})

const knowsNothing: Answer = ({ name }) => (name.startsWith('nodata.') ? none : unknown)
example('forward', 'the second resolver', { nth: 3, upstreams: { 5301: knowsNothing } }, async ({ ask }) => {
  for (const name of ['nodata.example.', 'www.example.']) assert.equal(await ask(name), 'NOERROR 192.0.2.2')
})

const authoritative: Answer = (question) => ({ ...ordinary('5300')(question), flags: AA })
example('header', 'flags', { upstreams: { 5300: authoritative } }, async ({ server }) => {
  assert.equal((await server.query('www.example.', 'A')).flags & 0x0580, 0x0180)
})

example('hosts', 'the names of the machine', { words: { '/etc/resolv.conf': '127.0.0.1:5300' } }, async ({ ask }) => {
  assert.equal(await ask('localhost.'), 'NOERROR 127.0.0.1')
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.0')
})

example('hosts', 'a lab', { nth: 1 }, async ({ server, ask }) => {
  const { answers } = await server.query('gateway.lab.example.', 'A')
  assert.deepEqual(toLines(answers), ['gateway.lab.example. 60 IN A 192.0.2.10'])
  assert.equal(await ask('gateway.lab.example.', 'AAAA'), 'NOERROR 2001:db8::10')
  assert.equal(await ask('shop.apps.lab.example.'), 'NOERROR 192.0.2.80')
  assert.equal(await ask('shop.lab.example.'), 'SERVFAIL')
})

const addresses = ['192.0.2.1', '198.51.100.1', '10.1.2.3', '203.0.113.1']
const many: Answer = ({ name }) => ({ answers: addresses.map((address) => `${name} 60 IN A ${address}`) })
example('loadbalance', 'the own network', { nth: 1, upstreams: { 5300: many } }, async ({ ask }) => {
  for (let i = 0; i < 10; i++) assert.match(await ask('www.example.'), /^NOERROR 10\.1\.2\.3 /)
})

example('local', 'localhost', {}, async ({ ask, upstreams }) => {
  for (const name of ['localhost.', 'a.localhost.', 'localhost.example.'])
    assert.equal(await ask(name), 'NOERROR 127.0.0.1')
  assert.equal(upstreams[5300]!.asked.length, 0)
})

example('local', 'without names that only begin with it', { nth: 1 }, async ({ ask }) => {
  assert.equal(await ask('localhost.example.'), 'NOERROR 192.0.2.0')
  assert.equal(await ask('a.localhost.'), 'NOERROR 127.0.0.1')
})

example('log', 'what went wrong', { nth: 1, words: { whoami: 'erratic {\ndrop 0\n}' } }, async ({ server }) => {
  for (const name of ['good.example.org.', 'bad.example.net.', 'bad.example.org.']) {
    await server.query(name, name.startsWith('good') ? 'A' : 'MX')
  }
  assert.equal(await server.logged(/asked/), '[INFO] 127.0.0.1 asked MX bad.example.org.: SERVFAIL')
})

example('metadata', 'which upstream answered', {}, async ({ server, ask, upstreams }) => {
  const [, address = ''] = / 192\.0\.2\.(\d)/.exec(await ask('www.example.'))!
  assert.match(await server.logged(/"A IN/), new RegExp(` 127\\.0\\.0\\.1:${upstreams[`530${address}`]!.port}$`))
})

const verbose: Answer = (question) => ({ ...ordinary('5300')(question), additionals: ['b. 60 IN A 192.0.2.2'] })
example('minimal', 'short answers', { upstreams: { 5300: verbose } }, async ({ server }) => {
  assert.deepEqual((await server.query('www.example.', 'A')).additionals, [])
})

example('nsid', 'which server', {}, async ({ server }) => {
  const { opt } = await server.query('www.example.', 'A', { options: [{ code: OPTIONS.NSID, data: new Uint8Array() }] })
  assert.deepEqual(
    opt?.options.map(({ data }) => Buffer.from(data).toString()),
    ['rack 7'],
  )
})

example('rewrite', 'one service by another name', {}, async ({ ask, upstreams }) => {
  await ask('www.example.org.')
  assert.equal(await ask('shop-us-west-1.example.com.'), 'NOERROR 192.0.2.0')
  assert.deepEqual(upstreams[5300]!.asked, ['web.default.svc.cluster.local. A', 'shop.service.us-west-1.consul. A'])
})

const srv: Answer = ({ name }) => ({ answers: [`${name} 60 IN SRV 0 0 80 web.${name}`] })
example('rewrite', 'a cluster under a second domain', { nth: 1, upstreams: { 5300: srv } }, async ({ server }) => {
  const { answers } = await server.query('a.schmoogle.example.', 'SRV')
  assert.deepEqual(toLines(answers), ['a.schmoogle.example. 60 IN SRV 0 0 80 web.a.schmoogle.example.'])
})

const content: Answer = ({ name, type }) => {
  if (!name.startsWith('www.')) return ordinary('5300')({ name, type, proto: 'udp' })
  return { answers: [`${name} 10 IN CNAME a.cdn.example.`, 'a.cdn.example. 10 IN A 192.0.2.66'] }
}
example('rewrite', 'where CNAMEs lead to', { nth: 2, upstreams: { 5300: content } }, async ({ server }) => {
  const { answers } = await server.query('www.example.', 'A')
  assert.deepEqual(toLines(answers), [
    'www.example. 30 IN CNAME a.cache.example.',
    'a.cache.example. 300 IN A 192.0.2.0',
  ])
})

example('root', 'entries of the block', {}, async ({ ask }) => {
  assert.equal(await ask('gateway.lab.example.'), 'NOERROR 192.0.2.10')
})

const search = 'www.example.com.default.svc.cluster.local.'
example('search-filter', 'names on the internet', {}, async ({ ask, upstreams }) => {
  assert.equal(await ask(search), 'NXDOMAIN')
  for (const name of ['www.example.com.', 'shop.default.svc.cluster.local.']) assert.match(await ask(name), /^NOERROR /)
  assert.equal(upstreams[5300]!.asked.length, 2)
})

example('search-filter', 'names of two providers', { nth: 1 }, async ({ ask }) => {
  assert.match(await ask(search), /^NOERROR /)
  for (const suffix of ['a.svc.cluster.local.', 'cluster.local.', 'corp.example.']) {
    assert.equal(await ask(`storage.googleapis.com.${suffix}`), 'NXDOMAIN')
    assert.equal(await ask(`s3.amazonaws.com.${suffix}`), suffix === 'corp.example.' ? 'NOERROR 192.0.2.0' : 'NXDOMAIN')
  }
})

example('template', 'addresses in names', {}, async ({ ask }) => {
  assert.equal(await ask('ip-10-0-0-1.example.org.'), 'NOERROR 10.0.0.1')
  assert.equal(await ask('www.example.org.'), 'NOERROR 192.0.2.0')
})

example('template', 'what must not leave the network', { nth: 1 }, async ({ server, ask, upstreams }) => {
  const { rcode, authorities } = await server.query('a.internal.', 'MX')
  assert.deepEqual([rcode, authorities[0]?.name], [3, 'internal.'])
  assert.equal(upstreams[5300]!.asked.length, 0)
  assert.equal(await ask('www.example.'), 'NOERROR 192.0.2.0')
})

example('template', 'numbered hosts', { nth: 2 }, async ({ ask }) => {
  assert.equal(await ask('node7.example.org.'), 'NOERROR 10.0.0.7')
  for (const name of ['node255.example.org.', 'node0.example.org.']) assert.equal(await ask(name), 'NOERROR 192.0.2.0')
})

for (const [inside, www] of [
  ['127.0.0.0/8', '10.0.0.10'],
  ['10.0.0.0/8', '192.0.2.0'],
] as const) {
  example('view', `inside is ${inside}`, { words: { '10.0.0.0/8': inside } }, async ({ ask }) => {
    assert.equal(await ask('www.example.org.'), `NOERROR ${www}`)
  })
}

example('view', 'AAAA for some names', { nth: 1 }, async ({ ask }) => {
  assert.equal(await ask('client3.example.', 'AAAA'), 'NOERROR')
  for (const name of ['client6.example.', 'xclient3.example.']) assert.match(await ask(name, 'AAAA'), /^NOERROR 2001:/)
  assert.equal(await ask('client3.example.'), 'NOERROR 192.0.2.0')
})

example('whoami', 'the client', {}, async ({ server }) => {
  const [address, service] = toLines((await server.query('example.org.', 'A')).additionals)
  assert.equal(address, 'example.org. 0 IN A 127.0.0.1')
  assert.match(service!, /^_udp\.example\.org\. 0 IN SRV 0 0 \d+ \.$/)
})
