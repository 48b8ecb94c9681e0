import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Query, RCODES, type Reply, systemClock } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  type FakeContext,
  fakeContext,
  readText,
  startPlugin,
  toNext,
  toQuery,
} from 'corelet/plugin/testing'
import { type FakeServer, type Received, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import fanout from './index.ts'
import { draw } from './select.ts'

type Respond = (query: Received) => void
const address: Respond = (query) => query.send(toAnswer(query))
const silent: Respond = () => {}
const saying =
  (rcode: number): Respond =>
  (query) =>
    query.send(toAnswer(query, { rcode, addresses: [] }))

describe('fanout', () => {
  const servers: FakeServer[] = []
  let responds: Respond[] = []
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanout-'))
    for (let i = 0; i < 3; i++) servers.push(await startFakeServer({ respond: (query) => responds[i]!(query) }))
  })
  after(async () => {
    for (const server of servers) await server.close()
    await rm(folder, { recursive: true })
  })

  /** Asks through a `fanout` of as many servers as there are ways to respond. */
  async function run(ways: Respond[], options: string[] = [], query: Query = toQuery('a.example.')) {
    responds = ways
    for (const server of servers) server.received.length = 0
    const list = ways.map((_, i) => `127.0.0.1:${servers[i]!.port}`)
    const context: FakeContext = Object.assign(fakeContext({ plugin: 'fanout' }), { clock: systemClock as never })
    const text = `fanout . ${list.join(' ')} {\n${options.join('\n')}\n}`
    const { running } = await startPlugin(fanout, text, context)
    const next = answering({ rcode: RCODES.NOTIMP })
    const reply: Reply = await running.handler!(query, toNext(next, 'fanout'))
    const asked = () => servers.map(({ received }) => received.filter(({ name }) => name !== '.').length)
    return { reply, asked, next, context, list, stop: () => running.stop?.() }
  }

  /** As `run`, for tests that need no more than the reply. */
  async function replyOf(...args: Parameters<typeof run>): Promise<string> {
    const { reply, stop } = await run(...args)
    stop()
    return reply.scan && reply.scan.answers > 0 ? 'address' : reply.rcodeName
  }

  test('the first good answer counts, whoever is slow or says no', async () => {
    assert.equal(await replyOf([silent, saying(RCODES.NXDOMAIN), address]), 'address')
    assert.equal(await replyOf([saying(RCODES.SERVFAIL), saying(RCODES.REFUSED), address]), 'address')
  })

  test('all are asked at once, and worker-count bounds that', async () => {
    const { asked, stop } = await run([saying(3), saying(3), saying(3)])
    assert.deepEqual(asked(), [1, 1, 1])
    stop()
    const bounded = await run([address, silent, silent], ['worker-count 1'])
    assert.deepEqual(bounded.asked(), [1, 0, 0])
    bounded.stop()
    assert.equal(await replyOf([saying(3), saying(5), address], ['worker-count 1']), 'address')
  })

  test('without a good answer NXDOMAIN is better than an error, and an error than nothing', async () => {
    assert.equal(await replyOf([saying(RCODES.REFUSED), saying(RCODES.NXDOMAIN)]), 'NXDOMAIN')
    assert.equal(await replyOf([saying(RCODES.NXDOMAIN), saying(RCODES.SERVFAIL)]), 'NXDOMAIN')
    assert.equal(await replyOf([silent, saying(RCODES.REFUSED)], ['timeout 300ms']), 'REFUSED')
  })

  test('with race the first reply counts', async () => {
    assert.equal(await replyOf([saying(RCODES.NXDOMAIN), silent], ['race']), 'NXDOMAIN')
  })

  test('when nobody answers in time it is SERVFAIL', async () => {
    const { reply, stop } = await run([silent, silent], ['timeout 200ms'])
    stop()
    assert.deepEqual([reply.kind, reply.rcode], ['failure', RCODES.SERVFAIL])
    assert.match(String(reply.error), /no answer within 200 ms: i\/o timeout/)
  })

  test('attempt-count is how often an upstream is asked', async () => {
    const { reply, asked, stop } = await run([silent], ['read_timeout 50ms', 'attempt-count 2', 'timeout 3s'])
    stop()
    assert.deepEqual([reply.rcode, asked()[0]], [RCODES.SERVFAIL, 2])
    assert.match(String(reply.error), /i\/o timeout/)
  })

  test('network tells how to ask', async () => {
    for (const [option, proto] of [
      ['network TCP', 'tcp'],
      ['network udp', 'udp'],
    ] as const) {
      const { stop } = await run([address], [option], toQuery('a.example.', 'A', { proto: 'tcp' }))
      stop()
      assert.equal(servers[0]!.received.find(({ name }) => name !== '.')!.proto, proto)
    }
  })

  test('names in except and except-file are not asked for', async () => {
    const file = join(folder, 'names')
    await writeFile(file, 'b.example\n\n c.Example.\n')
    const passes = async (name: string) => {
      const { next, stop } = await run([address], ['except a.example', `except-file ${file}`], toQuery(name))
      stop()
      return next.asked.length === 1
    }
    assert.deepEqual(
      [
        await passes('a.example.'),
        await passes('x.b.example.'),
        await passes('c.example.'),
        await passes('d.example.'),
      ],
      [true, true, true, false],
    )
    await writeFile(file, 'a..b\n')
    await assert.rejects(run([address], [`except-file ${file}`]), /no domain name: a\.\.b/)
  })

  test('next hands the query to the next fanout', async () => {
    const { reply, stop } = await run([saying(RCODES.NXDOMAIN)], ['next NXDOMAIN'])
    stop()
    assert.equal(reply.rcode, RCODES.NOTIMP)
  })

  test('counts what each upstream answered', async () => {
    const { context, list, stop } = await run([address])
    stop()
    const value = (name: string, ...labels: string[]) => context.metrics.value(name, ...labels)
    assert.equal(value('coredns_fanout_request_count_total', list[0]!), 1)
    assert.equal(value('coredns_fanout_response_rcode_count_total', list[0]!, 'NOERROR'), 1)
    assert.equal(value('coredns_fanout_request_duration_seconds', list[0]!), 1)
    assert.equal(value('coredns_proxy_request_duration_seconds', 'fanout', list[0]!, 'NOERROR'), 1)
  })

  test('a query waits for nobody when the plugin stops', async () => {
    responds = [silent]
    const { running } = await startPlugin(
      fanout,
      `fanout . 127.0.0.1:${servers[0]!.port}`,
      Object.assign(fakeContext({ plugin: 'fanout' }), { clock: systemClock as never }),
    )
    const pending = running.handler!(toQuery('a.example.'), toNext(answering({})))
    await running.stop?.()
    assert.equal((await pending).rcode, RCODES.SERVFAIL)
  })
})

test('servers are drawn by weight, each once', () => {
  const servers = [1, 2, 3].map((server) => ({ server, weight: server === 3 ? 98 : 1 }))
  assert.deepEqual(
    draw(servers, 2, () => 0),
    [1, 2],
  )
  assert.deepEqual(
    draw(servers, 1, () => 0.5),
    [3],
  )
  assert.deepEqual(
    draw(servers, 5, () => 0.999),
    [3, 2, 1],
  )
})

describe('the directive', () => {
  const read = async (...lines: string[]) => {
    const { options, diagnostics } = await readText(fanout, `fanout . 127.0.0.1 127.0.0.2 {\n${lines.join('\n')}\n}`)
    assert.deepEqual(diagnostics, [])
    return options[0]!
  }

  test('has defaults', async () => {
    const { workers, attempts, timeout, firstCounts, drawn, weights, forceTcp, preferUdp } = await read()
    assert.deepEqual(
      { workers, attempts, timeout, firstCounts, drawn, weights, forceTcp, preferUdp },
      {
        workers: undefined,
        attempts: 3,
        timeout: 4400,
        firstCounts: false,
        drawn: undefined,
        weights: [],
        forceTcp: false,
        preferUdp: false,
      },
    )
  })

  test('takes options', async () => {
    const options = await read(
      'worker-count 2',
      'attempt-count 0',
      'timeout 1s',
      'race',
      'policy weighted-random',
      'weighted-random-server-count 1',
      'weighted-random-load-factor 50 70',
      'max_concurrent 5',
      'except a.example',
    )
    assert.deepEqual([options.workers, options.attempts, options.timeout, options.firstCounts], [2, 0, 1000, true])
    assert.deepEqual([options.drawn, options.weights, options.maxConcurrent], [1, [50, 70], 5])
    assert.deepEqual((await read('weighted-random-load-factor 50,70')).weights, [50, 70])
    assert.equal((await read('policy sequential')).drawn, undefined)
    assert.equal((await read('tls-server dns.example')).tlsServerName, 'dns.example')
  })

  test('network tcp-tls makes plain servers TLS ones', async () => {
    const { destinations } = await read('network tcp-tls')
    assert.deepEqual(destinations[0], { kind: 'server', target: { transport: 'tls', address: '127.0.0.1', port: 853 } })
  })

  test('mistakes are found where they are', async () => {
    const inBlock = (line: string) => `fanout . 127.0.0.1 127.0.0.2 {\n${line}\n}`
    await checkDirectives(fanout, [
      [inBlock('worker-count 0'), '3:14 out-of-range'],
      [inBlock('worker-count x'), '3:14 bad-integer'],
      [inBlock('policy random'), '3:8 bad-choice'],
      [inBlock('network quic'), '3:9 bad-choice'],
      [inBlock('attempt-count -1'), '3:15 out-of-range'],
      [inBlock('timeout 0s'), '3:9 out-of-range'],
      [inBlock('timeout 5'), '3:9 bad-duration'],
      [inBlock('race now'), '3:6 wrong-argument-count'],
      [inBlock('except'), '3:1 wrong-argument-count'],
      [inBlock('except-file'), '3:1 wrong-argument-count'],
      [inBlock('next NOPE'), '3:6 bad-rcode'],
      [inBlock('max_concurrent -1'), '3:16 fanout/max-concurrent-negative'],
      [inBlock('weighted-random-server-count 0'), '3:30 out-of-range'],
      [inBlock('weighted-random-load-factor 0'), '3:29 fanout/bad-load-factor'],
      [inBlock('weighted-random-load-factor 50,101'), '3:29 fanout/bad-load-factor'],
      [inBlock('weighted-random-load-factor 1 2 3'), '3:33 fanout/bad-load-factor'],
      [inBlock('failover SERVFAIL'), '3:1 unknown-property'],
    ])
  })
})
