import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Query, RCODES, systemClock } from 'corelet/plugin'
import {
  checkDirectives,
  type FakeContext,
  fakeContext,
  readText,
  startPlugin,
  toNext,
  toQuery,
  toReply,
} from 'corelet/plugin/testing'
import { type FakeServer, type Received, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import alternate from './index.ts'

describe('alternate', () => {
  let server: FakeServer
  let respond: (query: Received) => void
  before(async () => {
    server = await startFakeServer({ respond: (query) => respond(query) })
  })
  after(() => server.close())

  /** Asks; the plugins behind reply with `rcode`, or fail with it. */
  async function run(text: string, rcode: number, { query = toQuery('a.example.'), fails = false } = {}) {
    server.received.length = 0
    respond = (received) => received.send(toAnswer(received))
    const context: FakeContext = Object.assign(fakeContext({ plugin: 'alternate' }), { clock: systemClock as never })
    const { running } = await startPlugin(alternate, text.replaceAll('SERVER', `127.0.0.1:${server.port}`), context)
    const next = toNext((each) => (fails ? each.fail(rcode, 'forward', 'down') : toReply(each, { rcode })))
    try {
      const reply = await running.handler!(query, next)
      return { reply, asked: server.received.filter(({ name }) => name !== '.'), context }
    } finally {
      await running.stop?.()
    }
  }

  test('asks when the rcode is one of those, and its answer counts', async () => {
    for (const rcode of [RCODES.SERVFAIL, RCODES.REFUSED]) {
      const query = toQuery('a.example.')
      const { reply, asked } = await run('alternate servfail,REFUSED . SERVER', rcode, { query })
      assert.deepEqual([reply.rcode, reply.answers.length, reply.plugin, asked.length], [0, 1, 'alternate', 1])
      assert.equal(query.metadata('alternate/upstream'), `127.0.0.1:${server.port}`)
    }
  })

  test('asks when the plugins behind failed', async () => {
    const { reply } = await run('alternate SERVFAIL . SERVER', RCODES.SERVFAIL, { fails: true })
    assert.equal(reply.answers.length, 1)
  })

  test('leaves other replies as they are', async () => {
    const { reply, asked } = await run('alternate SERVFAIL . SERVER', RCODES.NXDOMAIN)
    assert.deepEqual([reply.rcode, asked.length], [RCODES.NXDOMAIN, 0])
  })

  test('is for names below FROM', async () => {
    assert.equal((await run('alternate NXDOMAIN example SERVER', RCODES.NXDOMAIN)).asked.length, 1)
    assert.equal((await run('alternate NXDOMAIN org SERVER', RCODES.NXDOMAIN)).asked.length, 0)
  })

  test('several serve different rcodes', async () => {
    const text = 'alternate NXDOMAIN . SERVER\nalternate SERVFAIL . SERVER'
    for (const rcode of [RCODES.NXDOMAIN, RCODES.SERVFAIL]) assert.equal((await run(text, rcode)).asked.length, 1)
  })

  test('original asks with the EDNS of the client', async () => {
    const plain = toQuery('a.example.')
    const changed = (): Query =>
      plain.with({ edns: { udpSize: 4096, flags: 0, options: [{ code: 0xffee, data: Uint8Array.of(1) }] } })
    const size = async (text: string) => (await run(text, RCODES.NXDOMAIN, { query: changed() })).asked[0]!.wire.length
    assert.equal((await size('alternate NXDOMAIN . SERVER')) - (await size('alternate original NXDOMAIN . SERVER')), 16)
  })

  test('counts in the metrics of proxies', async () => {
    const { context } = await run('alternate NXDOMAIN . SERVER', RCODES.NXDOMAIN)
    const to = `127.0.0.1:${server.port}`
    assert.equal(context.metrics.value('coredns_proxy_request_duration_seconds', 'alternate', to, 'NOERROR'), 1)
    assert.equal(context.metrics.value('coredns_forward_requests_total', to), undefined)
  })

  test('silence of the plugins behind stays', async () => {
    const { running } = await startPlugin(alternate, 'alternate NOERROR . 127.0.0.1')
    const reply = await running.handler!(
      toQuery('a.example.'),
      toNext((query) => query.drop('acl', '')),
    )
    assert.equal(reply.kind, 'drop')
    await running.stop?.()
  })
})

describe('the directive', () => {
  test('mistakes are found where they are', async () => {
    await checkDirectives(alternate, [
      ['alternate', '2:1 wrong-argument-count'],
      ['alternate SERVFAIL', '2:11 wrong-argument-count'],
      ['alternate SERVFAIL .', '2:20 wrong-argument-count'],
      ['alternate original SERVFAIL .', '2:29 wrong-argument-count'],
      ['alternate NOPE . 127.0.0.1', '2:11 bad-rcode'],
      ['alternate SERVFAIL,NOPE . 127.0.0.1', '2:11 bad-rcode'],
      ['alternate SERVFAIL a..b 127.0.0.1', '2:20 bad-zone'],
      ['alternate SERVFAIL . quic://127.0.0.1', '2:22 alternate/transport-not-supported'],
      ['alternate SERVFAIL . 127.0.0.1\nalternate SERVFAIL . 127.0.0.2', '3:1 alternate/rcode-twice'],
      ['alternate SERVFAIL . 127.0.0.1 {\nexcept a\n}', '3:1 unknown-property'],
      ['alternate SERVFAIL . 127.0.0.1 {\npolicy best\n}', '3:8 alternate/unknown-policy'],
    ])
  })
  test('takes the options of forward', async () => {
    const text =
      'alternate original servfail,nxdomain . 127.0.0.1 tls://127.0.0.2 {\npolicy sequential\nread_timeout 1s\nmax_fails 0\n}'
    const { options } = await readText(alternate, text)
    const [rule] = options[0]!
    assert.deepEqual(
      [rule!.original, [...rule!.rcodes], rule!.policy, rule!.readTimeout, rule!.maxFails, rule!.destinations.length],
      [true, [2, 3], 'sequential', 1000, 0, 2],
    )
  })
})
