import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { OPCODES, Query, RCODES } from 'corelet/plugin'
import { answering, settle, startPlugin, toNext, toQuery } from 'corelet/plugin/testing'
import { readQuery } from '../../src/dns/query-view.ts'
import { type Received, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import forward from './index.ts'
import { Upstreams, until } from './testing.ts'

describe('forward', () => {
  const upstreams = new Upstreams()
  const closed = 'read_timeout 200ms'
  before(() => upstreams.open(3))
  after(() => upstreams.close())

  it('passes on what is not below FROM, or is below a name in except', async () => {
    const text = `forward example.org ${upstreams.first} {\n  except internal.example.org example.org\n}`
    await upstreams.with(text, async ({ ask }) => {
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

  it('takes the first zone of a network that stands for several, with a warning', async () => {
    await upstreams.with(`forward 10.0.0.0/15 ${upstreams.first}`, async ({ ask, context }) => {
      assert.equal(context.lines.length, 1)
      assert.match(context.lines[0]!, /^\[WARNING\] plugin\/forward: .*: 0\.10\.in-addr\.arpa\.$/)
      const next = answering({})
      for (const name of ['1.0.10.in-addr.arpa', '1.1.10.in-addr.arpa']) await ask(toQuery(name), toNext(next))
      assert.deepEqual(
        next.asked.map(({ name }) => name),
        ['1.1.10.in-addr.arpa.'],
      )
    })
  })

  it('says who answered', async () => {
    await upstreams.with(`forward . ${upstreams.first}`, async ({ ask }) => {
      const query = toQuery('example.org')
      const reply = await ask(query)
      assert.equal(query.metadata('forward/upstream'), upstreams.first)
      assert.equal(reply.reason, `answered by ${upstreams.first}`)
      assert.equal(reply.plugin, 'forward')
    })
  })

  it('lets other classes than IN in', async () => {
    const started = await startPlugin(forward, `forward . ${upstreams.first}`)
    assert.equal(started.settings.anyClass, true)
    await started.running.stop?.()
    await upstreams.with(`forward . ${upstreams.first}`, async ({ ask }) => {
      await ask(toQuery('version.bind', 'TXT', { qclass: 3 }))
      assert.equal(upstreams.asked(0).length, 1)
    })
  })

  it('refuses what must not be forwarded', async () => {
    await upstreams.with(`forward . ${upstreams.first}`, async ({ ask }) => {
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
    await upstreams.with(`forward . ${upstreams.first}`, async ({ resolve }) => {
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
      await upstreams.with(`forward . ${upstreams.first} {\n  ${option}\n}`, async ({ resolve }) => {
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
    await upstreams.with(`forward . ${upstreams.first} {\n  source_address 127.0.0.9\n}`, async ({ resolve }) => {
      await resolve('a.example', 'tcp')
      assert.equal(upstreams.asked(0)[0]!.socket!.remoteAddress, '127.0.0.9')
      assert.equal(await resolve('a.example', 'udp'), '192.0.2.1')
    })
  })

  describe('policy', () => {
    it('sequential asks the first', async () => {
      await upstreams.with(`forward . ${upstreams.list} {\n  policy sequential\n}`, async ({ resolve }) => {
        for (let i = 0; i < 5; i++) assert.equal(await resolve('a.example'), '192.0.2.1')
      })
    })

    it('round_robin begins with the second', async () => {
      await upstreams.with(`forward . ${upstreams.list} {\n  policy round_robin\n}`, async ({ resolve }) => {
        const asked: string[] = []
        for (let i = 0; i < 5; i++) asked.push((await resolve('a.example')).at(-1)!)
        assert.equal(asked.join(''), '23123')
      })
    })

    it('random asks all', async () => {
      await upstreams.with(`forward . ${upstreams.list}`, async ({ resolve }) => {
        const asked = new Set<string>()
        for (let i = 0; i < 100; i++) asked.add(await resolve('a.example'))
        assert.equal(asked.size, 3)
      })
    })
  })

  it('asks the next upstream when one does not answer', async () => {
    await upstreams.with(`forward . ${upstreams.list} {\n  policy sequential\n  ${closed}\n}`, async ({ resolve }) => {
      upstreams.responds[0] = () => {}
      assert.equal(await resolve('a.example'), '192.0.2.2')
    })
  })

  it('asks the next upstream at once when nobody listens on a port', async () => {
    const gone = await startFakeServer({ respond: () => {} })
    await gone.close()
    for (const proto of ['udp', 'tcp'] as const) {
      const text = `forward . 127.0.0.1:${gone.port} ${upstreams.first} {\n  policy sequential\n  read_timeout 1m\n}`
      await upstreams.with(text, async ({ resolve }) => assert.equal(await resolve('a.example', proto), '192.0.2.1'))
    }
  })

  it('says in an extended error why there is no answer', async () => {
    const gone = await startFakeServer({ respond: () => {} })
    await gone.close()
    const codeOf = async (text: string) => {
      let code: number | undefined
      await upstreams.with(text, async ({ ask }) => {
        upstreams.responds.fill(() => {})
        const { options } = await ask(toQuery('a.example'))
        code = options[0]?.data[1]
      })
      return code
    }
    assert.equal(await codeOf(`forward . 127.0.0.1:${gone.port}`), 23)
    assert.equal(await codeOf(`forward . ${upstreams.first} {\n  read_timeout 50ms\n}`), 22)
  })

  it('does not ask in a tight loop when attempts are without limit', async () => {
    const gone = await startFakeServer({ respond: () => {} })
    await gone.close()
    const text = `forward . 127.0.0.1:${gone.port} {\n  max_connect_attempts 0\n  max_fails 0\n}`
    const { running, context, ask } = await startPlugin(forward, text)
    const waiting = ask(toQuery('a.example'))
    const opened = () =>
      context.metrics.value('coredns_proxy_conn_cache_misses_total', 'forward', `127.0.0.1:${gone.port}`, 'udp') ?? 0
    await until(() => opened() === 2)
    for (let i = 0; i < 10; i++) await settle()
    assert.equal(opened(), 2, 'the third waits for its time')
    await context.clock.advance(20)
    await until(() => opened() === 3)
    await context.clock.advance(5000)
    assert.equal((await waiting).rcode, RCODES.SERVFAIL)
    await running.stop?.()
  })

  it('gives up after max_connect_attempts', async () => {
    const text = `forward . ${upstreams.list} {\n  policy sequential\n  ${closed}\n  max_connect_attempts 2\n}`
    await upstreams.with(text, async ({ ask }) => {
      upstreams.responds.fill(() => {})
      const query = toQuery('a.example')
      const reply = await ask(query)
      assert.equal(reply.kind, 'failure')
      assert.equal(reply.rcode, RCODES.SERVFAIL)
      assert.match(String(reply.error), /^127\.0\.0\.1:\d+: no answer within 200 ms: i\/o timeout$/)
      assert.deepEqual(
        upstreams.servers.map((_, i) => upstreams.asked(i).length),
        [1, 1, 0],
      )
    })
  })

  it('tries each upstream twice by default', async () => {
    await upstreams.with(
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
      await upstreams.with(text, async ({ resolve }) => {
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
      await upstreams.with(text, async ({ resolve }) => {
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
        await upstreams.with(`forward . ${upstreams.first} {\n  ${options}\n}`, async ({ ask }) => {
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
    await upstreams.with(`forward . ${upstreams.first} {\n  max_concurrent 2\n}`, async ({ ask, context }) => {
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

  it('counts', async () => {
    await upstreams.with(`forward . ${upstreams.first} {\n  max_fails 0\n}`, async ({ resolve, context }) => {
      await resolve('a.example', 'tcp')
      await resolve('b.example', 'tcp')
      upstreams.refuse(0, 12)
      await resolve('c.example', 'udp')
      const value = (name: string, ...labels: string[]) => context.metrics.value(name, ...labels)
      const to = upstreams.first
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
})
