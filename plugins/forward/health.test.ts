import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { RCODES, TYPES } from 'corelet/plugin'
import { FakeClock, settle, startPlugin, toQuery } from 'corelet/plugin/testing'
import forward from './index.ts'
import { Upstreams, until } from './testing.ts'

describe('health', () => {
  const upstreams = new Upstreams()
  before(() => upstreams.open(1))
  after(() => upstreams.close())

  /** One upstream that is mute, probed on a clock that the test turns. */
  async function startMute(options: string) {
    upstreams.reset()
    upstreams.responds[0] = () => {}
    const started = await startPlugin(
      forward,
      `forward . ${upstreams.first} {\n  max_connect_attempts 1\n  ${options}\n}`,
    )
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
    const failures = () => value('coredns_proxy_healthcheck_failures_total', 'forward', upstreams.first)
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
    assert.equal(value('coredns_forward_healthcheck_failures_total', upstreams.first), failures())
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

  const sent: [options: string, name: string, flags: number, proto: string][] = [
    ['', '.', 0x0100, 'udp'],
    ['health_check 1s no_rec', '.', 0, 'udp'],
    ['health_check 1s no_rec domain a.b', 'a.b.', 0, 'udp'],
    ['force_tcp', '.', 0x0100, 'tcp'],
    ['prefer_udp', '.', 0x0100, 'udp'],
  ]
  for (const [options, name, flags, proto] of sent) {
    it(`is probed for ${name} over ${proto} with the flags ${flags}: ${options || 'default'}`, async () => {
      const { ask, running, clock, probes } = await startMute(options)
      const failing = ask(toQuery('a.example'))
      await clock.advance(2200)
      await failing
      await until(() => probes().length > 0)
      const [probe] = probes()
      const type = probe!.wire.subarray(-4).readUInt16BE()
      assert.deepEqual([probe!.name, type, probe!.wire.readUInt16BE(2), probe!.proto], [name, TYPES.NS, flags, proto])
      await running.stop?.()
    })
  }

  it('is probed from source_address', async () => {
    const { ask, running, clock, probes } = await startMute('force_tcp\n  source_address 127.0.0.9')
    const failing = ask(toQuery('a.example'))
    await clock.advance(2200)
    await failing
    await until(() => probes().length > 0)
    assert.equal(probes()[0]!.socket!.remoteAddress, '127.0.0.9')
    await running.stop?.()
  })

  it('fails fast when told to', async () => {
    const { ask, running, clock, value } = await startMute('max_fails 1\n  failfast_all_unhealthy_upstreams')
    const failing = ask(toQuery('a.example'))
    await clock.advance(2200)
    await failing
    for (let i = 0; i < 4; i++) await clock.advance(2000)
    await until(() => value('coredns_proxy_healthcheck_failures_total', 'forward', upstreams.first) >= 2)
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
