import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { OPCODES, OPTIONS, Query, RCODES } from 'corelet/plugin'
import { readQuery } from '../../src/dns/query-view.ts'
import { answering, FakeClock, settle, startPlugin, toNext, toQuery } from '../../src/plugin/testing.ts'
import { type FakeServer, type Received, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import forward from './index.ts'
import { startForward } from './testing.ts'

/** Upstreams that answer with their own address record, 192.0.2.N, until told otherwise. */
class Upstreams {
  servers: FakeServer[] = []
  responds: ((query: Received) => void)[] = []

  async open(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.responds.push(() => {})
      this.servers.push(await startFakeServer({ respond: (query) => this.responds[i]!(query) }))
    }
    this.reset()
  }

  reset(): void {
    this.responds.forEach((_, i) => {
      this.responds[i] = (query) => query.send(toAnswer(query, { addresses: [`192.0.2.${i + 1}`] }))
    })
    for (const server of this.servers) server.received.length = 0
  }

  refuse(i: number, rcode: number): void {
    this.responds[i] = (query) => query.send(toAnswer(query, { rcode, addresses: [] }))
  }

  /** Queries that an upstream got, health probes left out: those of a test before may still come in. */
  asked(i: number): Received[] {
    return this.servers[i]!.received.filter(({ name }) => name !== '.')
  }

  get list(): string {
    return this.servers.map(({ port }) => `127.0.0.1:${port}`).join(' ')
  }

  async close(): Promise<void> {
    for (const server of this.servers) await server.close()
  }
}

/** Waits for sockets, without a timer; fails the test after many turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (condition()) return
    await settle()
  }
  throw new Error('it never came to be')
}

describe('forward', () => {
  const upstreams = new Upstreams()
  const closed = 'read_timeout 200ms'
  before(() => upstreams.open(3))
  after(() => upstreams.close())

  async function withForward(
    text: string,
    run: (forward: Awaited<ReturnType<typeof startForward>>) => Promise<void>,
  ): Promise<void> {
    upstreams.reset()
    const running = await startForward(text)
    try {
      await run(running)
    } finally {
      running.stop()
    }
  }
  const one = () => `127.0.0.1:${upstreams.servers[0]!.port}`

  it('passes on what is not below FROM, or is below a name in except', async () => {
    const text = `forward example.org ${one()} {\n  except internal.example.org example.org\n}`
    await withForward(text, async ({ ask }) => {
      const asks = async (name: string) => {
        const next = answering({})
        await ask(toQuery(name), toNext(next))
        return next.asked.length === 1
      }
      assert.equal(await asks('example.net'), true)
      assert.equal(await asks('notexample.org'), true)
      assert.equal(await asks('a.internal.example.org'), true)
      assert.equal(await asks('www.example.org'), true, 'below example.org, which is excepted')
      assert.equal(await asks('EXAMPLE.org'), false, 'FROM itself is never excepted')
    })
  })

  it('says who answered', async () => {
    await withForward(`forward . ${one()}`, async ({ ask }) => {
      const query = toQuery('example.org')
      const reply = await ask(query)
      assert.equal(query.metadata('forward/upstream'), one())
      assert.equal(reply.reason, `answered by ${one()}`)
      assert.equal(reply.plugin, 'forward')
    })
  })

  it('lets other classes than IN in', async () => {
    const started = await startPlugin(forward, `forward . ${one()}`)
    assert.equal(started.settings.anyClass, true)
    await started.running.stop?.()
    await withForward(`forward . ${one()}`, async ({ ask }) => {
      await ask(toQuery('version.bind', 'TXT', { qclass: 3 }))
      assert.equal(upstreams.asked(0).length, 1)
    })
  })

  it('refuses what must not be forwarded', async () => {
    await withForward(`forward . ${one()}`, async ({ ask }) => {
      for (const type of ['AXFR', 'IXFR']) assert.equal((await ask(toQuery('example.org', type))).rcode, RCODES.REFUSED)
      for (const type of ['OPT', 'TSIG', 'TKEY', 'MAILA', 'NXNAME']) {
        assert.equal((await ask(toQuery('example.org', type))).rcode, RCODES.FORMERR, type)
      }
      const plain = toQuery('example.org')
      const packet = plain.packet.slice()
      packet[2] = packet[2]! | (OPCODES.NOTIFY << 3)
      const notify = new Query(plain.listener, plain.client, plain.local, 'udp', 0)
      readQuery(packet, notify)
      assert.equal((await ask(notify)).rcode, RCODES.REFUSED)
      assert.equal(upstreams.asked(0).length, 0)
    })
  })

  it('follows the protocol of the client', async () => {
    await withForward(`forward . ${one()}`, async ({ resolve }) => {
      await resolve('a.example', 'udp')
      await resolve('b.example', 'tcp')
      assert.deepEqual(
        upstreams.asked(0).map(({ proto }) => proto),
        ['udp', 'tcp'],
      )
    })
  })

  const protocols = [
    ['force_tcp', 'tcp'],
    ['prefer_udp', 'udp'],
    ['prefer_udp\n  force_tcp', 'tcp'],
  ] as const
  for (const [option, proto] of protocols) {
    it(`asks over ${proto} with ${option.replace(/\s+/g, ' and ')}`, async () => {
      await withForward(`forward . ${one()} {\n  ${option}\n}`, async ({ resolve }) => {
        await resolve('a.example', 'udp')
        await resolve('b.example', 'tcp')
        assert.deepEqual(
          upstreams.asked(0).map((query) => query.proto),
          [proto, proto],
        )
      })
    })
  }

  it('asks from source_address', async () => {
    await withForward(`forward . ${one()} {\n  source_address 127.0.0.9\n}`, async ({ resolve }) => {
      await resolve('a.example', 'tcp')
      assert.equal(upstreams.asked(0)[0]!.socket!.remoteAddress, '127.0.0.9')
      assert.equal(await resolve('a.example', 'udp'), '192.0.2.1')
    })
  })

  describe('policy', () => {
    it('sequential asks the first', async () => {
      await withForward(`forward . ${upstreams.list} {\n  policy sequential\n}`, async ({ resolve }) => {
        for (let i = 0; i < 5; i++) assert.equal(await resolve('a.example'), '192.0.2.1')
      })
    })

    it('round_robin begins with the second', async () => {
      await withForward(`forward . ${upstreams.list} {\n  policy round_robin\n}`, async ({ resolve }) => {
        const asked: string[] = []
        for (let i = 0; i < 5; i++) asked.push((await resolve('a.example')).at(-1)!)
        assert.equal(asked.join(''), '23123')
      })
    })

    it('random asks all', async () => {
      await withForward(`forward . ${upstreams.list}`, async ({ resolve }) => {
        const asked = new Set<string>()
        for (let i = 0; i < 100; i++) asked.add(await resolve('a.example'))
        assert.equal(asked.size, 3)
      })
    })
  })

  it('asks the next upstream when one does not answer', async () => {
    await withForward(`forward . ${upstreams.list} {\n  policy sequential\n  ${closed}\n}`, async ({ resolve }) => {
      upstreams.responds[0] = () => {}
      assert.equal(await resolve('a.example'), '192.0.2.2')
    })
  })

  it('asks the next upstream at once when nobody listens on a port', async () => {
    const gone = await startFakeServer({ respond: () => {} })
    await gone.close()
    for (const proto of ['udp', 'tcp'] as const) {
      const text = `forward . 127.0.0.1:${gone.port} ${one()} {\n  policy sequential\n  read_timeout 1m\n}`
      await withForward(text, async ({ resolve }) => assert.equal(await resolve('a.example', proto), '192.0.2.1'))
    }
  })

  it('gives up after max_connect_attempts', async () => {
    const text = `forward . ${upstreams.list} {\n  policy sequential\n  ${closed}\n  max_connect_attempts 2\n}`
    await withForward(text, async ({ ask }) => {
      upstreams.responds.fill(() => {})
      const query = toQuery('a.example')
      const reply = await ask(query)
      assert.equal(reply.kind, 'failure')
      assert.equal(reply.rcode, RCODES.SERVFAIL)
      assert.match(String(reply.error), /^127\.0\.0\.1:\d+: no answer within 200 ms/)
      assert.deepEqual(
        upstreams.servers.map((_, i) => upstreams.asked(i).length),
        [1, 1, 0],
      )
    })
  })

  it('tries each upstream twice by default', async () => {
    await withForward(
      `forward . ${upstreams.list} {\n  policy sequential\n  ${closed}\n  max_fails 0\n}`,
      async ({ ask }) => {
        upstreams.responds.fill(() => {})
        assert.equal((await ask(toQuery('a.example'))).rcode, RCODES.SERVFAIL)
        assert.deepEqual(
          upstreams.servers.map((_, i) => upstreams.asked(i).length),
          [2, 2, 2],
        )
      },
    )
  })

  describe('failover', () => {
    it('asks the next upstream for the listed rcodes', async () => {
      const text = `forward . ${upstreams.list} {\n  policy sequential\n  failover SERVFAIL REFUSED\n}`
      await withForward(text, async ({ resolve }) => {
        upstreams.refuse(0, RCODES.SERVFAIL)
        upstreams.refuse(1, RCODES.REFUSED)
        assert.equal(await resolve('a.example'), '192.0.2.3')
        upstreams.refuse(2, RCODES.SERVFAIL)
        assert.equal(await resolve('a.example'), 'SERVFAIL')
        assert.equal(upstreams.asked(0).length, 2, 'nobody is asked twice')
      })
    })

    it('is not for other rcodes', async () => {
      const text = `forward . ${upstreams.list} {\n  policy sequential\n  failover SERVFAIL\n}`
      await withForward(text, async ({ resolve }) => {
        upstreams.refuse(0, RCODES.NXDOMAIN)
        assert.equal(await resolve('a.example'), 'NXDOMAIN')
      })
    })
  })

  describe('next', () => {
    const rows: [options: string, rcode: number, handedOver: boolean][] = [
      ['next NXDOMAIN', RCODES.NXDOMAIN, true],
      ['next NXDOMAIN', RCODES.REFUSED, false],
      ['next NXDOMAIN REFUSED', RCODES.REFUSED, true],
      ['next_on_nodata', RCODES.NOERROR, true],
      ['next_on_nodata', RCODES.NXDOMAIN, false],
      ['next NXDOMAIN', RCODES.NOERROR, false],
    ]
    for (const [options, rcode, handedOver] of rows) {
      it(`${handedOver ? 'hands over' : 'keeps'} an empty answer of rcode ${rcode} with ${options}`, async () => {
        await withForward(`forward . ${one()} {\n  ${options}\n}`, async ({ ask }) => {
          upstreams.refuse(0, rcode)
          const following = answering({})
          await ask(toQuery('a.example'), toNext(following, 'forward'))
          assert.equal(following.asked.length, handedOver ? 1 : 0)
          const other = answering({})
          await ask(toQuery('a.example'), toNext(other, 'erratic'))
          assert.equal(other.asked.length, 0, 'only another forward is asked')
        })
      })
    }
  })

  it('refuses more than max_concurrent queries', async () => {
    await withForward(`forward . ${one()} {\n  max_concurrent 2\n}`, async ({ ask, context }) => {
      const waiting: Received[] = []
      upstreams.responds[0] = (query) => void waiting.push(query)
      const first = [ask(toQuery('a.example')), ask(toQuery('b.example'))]
      const refused = await ask(toQuery('c.example'))
      assert.equal(refused.rcode, RCODES.REFUSED)
      assert.equal(refused.error, 'concurrent queries exceeded maximum 2')
      assert.equal(context.metrics.value('coredns_forward_max_concurrent_rejects_total'), 1)
      await until(() => waiting.length === 2)
      for (const query of waiting) query.send(toAnswer(query))
      await Promise.all(first)
      upstreams.reset()
      assert.equal((await ask(toQuery('c.example'))).kind, 'answer')
    })
  })

  describe('identical queries at the same time', () => {
    it('are asked once', async () => {
      await withForward(`forward . ${one()}`, async ({ ask, context }) => {
        const queries = Array.from({ length: 20 }, (_, i) => toQuery(i % 2 ? 'Same.Example' : 'same.example'))
        const replies = await Promise.all(queries.map((query) => ask(query)))
        assert.equal(upstreams.asked(0).length, 1)
        assert.equal(replies.filter(({ kind }) => kind === 'answer').length, 20)
        assert.equal(context.metrics.value('corelet_forward_shared_queries_total'), 19)
        for (const query of queries) assert.equal(query.metadata('forward/upstream'), one())
        await ask(toQuery('same.example'))
        assert.equal(upstreams.asked(0).length, 2, 'a later one is asked again')
      })
    })

    it('share a failure too', async () => {
      await withForward(`forward . ${one()} {\n  ${closed}\n  max_connect_attempts 1\n}`, async ({ resolve }) => {
        upstreams.responds[0] = () => {}
        const results = await Promise.all(Array.from({ length: 5 }, () => resolve('same.example')))
        assert.deepEqual(results, new Array(5).fill('SERVFAIL'))
        assert.equal(upstreams.asked(0).length, 1)
      })
    })

    const different: [what: string, make: () => Query][] = [
      ['type', () => toQuery('a.example', 'AAAA')],
      ['class', () => toQuery('a.example', 'A', { qclass: 3 })],
      ['DO', () => toQuery('a.example', 'A', { dnssecOk: true })],
      ['EDNS', () => toQuery('a.example', 'A', { udpSize: 1232 })],
      ['CD', () => toQuery('a.example', 'A', { flags: 0x0010 })],
      ['AD', () => toQuery('a.example', 'A', { flags: 0x0020 })],
      ['protocol', () => toQuery('a.example', 'A', { proto: 'tcp' })],
      ['name', () => toQuery('b.example', 'A')],
    ]
    for (const [what, make] of different) {
      it(`are asked each when they differ in ${what}`, async () => {
        await withForward(`forward . ${one()}`, async ({ ask }) => {
          await Promise.all([ask(toQuery('a.example')), ask(make())])
          assert.equal(upstreams.asked(0).length, 2)
        })
      })
    }

    it('differ by client subnet, but not by cookie, and no cookie reaches the wrong client', async () => {
      await withForward(`forward . ${one()}`, async ({ ask }) => {
        upstreams.responds[0] = (query) => {
          const answer = toAnswer(query)
          const opt = query.wire.subarray(29 - 'example.org'.length + 'a.example'.length)
          answer.writeUInt16BE(1, 10)
          query.send(Buffer.concat([answer, opt]))
        }
        const withOption = (code: number, octet: number) =>
          toQuery('a.example', 'A').with({
            edns: { udpSize: 1232, flags: 0, options: [{ code, data: new Uint8Array(8).fill(octet) }] },
          })
        const [first, second] = await Promise.all([
          ask(withOption(OPTIONS.COOKIE, 1)),
          ask(withOption(OPTIONS.COOKIE, 2)),
          ask(withOption(OPTIONS.ECS, 1)),
          ask(withOption(OPTIONS.ECS, 2)),
        ])
        assert.equal(upstreams.asked(0).length, 3)
        assert.deepEqual([...first!.options[0]!.data], new Array(8).fill(1))
        assert.deepEqual(second!.options, [])
      })
    })
  })

  it('counts', async () => {
    await withForward(`forward . ${one()} {\n  max_fails 0\n}`, async ({ resolve, context }) => {
      await resolve('a.example', 'tcp')
      await resolve('b.example', 'tcp')
      upstreams.refuse(0, 12)
      await resolve('c.example', 'udp')
      const value = (name: string, ...labels: string[]) => context.metrics.value(name, ...labels)
      const to = one()
      assert.equal(value('coredns_proxy_request_duration_seconds', 'forward', to, 'NOERROR'), 2)
      assert.equal(value('coredns_proxy_request_duration_seconds', 'forward', to, '12'), 1)
      assert.equal(value('coredns_proxy_conn_cache_misses_total', 'forward', to, 'tcp'), 1)
      assert.equal(value('coredns_proxy_conn_cache_hits_total', 'forward', to, 'tcp'), 1)
      assert.equal(value('coredns_proxy_conn_cache_misses_total', 'forward', to, 'udp'), 1)
      assert.equal(value('coredns_forward_requests_total', to), 3)
      assert.equal(value('coredns_forward_responses_total', to, 'NOERROR'), 2)
      assert.equal(value('coredns_forward_request_duration_seconds', to, 'NOERROR'), 2)
    })
  })

  describe('health', () => {
    /** One upstream that is mute, probed on a clock that the test turns. */
    async function startMute(options: string) {
      upstreams.reset()
      upstreams.responds[0] = () => {}
      const started = await startPlugin(forward, `forward . ${one()} {\n  max_connect_attempts 1\n  ${options}\n}`)
      const clock = started.context.clock
      assert.ok(clock instanceof FakeClock)
      const probes = () => upstreams.servers[0]!.received.filter(({ name }) => name !== 'a.example.')
      return {
        ...started,
        clock,
        probes,
        value: (name: string, ...labels: string[]) => started.context.metrics.value(name, ...labels) ?? 0,
      }
    }

    it('goes down with the third failed probe and up with the first answer', async () => {
      const { ask, running, clock, probes, value } = await startMute('health_check 1s domain Probe.Example')
      const failures = () => value('coredns_proxy_healthcheck_failures_total', 'forward', one())
      const broken = () => value('coredns_forward_healthcheck_broken_total')
      const askLate = async () => {
        const reply = ask(toQuery('a.example'))
        await clock.advance(2200)
        return reply
      }
      assert.equal(probes().length, 0, 'nothing is probed before a query fails')
      assert.equal((await askLate()).rcode, RCODES.SERVFAIL)
      await until(() => probes().length === 1)
      assert.equal(probes()[0]!.name, 'probe.example.')
      assert.equal(probes()[0]!.wire.readUInt16BE(2), 0x0100)
      for (let failed = failures(); failed < 3; failed++) {
        assert.equal(broken(), 0)
        await clock.advance(2100)
        await until(() => failures() > failed)
      }
      assert.equal(value('coredns_forward_healthcheck_failures_total', one()), failures())
      assert.equal((await askLate()).rcode, RCODES.SERVFAIL)
      assert.equal(broken(), 1)
      upstreams.reset()
      upstreams.refuse(0, RCODES.REFUSED)
      await clock.advance(2100)
      await until(() => probes().length > 0)
      await settle()
      upstreams.reset()
      assert.equal((await ask(toQuery('a.example'))).kind, 'answer')
      assert.equal(broken(), 1)
      await running.stop?.()
    })

    it('fails fast when told to', async () => {
      const { ask, running, clock, value } = await startMute('max_fails 1\n  failfast_all_unhealthy_upstreams')
      const failing = ask(toQuery('a.example'))
      await clock.advance(2200)
      await failing
      for (let i = 0; i < 4; i++) await clock.advance(2000)
      await until(() => value('coredns_proxy_healthcheck_failures_total', 'forward', one()) >= 2)
      const sent = () => upstreams.servers[0]!.received.filter(({ name }) => name === 'a.example.').length
      const before = sent()
      const reply = await ask(toQuery('a.example'))
      assert.equal(reply.rcode, RCODES.SERVFAIL)
      assert.equal(reply.error, 'no healthy proxies')
      assert.equal(sent(), before)
      await running.stop?.()
    })

    it('is not probed with max_fails 0', async () => {
      const { ask, running, clock, probes } = await startMute('max_fails 0')
      const failing = ask(toQuery('a.example'))
      await clock.advance(10_000)
      assert.equal((await failing).rcode, RCODES.SERVFAIL)
      await settle()
      assert.equal(probes().length, 0)
      await running.stop?.()
    })

    it('leaves no timer behind when it stops', async () => {
      const { ask, running, clock } = await startMute('health_check 1s no_rec')
      const failing = ask(toQuery('a.example'))
      await clock.advance(2200)
      await failing
      await running.stop?.()
      await settle()
      assert.equal(clock.pending, 0)
    })
  })

  describe('TO', () => {
    let folder: string
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'forward-'))
    })
    after(() => rm(folder, { recursive: true }))
    const refuses = (text: string, message: RegExp) => assert.rejects(startForward(text), message)

    it('may be a file like resolv.conf', async () => {
      const file = join(folder, 'resolv.conf')
      await writeFile(
        file,
        '# comment\nsearch example.org\nnameserver 127.0.0.1\nnameserver\nnameserver ::1%lo\noptions rotate\n',
      )
      const { resolveDestinations } = await import('./resolve.ts')
      assert.deepEqual(await resolveDestinations([{ kind: 'file', path: file }], []), [
        { transport: 'dns', address: '127.0.0.1', port: 53 },
        { transport: 'dns', address: '::1', port: 53 },
      ])
    })

    it('must lead to a server', async () => {
      await writeFile(join(folder, 'empty'), 'search example.org\n')
      await refuses(`forward . ${join(folder, 'empty')}`, /no valid upstream addresses found/)
      await refuses(`forward . ${join(folder, 'missing')}`, /ENOENT.*missing/)
    })

    it('is taken once for each address and port', async () => {
      await withForward(
        `forward . ${one()} tls://${one()} ${one()} {\n  policy round_robin\n}`,
        async ({ resolve }) => {
          for (let i = 0; i < 3; i++) assert.equal(await resolve('a.example'), '192.0.2.1')
        },
      )
    })

    it('may be a host name, which is looked up at the start', async () => {
      const port = upstreams.servers[0]!.port
      await withForward(`forward . localhost:${port} {\n  policy sequential\n}`, async ({ resolve }) => {
        assert.equal(await resolve('a.example'), '192.0.2.1')
      })
    })

    it('is looked up with the resolvers, in order', async () => {
      const dead = await startFakeServer({ respond: () => {} })
      await dead.close()
      const port = upstreams.servers[1]!.port
      upstreams.reset()
      upstreams.responds[0] = (query) =>
        query.send(toAnswer(query, { addresses: query.wire.at(-3) === 1 ? ['127.0.0.1'] : [] }))
      const text = `forward . dns.example:${port} {\n  resolver 127.0.0.1:${dead.port} ${one()}\n}`
      const running = await startForward(text)
      assert.equal(await running.resolve('a.example'), '192.0.2.2')
      running.stop()
    })

    it('that does not resolve stops the start', async () => {
      upstreams.reset()
      upstreams.refuse(0, RCODES.NXDOMAIN)
      await refuses(`forward . dns.example {\n  resolver ${one()}\n}`, /failed to resolve "dns\.example"/)
    })
  })
})
