import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { OPTIONS, type Query } from 'corelet/plugin'
import { toQuery } from 'corelet/plugin/testing'
import { decodeMessage } from '../../src/dns/codec.ts'
import { toAnswer } from '../../src/upstream/testing.ts'
import { Upstreams } from './testing.ts'

describe('identical queries at the same time', () => {
  const upstreams = new Upstreams()
  before(() => upstreams.open(1))
  after(() => upstreams.close())

  it('are asked once', async () => {
    await upstreams.with(`forward . ${upstreams.first}`, async ({ ask, context }) => {
      const queries = Array.from({ length: 20 }, (_, i) => toQuery(i % 2 ? 'Same.Example' : 'same.example'))
      const replies = await Promise.all(queries.map((query) => ask(query)))
      assert.equal(upstreams.asked(0).length, 1)
      assert.equal(replies.filter(({ kind }) => kind === 'answer').length, 20)
      assert.equal(context.metrics.value('corelet_forward_shared_queries_total'), 19)
      for (const query of queries) assert.equal(query.metadata('forward/upstream'), upstreams.first)
      await ask(toQuery('same.example'))
      assert.equal(upstreams.asked(0).length, 2, 'a later one is asked again')
    })
  })

  it('share a failure too', async () => {
    await upstreams.with(
      `forward . ${upstreams.first} {\n  read_timeout 200ms\n  max_connect_attempts 1\n}`,
      async ({ resolve }) => {
        upstreams.responds[0] = () => {}
        const results = await Promise.all(Array.from({ length: 5 }, () => resolve('same.example')))
        assert.deepEqual(results, new Array(5).fill('SERVFAIL'))
        assert.equal(upstreams.asked(0).length, 1)
      },
    )
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
      await upstreams.with(`forward . ${upstreams.first}`, async ({ ask }) => {
        await Promise.all([ask(toQuery('a.example')), ask(make())])
        assert.equal(upstreams.asked(0).length, 2)
      })
    })
  }

  it('go out without what is between a client and this server: padding and keepalive', async () => {
    await upstreams.with(`forward . ${upstreams.first}`, async ({ ask }) => {
      const data = new Uint8Array(8)
      const options = [OPTIONS.PADDING, OPTIONS.COOKIE, OPTIONS.KEEPALIVE].map((code) => ({ code, data }))
      for (const proto of ['udp', 'tcp'] as const) {
        await ask(toQuery('a.example', 'A', { proto }).with({ edns: { udpSize: 4000, flags: 0x8000, options } }))
        const { opt } = decodeMessage(upstreams.asked(0).at(-1)!.wire)
        assert.deepEqual([opt!.udpSize, opt!.flags], [4000, 0x8000])
        assert.deepEqual(
          opt!.options.map(({ code }) => code),
          [OPTIONS.COOKIE],
        )
      }
    })
  })

  it('differ by client subnet, but not by cookie, and no cookie reaches the wrong client', async () => {
    await upstreams.with(`forward . ${upstreams.first}`, async ({ ask }) => {
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
