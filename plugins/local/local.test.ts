import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AA, RCODES } from 'corelet/plugin'
import { answering, checkDirectives, startPlugin, toQuery } from 'corelet/plugin/testing'
import local from './index.ts'

const SOA = {
  mname: 'localhost.',
  rname: 'root.localhost.',
  serial: 1,
  refresh: 0,
  retry: 0,
  expire: 0,
  minimum: 604_800,
}

test('the directive takes one option; the last use counts', async () => {
  await checkDirectives(local, [
    ['local', { prefix: true }],
    ['local {\nlocalhost_prefix on\n}', { prefix: true }],
    ['local {\nlocalhost_prefix off\n}', { prefix: false }],
    ['local {\nlocalhost_prefix off\n}\nlocal', { prefix: false }],
    ['local {\nlocalhost_prefix off\n}\nlocal {\nlocalhost_prefix on\n}', { prefix: true }],
    ['local x', '2:7 wrong-argument-count'],
    ['local {\nlocalhost_prefix\n}', '3:1 wrong-argument-count'],
    ['local {\nlocalhost_prefix ON\n}', '3:18 local/on-or-off'],
    ['local {\nprefix on\n}', '3:1 unknown-property'],
  ])
})

/** Answer records as `NAME TYPE DATA`, or `rcode SOA-owner`. */
async function answersOf(name: string, type: string, text = 'local'): Promise<string[]> {
  const { askNow } = await startPlugin(local, text)
  const next = answering({})
  const reply = askNow(toQuery(name, type), next)
  if (next.asked.length > 0) return ['passed']
  assert.equal(reply.flags & AA, 0)
  for (const record of [...reply.answers, ...reply.authorities]) assert.equal(record.ttl, 604_800)
  if (reply.authorities.length > 0) {
    assert.deepEqual(reply.answers, [])
    assert.deepEqual(reply.authorities[0]!.data, SOA)
    return [`${reply.rcodeName} ${reply.authorities[0]!.name}`]
  }
  assert.equal(reply.rcode, RCODES.NOERROR)
  return reply.answers.map(({ name, type, data }) => `${name} ${type}${type === 'SOA' ? '' : ` ${data}`}`)
}

test('names are answered as the README says', async () => {
  const cases: [name: string, type: string, answer: string][] = [
    ['A.LocalHost.', 'A', 'A.LocalHost. A 127.0.0.1'],
    ['a.b.localhost.', 'AAAA', 'a.b.localhost. AAAA ::1'],
    ['a.localhost.', 'MX', 'NOERROR a.localhost.'],
    ['localhost.example.net.', 'A', 'localhost.example.net. A 127.0.0.1'],
    ['LOCALHOST.example.net.', 'AAAA', 'LOCALHOST.example.net. AAAA ::1'],
    ['localhost.example.net.', 'TXT', 'NOERROR localhost.example.net.'],
    ['localhost.', 'A', 'localhost. A 127.0.0.1'],
    ['Localhost.', 'AAAA', 'Localhost. AAAA ::1'],
    ['localhost.', 'SOA', 'localhost. SOA'],
    ['localhost.', 'NS', 'localhost. NS localhost.'],
    ['localhost.', 'MX', 'NOERROR localhost.'],
    ['127.in-addr.arpa.', 'SOA', '127.in-addr.arpa. SOA'],
    ['127.in-addr.arpa.', 'A', 'NOERROR 127.in-addr.arpa.'],
    ['0.in-addr.arpa.', 'NS', '0.in-addr.arpa. NS localhost.'],
    ['255.in-addr.arpa.', 'PTR', 'NOERROR 255.in-addr.arpa.'],
    ['1.0.0.127.IN-ADDR.arpa.', 'PTR', '1.0.0.127.IN-ADDR.arpa. PTR localhost.'],
    ['1.0.0.127.in-addr.arpa.', 'A', 'NOERROR 127.in-addr.arpa.'],
    ['2.0.0.127.in-addr.arpa.', 'PTR', 'NXDOMAIN 127.in-addr.arpa.'],
    ['2.0.0.127.IN-addr.ARPA.', 'PTR', 'NXDOMAIN 127.IN-addr.ARPA.'],
    ['x.255.in-addr.arpa.', 'A', 'NXDOMAIN 255.in-addr.arpa.'],
    ['0.0.0.0.in-addr.arpa.', 'PTR', 'NXDOMAIN 0.in-addr.arpa.'],
    ['example.net.', 'A', 'passed'],
    ['localhosts.example.net.', 'A', 'passed'],
    ['notlocalhost.', 'A', 'passed'],
    ['1.in-addr.arpa.', 'PTR', 'passed'],
    ['.', 'NS', 'passed'],
  ]
  for (const [name, type, answer] of cases) assert.deepEqual(await answersOf(name, type), [answer], `${name} ${type}`)
})

test('names that only begin with localhost can be left to others', async () => {
  const text = 'local {\nlocalhost_prefix off\n}'
  assert.deepEqual(await answersOf('localhost.example.net.', 'A', text), ['passed'])
  assert.deepEqual(await answersOf('a.localhost.', 'A', text), ['a.localhost. A 127.0.0.1'])
  assert.deepEqual(await answersOf('localhost.', 'A', text), ['localhost. A 127.0.0.1'])
})

test('names below localhost and names that begin with it are counted', async () => {
  const { askNow, context } = await startPlugin(local, 'local')
  for (const name of ['a.localhost.', 'localhost.example.net.', 'localhost.', '1.0.0.127.in-addr.arpa.']) {
    askNow(toQuery(name, 'A'))
  }
  askNow(toQuery('example.net.'), answering({}))
  assert.equal(context.metrics.value('coredns_local_localhost_requests_total'), 2)
})
